"""The reference backend: torch, step by step, for every precision and device; `compiled` is tested against it."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from ..lif import fire as fire_step
from ..lif import integrate
from ..neuron import Neuron
from ..norm import channel_view
from ..spikes import Received, dense_spikes
from ..surrogate import UnrolledSlope
from .interface import Fired, Linear

ROWS = 128
"""Smallest number of rows of a product, so that small batches do not read the weights T times."""


class Drives:
    """The drives of a population over all time steps, one at a time, with their time-mean.

    A constant source is multiplied once. Otherwise products are computed for a few time steps at once. Each drive
    is freed after its time step, unless the mean is read first (as by a norm).

    Args:
        synapse: leads to the population.
        source: spikes `[T, B, *source]`, or with `constant` a current `[B, *source]`.
        time_steps: T.
        constant: whether the source is constant over time.
    """

    def __init__(self, synapse: Linear, source: Received, time_steps: int, *, constant: bool) -> None:
        self._synapse, self.time_steps, self.constant = synapse, time_steps, constant
        self._source = source if isinstance(source, Tensor) else dense_spikes(source, like=synapse.weight)
        self._kept: list[Tensor] = []
        if constant:
            self._mean, self._complete = synapse(self._source), True
        else:
            self._mean = synapse.weight.new_zeros((self._source.shape[1], *synapse.target))
            self._complete = False

    @property
    def like(self) -> Tensor:
        """A tensor with the shape and the memory layout of a population's state."""
        return self._mean

    @property
    def mean(self) -> Tensor:
        """Time-mean `[B, *shape]` of the drives."""
        if not self._complete:
            self._kept = list(self._products())
        return self._mean

    def steps(self, affine: tuple[Tensor, Tensor] | None) -> Iterator[Tensor]:
        """Drive `[B, *shape]` of each time step, after the affine map; may be read once."""
        if affine is not None:
            scale, shift = (channel_view(values, self._mean.dim()) for values in affine)
        if self.constant:
            drive = self._mean if affine is None else self._mean * scale + shift
            for _ in range(self.time_steps):
                yield drive
            return
        drives = _given_away(self._kept) if self._complete else self._products()
        for drive in drives:
            yield drive if affine is None else drive.mul_(scale).add_(shift)

    def _products(self) -> Iterator[Tensor]:
        """Raw drives, step by step; they are summed for the mean."""
        chunk = max(1, -(-ROWS // self._source.shape[1]))
        for spikes in self._source.split(chunk):
            rows = spikes.flatten(0, 1).to(self._synapse.weight.dtype)
            for drive in self._synapse(rows).unflatten(0, spikes.shape[:2]):
                self._mean.add_(drive, alpha=1 / self.time_steps)
                yield drive
        self._complete = True


class GivenDrives:
    """Given drives `[T, B, *shape]`, or one drive `[B, *shape]` for all `time_steps`."""

    def __init__(self, drive: Tensor, time_steps: int, *, constant: bool) -> None:
        self._drive, self.time_steps, self.constant = drive, time_steps, constant

    @property
    def like(self) -> Tensor:
        """A tensor with the shape and the memory layout of a population's state."""
        return self._drive if self.constant else self._drive[0]

    @property
    def mean(self) -> Tensor:
        """Time-mean `[B, *shape]` of the drives."""
        return self._drive if self.constant else self._drive.mean(0)

    def steps(self, affine: tuple[Tensor, Tensor] | None) -> Iterator[Tensor]:
        """Drive `[B, *shape]` of each time step, after the affine map."""
        drive = self._drive if affine is None else self._drive * affine[0] + affine[1]
        yield from (drive for _ in range(self.time_steps)) if self.constant else drive


def drive(synapse: Linear, source: Received, time_steps: int, *, constant: bool) -> Drives:
    """Drives of all time steps; see `Backend.drive`."""
    return Drives(synapse, source, time_steps, constant=constant)


def fire(
    drives: Drives | GivenDrives,
    neuron: Neuron,
    *,
    affine: tuple[Tensor, Tensor] | None = None,
    unrolled: bool = False,
    membrane: Tensor | None = None,
) -> Fired:
    """Spikes of a population; see `Backend.fire`.

    Args:
        membrane: `[B, *shape]` U[0] of the previous position, updated in place; None: from rest.
    """
    slope = rate = spike = spikes = None
    at_rest = membrane is None
    for t, current in enumerate(drives.steps(affine)):
        if spikes is None:
            membrane = torch.empty_like(drives.like) if membrane is None else membrane
            spike, rate = torch.empty_like(membrane), torch.zeros_like(membrane)
            slope = UnrolledSlope(membrane, neuron) if unrolled else None
            spikes = torch.empty((drives.time_steps, *membrane.shape), dtype=torch.int8, device=membrane.device)
        assert membrane is not None
        assert spike is not None
        assert rate is not None
        integrate(membrane, current, neuron, first=at_rest and t == 0)
        if slope is not None:
            slope.watch(membrane)
        fire_step(membrane, neuron, spike=spike)
        rate.add_(spike)
        spikes[t].copy_(spike)
    assert spikes is not None
    assert rate is not None
    return Fired(spikes, rate.div_(drives.time_steps), None if slope is None else slope.result())


def _given_away(drives: list[Tensor]) -> Iterator[Tensor]:
    """The tensors of a list, each freed when the next one is read."""
    while drives:
        yield drives.pop(0)
