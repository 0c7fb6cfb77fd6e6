"""Recurrent pathways: a population that receives its own output of the previous position as an additional input.

    drive at position p:   W [s_below(p), r(p−1)]        r(p−1): its own rate at the previous position

W is one synapse with two sources: the population below and the population itself. Every position runs T time steps.
The recurrent input comes through slow synapses: it is the mean of the spikes of the previous position, and it is
constant within a position (with T = 1 it is that spike itself). The activity at a position is then an ordinary sample.
A rule receives P·B rows, [position, batch], and the past is a constant input. Nothing is unrolled through positions,
and a sequence may be processed in blocks, with the state passed from block to block.

Each position begins at rest, or (`carry`) with the membrane at the end of the previous position. In the second case
positions are time itself, and with T = 1 each position is one time step of the neuron.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from ..functional import Neuron, PackedSpikes, activate, lif, lif_onward
from ..functional.backends import compiled, operators, reference
from ..functional.backends.interface import Fired
from ..functional.backends.tracing import is_traced
from .norm import RunningNorm, Statistics
from .pathway import Activity, Pathway, RateActivity
from .synapse import Dense


@dataclass
class RecurrentState:
    """State of a recurrent population, which passes from one position to the next.

    Attributes:
        rate: `[B, H]` rate of the population.
        membrane: `[B, H]` membranes at the end of the position; None if each position begins at rest.
    """

    rate: Tensor
    membrane: Tensor | None = None


@dataclass
class RecurrentActivity:
    """Activity of one recurrent population at P positions, as P·B rows.

    Attributes:
        below: `[P·B, D + H]` time-mean of the input of its synapse.
        activity: activity of P·B rows.
        last: the state after the last position.
    """

    below: Tensor
    activity: Activity
    last: RecurrentState


class RecurrentPathway(Pathway):
    """A pathway whose synapse also receives the output of its own population, one position later.

    Args:
        inputs: D, number of units below.
        units: H, number of neurons.
        neuron: constants of the population.
        norm: whether the pathway has a norm between synapse and neurons.
        carry: whether membrane potentials continue from position to position.
    """

    norm: RunningNorm | None

    def __init__(self, inputs: int, units: int, neuron: Neuron, *, norm: bool, carry: bool = False) -> None:
        super().__init__(Dense((inputs + units,), (units,)), neuron, norm=False)
        self.inputs, self.units, self.carry = inputs, units, carry
        self.norm = RunningNorm(units) if norm else None

    def initialise(self, gain: float, generator: torch.Generator, *, one_hot: bool = False) -> None:
        """Draw uniform weights; the drive from below has a deviation of `gain`, the recurrent drive of about `gain`/2.

        Args:
            one_hot: whether exactly one unit below is active at a time.
        """
        deviations = [1.0 if one_hot else self.inputs**-0.5, self.units**-0.5]
        with torch.no_grad():
            for part, deviation in zip(self.parts(), deviations, strict=True):
                bound = gain * deviation * 3**0.5
                part.uniform_(-bound, bound, generator=generator)
            assert self.synapse.bias is not None
            self.synapse.bias.zero_()

    def parts(self) -> tuple[Tensor, Tensor]:
        """The weights from below `[H, D]` and the recurrent weights `[H, H]`, as views."""
        return self.synapse.weight[:, : self.inputs], self.synapse.weight[:, self.inputs :]

    def rest(self, batch: int) -> RecurrentState:
        """The state before the first position: no neuron has fired."""
        silent = self.synapse.weight.new_zeros(batch, self.units)
        return RecurrentState(silent, silent.clone() if self.carry else None)

    @torch.no_grad()
    def forward_positions(
        self, source: Tensor, rate: Tensor, before: RecurrentState, time_steps: int, *, constant: bool, unrolled: bool
    ) -> RecurrentActivity:
        """Run through P positions without a tape.

        Args:
            source: `[P, B, D]` currents if `constant`, otherwise spikes `[T, P, B, D]`.
            rate: `[P, B, D]` time-mean of the source.
            before: the state after the previous position.
            time_steps: T.
            constant: whether the source is constant over the time steps of a position.
            unrolled: whether to compute d rate / d drive through the time steps; with `carry` this is always done.
        """
        from_below, from_itself = self.parts()
        affine = None if self.norm is None else self.norm.running().affine
        arriving = F.linear(rate if constant else source.to(rate.dtype), from_below, self.synapse.bias)
        mean = arriving if constant else arriving.mean(0)
        rates, raws, spikes, slopes, received = [], [], [], [], []
        own = before.rate
        membrane = None if before.membrane is None else before.membrane.clone()
        unrolled = unrolled or membrane is not None
        for p in range(len(rate)):
            recurrent = own @ from_itself.T
            drive = (arriving[p] if constant else arriving[:, p]) + recurrent
            fired = self._fire(
                drive, time_steps, affine=affine, constant=constant, unrolled=unrolled, membrane=membrane
            )
            received.append(own)
            raws.append(mean[p] + recurrent)
            spikes.append(_dense(fired.spikes))
            own = fired.rate
            rates.append(own)
            if fired.slope is not None:
                slopes.append(fired.slope)
        raw = torch.cat(raws)
        statistics = None if self.norm is None else self.norm.statistics(raw, track=False)
        activity = Activity(
            torch.cat(spikes, 1), torch.cat(rates), raw, torch.cat(slopes) if slopes else None, statistics
        )
        below = torch.cat([rate.flatten(0, 1), torch.cat(received)], 1)
        return RecurrentActivity(below, activity, RecurrentState(own, membrane))

    def _fire(
        self,
        drive: Tensor,
        time_steps: int,
        *,
        affine: tuple[Tensor, Tensor] | None,
        constant: bool,
        unrolled: bool,
        membrane: Tensor | None,
    ) -> Fired:
        """Run one position: drives `[T, B, H]`, or `[B, H]` if constant. A membrane `[B, H]` is updated in place."""
        if is_traced() and not unrolled:
            return operators.fire(operators.Drives(drive, time_steps, constant), self.neuron, affine=affine)
        if membrane is None and self.is_compiled:
            rows = compiled.Drives(drive.unsqueeze(-2), drive, (), time_steps)
            return compiled.fire(rows, self.neuron, affine=affine, unrolled=unrolled)
        drives = reference.GivenDrives(drive, time_steps, constant=constant)
        return reference.fire(drives, self.neuron, affine=affine, unrolled=unrolled, membrane=membrane)

    def follow(self, raw: Tensor) -> None:
        """Update the statistics of a norm in training with the `[N, H]` drives of a complete sequence."""
        if self.norm is not None:
            self.norm.follow(raw)

    def taped_positions(
        self, source: Tensor, before: RecurrentState, time_steps: int, *, constant: bool, truncate: int = 0
    ) -> tuple[Tensor, Tensor]:
        """Spikes `[T, P, B, H]` with an autograd tape through all positions and steps, and the raw mean drives.

        Args:
            source: `[P, B, D]` currents if `constant`, otherwise spikes `[T, P, B, D]`.
            before: the state after the previous position.
            time_steps: T.
            constant: whether the source is constant over the time steps of a position.
            truncate: largest number of positions through which a gradient passes back; 0: all.
        """
        from_below, from_itself = self.parts()
        arriving = F.linear(source, from_below, self.synapse.bias)
        spikes, raws = [], []
        own, membrane = before.rate, before.membrane
        for p in range(arriving.shape[0 if constant else 1]):
            if truncate and p % truncate == 0:
                own = own.detach()
                membrane = None if membrane is None else membrane.detach()
            raw = (arriving[p] if constant else arriving[:, p]) + own @ from_itself.T
            raws.append((raw if constant else raw.mean(0)).detach())
            drive = self._normed(raw)
            if membrane is None:
                fired = lif(drive, self.neuron, time_steps=time_steps if constant else None)
            else:
                each = drive.expand(time_steps, *drive.shape) if constant else drive
                fired, membrane = lif_onward(each, self.neuron, membrane)
            spikes.append(fired)
            own = fired.mean(0)
        return torch.stack(spikes, 1), torch.cat(raws)

    def rate_positions(self, source: Tensor, before: RecurrentState) -> tuple[RateActivity, Tensor]:
        """The rate twin through `[P, B, D]`, differentiable: activity of P·B rows, and its recurrent input `[P·B, H]`.

        The rate twin has no membrane, so `carry` has no effect.
        """
        from_below, from_itself = self.parts()
        arriving = F.linear(source, from_below, self.synapse.bias)
        rates: list[Tensor] = []
        raws: list[Tensor] = []
        drives: list[Tensor] = []
        received: list[Tensor] = []
        own = before.rate
        for p in range(len(arriving)):
            raws.append(arriving[p] + own @ from_itself.T)
            drives.append(self._normed(raws[-1]))
            received.append(own)
            own = activate(drives[-1], self.activation)
            rates.append(own)
        raw = torch.cat(raws)
        statistics: Statistics | None = None if self.norm is None else self.norm.statistics(raw, track=False)
        activity = RateActivity(torch.cat(rates), raw, torch.cat(drives), statistics, self.activation)
        return activity, torch.cat(received)

    def before_norm(self, grad: Tensor, activity: RateActivity) -> Tensor:
        """Gradient `[N, H]` of the drive before the norm from that of the drive after it, with constant statistics."""
        return grad if activity.statistics is None else grad * activity.statistics.scale

    def _normed(self, raw: Tensor) -> Tensor:
        """Normalised drives `[B, H]` or `[T, B, H]` of a position; the backward subtracts the mean over the samples."""
        if self.norm is None:
            return raw
        if raw.requires_grad:
            raw = self._without_shared(raw)
        scale, shift = self.norm.running().affine
        return raw * scale + shift

    def _without_shared(self, raw: Tensor) -> Tensor:
        """The drives unchanged, with gradients that sum to zero over the samples of the whole batch."""
        assert self.norm is not None
        group = self.norm.group
        samples = group.count(raw.shape[-2])
        if samples < 2:
            return raw
        shared = group.sum(raw.sum(-2, keepdim=True)) / samples
        return raw - shared + shared.detach()


def _dense(spikes: object) -> Tensor:
    """Spikes `[T, B, H]` as int8."""
    if isinstance(spikes, PackedSpikes):
        return spikes.dense().to(torch.int8)
    assert isinstance(spikes, Tensor)
    return spikes
