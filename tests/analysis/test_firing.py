"""Firing rates, dead and saturated units of constructed activity."""

from __future__ import annotations

import pytest
import torch

from bispike.analysis import LayerReading, firing, firing_health
from bispike.errors import ShapeError


def test_units_that_never_or_always_spike_are_counted() -> None:
    rates = torch.tensor([[0.0, 1.0, 0.5, 0.0], [0.0, 1.0, 1.0, 0.25]])
    found = firing(rates)
    assert found.dead == 0.25
    assert found.saturated == 0.25
    assert found.rate == pytest.approx(3.75 / 8)
    assert found.unit_rates.tolist() == [0.0, 1.0, 0.75, 0.125]


def test_limits_of_silence_and_saturation() -> None:
    assert (firing(torch.zeros(3, 5)).dead, firing(torch.zeros(3, 5)).saturated) == (1.0, 0.0)
    assert (firing(torch.ones(3, 5)).dead, firing(torch.ones(3, 5)).saturated) == (0.0, 1.0)


def test_both_pathways_are_reported() -> None:
    health = firing_health([LayerReading("layer1", torch.ones(2, 3), torch.zeros(4, 3), None)])[0]
    assert (health.name, health.bottom_up.rate, health.top_down.rate) == ("layer1", 1.0, 0.0)


@pytest.mark.parametrize("shape", [(3,), (0, 3), (2, 3, 4)])
def test_activity_of_another_shape_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ShapeError, match="samples, units"):
        firing(torch.zeros(shape))
