"""Cues, and rates as evenly spread spikes."""

import pytest
import torch

from bispike.errors import ConfigurationError
from bispike.functional import even_code, half_cue, random_cue


def test_a_cue_of_an_image_ends_at_a_straight_edge() -> None:
    known = random_cue(torch.zeros(200, 1, 10, 12), 0.75, generator=torch.Generator().manual_seed(0))
    assert known.shape == (200, 1, 10, 12)
    for mask in known[:, 0]:
        rows, columns = mask.amin(1), mask.amin(0)
        straight = torch.equal(mask, rows[:, None].expand_as(mask)) or torch.equal(mask, columns.expand_as(mask))
        assert straight
        assert int(mask.sum()) >= 0.25 * mask.numel() - 12
    hidden = 1 - known[:, 0]
    sides = [hidden[:, 0, :].amin(1), hidden[:, -1, :].amin(1), hidden[:, :, 0].amin(1), hidden[:, :, -1].amin(1)]
    assert all(0.1 < float(side.mean()) < 0.5 for side in sides)


def test_a_cue_of_a_vector_hides_up_to_the_share() -> None:
    known = random_cue(torch.zeros(300, 400), 0.5, generator=torch.Generator().manual_seed(0))
    shares = 1 - known.mean(1)
    assert float(shares.max()) < 0.6
    assert 0.2 < float(shares.mean()) < 0.3


@pytest.mark.parametrize("time_steps", [1, 4, 8, 7])
def test_even_spikes_are_as_many_as_the_rate_asks_for(time_steps: int) -> None:
    rates = torch.linspace(0, 1, 41)
    spikes = even_code(rates, time_steps)
    assert set(spikes.unique().tolist()) <= {0.0, 1.0}
    torch.testing.assert_close(spikes.sum(0), (rates * time_steps).round())


def test_half_of_the_steps_alternate() -> None:
    assert even_code(torch.tensor([0.5]), 8)[:, 0].tolist() == [0, 1] * 4


def test_rates_outside_their_range_are_refused() -> None:
    with pytest.raises(ConfigurationError):
        even_code(torch.tensor([1.2]), 4)


@pytest.mark.parametrize(
    ("hidden", "known"),
    [("bottom", [[1, 1], [0, 0]]), ("top", [[0, 0], [1, 1]]), ("left", [[0, 1], [0, 1]]), ("none", [[1, 1], [1, 1]])],
)
def test_half_of_an_image_is_hidden(hidden: str, known: list[list[int]]) -> None:
    assert half_cue((3, 2, 2), hidden)[0].tolist() == known


def test_half_of_a_vector_is_hidden() -> None:
    assert half_cue((5,), "bottom").tolist() == [1, 1, 0, 0, 0]
    assert half_cue((5,), "top").tolist() == [0, 0, 1, 1, 1]


@pytest.mark.parametrize("most", [0.0, 0.4, 1.0])
def test_a_position_is_known_where_it_lies_beyond_the_hidden_share(most: float) -> None:
    """Position i of n lies (i + ½)/n from one side, and 1 less that from the other."""
    known = random_cue(torch.zeros(40, 3, 5, 7), most, generator=torch.Generator().manual_seed(3))
    draws = torch.Generator().manual_seed(3)
    shares = (torch.rand(40, generator=draws) * most).tolist()
    sides = torch.randint(4, (40,), generator=draws).tolist()
    assert set(sides) == {0, 1, 2, 3}
    assert known.shape == (40, 1, 5, 7)
    for sample, (share, side) in enumerate(zip(shares, sides, strict=True)):
        for y in range(5):
            for x in range(7):
                away = [(y + 0.5) / 5, 1 - (y + 0.5) / 5, (x + 0.5) / 7, 1 - (x + 0.5) / 7][side]
                assert known[sample, 0, y, x] == float(away >= share)


def test_values_of_a_vector_are_hidden_by_draws_of_the_generator() -> None:
    stimulus = torch.zeros(6, 9, dtype=torch.float64)
    known = random_cue(stimulus, 0.8, generator=torch.Generator().manual_seed(3))
    draws = torch.Generator().manual_seed(3)
    shares = torch.rand(6, generator=draws) * 0.8
    expected = torch.rand(6, 9, generator=draws) >= shares[:, None]
    assert known.dtype == torch.float64
    assert torch.equal(known, expected.double())
    before = torch.get_rng_state()
    random_cue(stimulus, 0.8, generator=torch.Generator().manual_seed(3))
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize(
    ("hidden", "rows", "columns"),
    [
        ("bottom", range(2), range(7)),
        ("top", range(2, 5), range(7)),
        ("left", range(5), range(3, 7)),
        ("right", range(5), range(3)),
        ("none", range(5), range(7)),
    ],
)
def test_the_middle_of_an_odd_image_belongs_to_the_far_half(hidden: str, rows: range, columns: range) -> None:
    cue = half_cue((3, 5, 7), hidden)
    assert cue.shape == (1, 5, 7)
    expected = [[float(y in rows and x in columns) for x in range(7)] for y in range(5)]
    assert cue[0].tolist() == expected


@pytest.mark.parametrize(
    ("hidden", "known"), [("left", [0, 0, 1, 1, 1]), ("right", [1, 1, 0, 0, 0]), ("none", [1] * 5)]
)
def test_the_sides_of_a_vector(hidden: str, known: list[int]) -> None:
    assert half_cue((5,), hidden).tolist() == known


@pytest.mark.parametrize("time_steps", [1, 2, 3, 5, 8])
def test_even_spikes_fall_where_the_running_count_passes_a_whole_number(time_steps: int) -> None:
    """Step t fires where ⌊t m/T⌋ > ⌊(t − 1) m/T⌋, in whole numbers."""
    counts = range(time_steps + 1)
    spikes = even_code(torch.tensor([m / time_steps for m in counts]), time_steps)
    expected = [[t * m // time_steps - (t - 1) * m // time_steps for m in counts] for t in range(1, time_steps + 1)]
    assert spikes.tolist() == expected
