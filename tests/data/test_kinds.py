"""Single stimuli, windows of a sequence and recordings answer the same calls, so that no caller asks the kind."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from bispike.data import Dataset, Split, from_arrays, sampling
from bispike.data.event_sequences import as_sequences
from bispike.data.readers.series_table import Series
from bispike.data.sequence_dataset import Recordings, Windows
from bispike.data.series_windows import windowed
from bispike.errors import ConfigurationError

from .makers import cycle, pixels

LABELS = torch.tensor([0] * 30 + [1] * 20 + [2] * 10)


def stimuli() -> Split:
    return Split(torch.arange(60, dtype=torch.float32)[:, None], LABELS.clone())


def windows() -> Windows:
    return Windows(torch.arange(64), torch.arange(64), starts=torch.arange(60), length=5)


def recordings() -> Recordings:
    """Sixty recordings of two positions each, whose values are their numbers."""
    values = torch.arange(60, dtype=torch.float32).repeat_interleave(2)[:, None]
    return Recordings(values, LABELS.repeat_interleave(2), torch.arange(60) * 2, 2, scored="vote")


KINDS: list[Callable[[], Split]] = [stimuli, windows, recordings]


def numbers(part: Split) -> list[int]:
    """The samples of a part, by their place in the whole."""
    return [int(values.flatten()[0]) for values, _ in part]


@pytest.mark.parametrize("make", KINDS)
def test_every_kind_is_loaded_by_torch(make: Callable[[], Split]) -> None:
    part = make()
    loaded = list(torch.utils.data.DataLoader(part, batch_size=8))
    assert len(loaded) == 8
    for found, expected in zip(zip(*loaded, strict=True), part[:], strict=True):
        assert torch.equal(torch.cat(found), expected)


@pytest.mark.parametrize("make", KINDS)
@pytest.mark.parametrize("count", [6, 12, 60, 100])
def test_a_limit_and_spread_rows_have_the_size_asked(make: Callable[[], Split], count: int) -> None:
    part = make()
    assert len(part.limited(count)) == len(part.spread_rows(count)) == min(count, 60)
    assert torch.equal(part.spread_rows(count), part.spread_rows(count).unique())


def test_the_limit_keeps_first_samples_and_class_proportions() -> None:
    expected = [0, 1, 2, 30, 31, 50]  # 3 : 2 : 1 as in the whole
    assert numbers(stimuli().limited(6)) == expected
    assert numbers(recordings().limited(6)) == expected
    assert numbers(windows().limited(6)) == list(range(6))


def test_spread_rows_reach_over_all_of_a_sequence() -> None:
    assert stimuli().spread_rows(6).tolist() == [0, 1, 2, 30, 31, 50]
    assert windows().spread_rows(4).tolist() == [0, 19, 39, 59]


@pytest.mark.parametrize("make", KINDS)
@pytest.mark.parametrize("fraction", [0.0, 0.2, 0.5])
def test_held_out_samples_are_not_learned_from(make: Callable[[], Split], fraction: float) -> None:
    train, held_out = make().hold_out(fraction, 3)
    learned, kept = numbers(train), numbers(held_out)
    assert type(train) is type(held_out) is type(make())
    assert len(kept) == round(60 * fraction)
    assert not set(learned) & set(kept)
    assert make is windows or sorted(learned + kept) == list(range(60))


def test_recordings_are_held_out_by_class_and_windows_at_the_end() -> None:
    assert Split.hold_out(stimuli(), 0.2, 3)[1].counts(3) == [6, 4, 2]
    assert torch.bincount(recordings().hold_out(0.2, 3)[1].classes).tolist() == [6, 4, 2]
    train, held_out = windows().hold_out(0.2, 3)
    assert numbers(held_out) == list(range(48, 60))
    assert max(numbers(train)) + 4 < 48  # the last position of the last window


def test_imbalance_and_wrong_labels_follow_the_generator() -> None:
    part = stimuli()
    rows = sampling.imbalanced(LABELS, 9.0, torch.Generator().manual_seed(5))
    assert numbers(part.imbalanced(9.0, torch.Generator().manual_seed(5))) == rows.tolist()
    wrong = part.mislabelled(0.5, 3, torch.Generator().manual_seed(5))
    assert int((wrong.labels != part.labels).sum()) == 30
    assert torch.equal(wrong.stimuli, part.stimuli)
    assert torch.equal(part.labels, LABELS)


@pytest.mark.parametrize("make", [windows, recordings])
def test_windows_refuse_what_needs_one_class_per_sample(make: Callable[[], Split]) -> None:
    for refused in (lambda part: part.imbalanced(2.0, None), lambda part: part.mislabelled(0.1, 3, None)):
        with pytest.raises(ConfigurationError, match="expected single stimuli with classes, received sequences"):
            refused(make())


def test_mean_steps_are_those_of_quantities_only() -> None:
    values = torch.tensor([[0.0, 5.0], [1.0, 5.0], [3.0, 5.0], [6.0, 5.0], [60.0, 5.0]])
    series = Windows(values, values, starts=torch.tensor([0, 1]), length=3)
    steps = series.mean_steps()
    assert steps is not None
    assert steps.tolist() == pytest.approx([2.0, 1e-12])  # |1| + |2| + |3| over 3; a constant is not divided by 0
    assert [make().mean_steps() for make in KINDS] == [None, None, None]


def test_data_sets_describe_their_protocol_and_oddities() -> None:
    images = from_arrays(pixels(30, 4, 2, 3, 3).reshape(30, 4, 18), cycle(30, 3), layout="grey")
    series = windowed(Series("ramp", ("a",), torch.arange(100.0).double()[:, None].numpy()), horizon=3, window=5)
    events = as_sequences(images)
    expected: list[tuple[Dataset, bool, dict]] = [
        (images, False, {}),
        (series, True, {"protocol": "chronological", "task": "series", "horizon": 3, "inputs": ["a"]}),
    ]
    for data, sequential, summary in expected:
        assert data.sequential is sequential
        assert data.protocol_summary() == summary
        assert data.describe()["train"]["count"] == len(data.train)
    repeated = from_arrays(pixels(6, 2), cycle(6, 2), pixels(6, 2), cycle(6, 2))
    assert "6 different test stimuli also occur" in repeated.suspicions()[0]
    assert events.suspicions() == series.suspicions() == []
