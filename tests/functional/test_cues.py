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
