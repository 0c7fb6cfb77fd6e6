"""The backend for tracers and transforms: torch operators alone, out of place, all time steps at once.

`torch.jit.trace`, `torch.export` and `torch.func` follow operators; `compiled` has none, and `reference` writes into
memory of its own, which a transform does not allow. It is tested against `reference`.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ..lif import lif_onward
from ..neuron import Neuron
from ..norm import channel_view
from ..spikes import Received, dense_spikes
from .interface import Fired, Linear


@dataclass(frozen=True)
class Drives:
    """The drives of a population over all time steps.

    Attributes:
        values: `[T, B, *shape]`, or `[B, *shape]` where the drive is constant over time.
        time_steps: T.
        constant: whether the drive is constant over time.
    """

    values: Tensor
    time_steps: int
    constant: bool

    @property
    def mean(self) -> Tensor:
        """Time-mean `[B, *shape]` of the drives."""
        return self.values if self.constant else self.values.mean(0)


def drive(synapse: Linear, source: Received, time_steps: int, *, constant: bool) -> Drives:
    """Drives of all time steps; see `Backend.drive`."""
    given = source if isinstance(source, Tensor) else dense_spikes(source, like=synapse.weight)
    if constant:
        return Drives(synapse(given), time_steps, constant=True)
    rows = given.flatten(0, 1).to(synapse.weight.dtype)
    return Drives(synapse(rows).unflatten(0, (time_steps, -1)), time_steps, constant=False)


def fire(
    drives: Drives, neuron: Neuron, *, affine: tuple[Tensor, Tensor] | None = None, membrane: Tensor | None = None
) -> Fired:
    """Spikes of a population, without the slope through the time steps; see `Backend.fire`.

    Args:
        membrane: `[B, *shape]` U[0] of the previous position, updated in place; None: from rest.
    """
    given = drives.values
    if affine is not None:
        dims = given.dim() - (not drives.constant)
        scale, shift = (channel_view(values, dims) for values in affine)
        given = given * scale + shift
    each = torch.stack([given] * drives.time_steps) if drives.constant else given
    spikes, last = lif_onward(each, neuron, torch.zeros_like(each[0]) if membrane is None else membrane)
    if membrane is not None:
        membrane.copy_(last)
    return Fired(spikes, spikes.mean(0), None)
