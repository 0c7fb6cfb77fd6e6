"""Firing health: mean rate of the units, share of dead and share of saturated units.

A unit that never spikes on a sample (dead) or spikes at every time step (saturated) carries no information about it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from ..arguments import checked
from ..errors import expect_shape
from .recorded_passes import LayerReading


@dataclass(frozen=True)
class Firing:
    """Firing of one group of units.

    Args:
        rate: mean spikes per unit and time step, 0 to 1.
        dead: share of units that never spike on the sample.
        saturated: share of units that spike at every time step for every stimulus of the sample.
        unit_rates: `[D]` mean spikes per time step of each unit.
    """

    rate: float
    dead: float
    saturated: float
    unit_rates: Tensor


@dataclass(frozen=True)
class LayerFiring:
    """Firing of one layer in both pathways."""

    name: str
    bottom_up: Firing
    top_down: Firing


@checked
def firing(rates: Tensor) -> Firing:
    """Firing of units from their rates `[n, D]` (spikes per time step for each of n samples)."""
    if rates.ndim != 2 or rates.numel() == 0:
        raise expect_shape("rates", "samples, units", rates.shape)
    return Firing(
        rate=float(rates.mean()),
        dead=float((rates <= 0).all(0).float().mean()),
        saturated=float((rates >= 1).all(0).float().mean()),
        unit_rates=rates.mean(0),
    )


@checked
def firing_health(readings: Sequence[LayerReading]) -> list[LayerFiring]:
    """Firing of every layer: bottom-up over the stimuli, top-down over the imagined classes."""
    return [LayerFiring(r.name, firing(r.rates), firing(r.templates)) for r in readings]
