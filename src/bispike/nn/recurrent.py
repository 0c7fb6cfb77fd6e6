"""Recurrent pathways: a population that hears itself one position later.

    drive at position p:   W [s_below(p), r(p−1)]        r(p−1): its own rate at the position before

W is one synapse whose sources are what comes from below and the population itself. Every position runs T inner steps;
the recurrent part arrives through slow synapses, so it is the mean of the spikes of the position before and does not
change within a position (with T = 1 it is that spike itself). What a position did is then a sample as any other: a rule
sees P·B rows, [position, batch], and what happened before is a constant input. Nothing is unrolled through positions,
and a sequence may be taken in blocks, with the state carried from one to the next.

Each position begins at rest, or (`carry`) with the membrane that the position before left: then the sequence is time
itself, and T = 1 makes each position one step of the neuron.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from ..functional import Neuron, UnrolledSlope, activate, fire, fire_rows, integrate, lif, lif_onward, native_usable
from .layer import Activity, Pathway, RateActivity
from .norm import DriveNorm
from .shared_norm import values_a_channel
from .synapse import Dense

ROWS = 4096  # memory of a recurrent norm, in positions of samples


class RunningNorm(DriveNorm):
    """Batch norm for recurrent drives: normalises by the past, since a sequence's statistics are known at its end only.

    The running statistics serve as they are; a sequence moves them when it is over. Backwards the norm still takes off
    what all rows share, as a batch norm does: without that a recurrent population drifts to all silent or all firing.
    """

    seen: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__(channels, memory=ROWS)
        self.register_buffer("seen", torch.zeros((), dtype=torch.int64))

    def statistics(self, mean_drive: Tensor, *, track: bool) -> tuple[Tensor, Tensor]:
        return self.running_mean.clone(), self.running_variance.clone()

    @torch.no_grad()
    def follow(self, mean_drive: Tensor) -> None:
        """Move the running statistics by `[N, C]` drives; the first of all set them."""
        if not self.training or values_a_channel(mean_drive, self.group) < 2:
            return
        self.seen += 1
        memory = self.memory
        if int(self.seen) <= 3:
            self.memory = 1  # begin with what is there, not with a guess
        self._track_few(mean_drive)
        self.memory = memory


@dataclass
class RecurrentState:
    """What a population hands on from one position to the next.

    Attributes:
        rate: `[B, H]` what it did.
        membrane: `[B, H]` what the membranes were left at; None if each position begins at rest.
    """

    rate: Tensor
    membrane: Tensor | None = None


@dataclass
class Unrolled:
    """What one recurrent population did at P positions, as P·B rows.

    Attributes:
        below: `[P·B, D + H]` mean of what its synapse received.
        activity: of P·B rows.
        last: what it hands on from the last position.
    """

    below: Tensor
    activity: Activity
    last: RecurrentState


class RecurrentPathway(Pathway):
    """A pathway whose synapse also hears its own population, one position later.

    Args:
        inputs: D, units below.
        units: H.
        neuron: constants.
        norm: whether a norm stands between the drive and the neurons.
        carry: whether membranes go on from position to position.
    """

    def __init__(self, inputs: int, units: int, neuron: Neuron, *, norm: bool, carry: bool = False) -> None:
        super().__init__(Dense((inputs + units,), (units,)), neuron, norm=False)
        self.inputs, self.units, self.carry = inputs, units, carry
        self.norm = RunningNorm(units) if norm else None

    def initialise(self, gain: float, generator: torch.Generator, *, one_hot: bool = False) -> None:
        """Uniform weights; a mean drive from below of deviation `gain` and from itself of `gain`/2 or so.

        Args:
            one_hot: whether one unit below is active at a time.
        """
        deviations = [1.0 if one_hot else self.inputs**-0.5, self.units**-0.5]
        with torch.no_grad():
            for part, deviation in zip(self.parts(), deviations, strict=True):
                bound = gain * deviation * 3**0.5
                part.uniform_(-bound, bound, generator=generator)
            assert self.synapse.bias is not None
            self.synapse.bias.zero_()

    def parts(self) -> tuple[Tensor, Tensor]:
        """The weights from below `[H, D]` and from itself `[H, H]`, as views."""
        return self.synapse.weight[:, : self.inputs], self.synapse.weight[:, self.inputs :]

    def rest(self, batch: int) -> RecurrentState:
        """What is before the first position: nothing fired."""
        silent = self.synapse.weight.new_zeros(batch, self.units)
        return RecurrentState(silent, silent.clone() if self.carry else None)

    @torch.no_grad()
    def unroll(
        self, source: Tensor, rate: Tensor, before: RecurrentState, time_steps: int, *, constant: bool, unrolled: bool
    ) -> Unrolled:
        """Run through P positions without a tape.

        Args:
            source: `[P, B, D]` currents if `constant`, otherwise spikes `[T, P, B, D]`.
            rate: `[P, B, D]` time-mean of the source.
            before: what the position before left.
            time_steps: T.
            constant: whether the source is constant over the inner steps.
            unrolled: whether to follow d rate / d drive; a membrane that goes on is always followed.
        """
        from_below, from_itself = self.parts()
        statistics = affine = None
        if self.norm is not None:
            statistics = self.norm.statistics(rate, track=False)
            affine = self.norm.affine(statistics)
        arriving = F.linear(rate if constant else source.to(rate.dtype), from_below, self.synapse.bias)
        mean = arriving if constant else arriving.mean(0)
        rates, raws, spikes, slopes, heard = [], [], [], [], []
        own = before.rate
        membrane = None if before.membrane is None else before.membrane.clone()
        unrolled = unrolled or membrane is not None
        for p in range(len(rate)):
            recurrent = own @ from_itself.T
            drive = (arriving[p] if constant else arriving[:, p]) + recurrent
            fired = _respond(
                drive, self.neuron, time_steps, affine=affine, constant=constant, unrolled=unrolled, membrane=membrane
            )
            heard.append(own)
            raws.append(mean[p] + recurrent)
            spikes.append(fired[0])
            own = fired[1]
            rates.append(own)
            if fired[2] is not None:
                slopes.append(fired[2])
        raw = torch.cat(raws)
        activity = Activity(
            torch.cat(spikes, 1), torch.cat(rates), raw, torch.cat(slopes) if slopes else None, statistics, affine
        )
        return Unrolled(torch.cat([rate.flatten(0, 1), torch.cat(heard)], 1), activity, RecurrentState(own, membrane))

    def follow(self, raw: Tensor) -> None:
        """Let a norm in training know the `[N, H]` drives of a sequence that is over."""
        if isinstance(self.norm, RunningNorm):
            self.norm.follow(raw)

    def taped_positions(
        self, source: Tensor, before: RecurrentState, time_steps: int, *, constant: bool, truncate: int = 0
    ) -> tuple[Tensor, Tensor]:
        """Spikes `[T, P, B, H]` with an autograd tape through all positions and steps, and the raw mean drives.

        Args:
            source: `[P, B, D]` currents if `constant`, otherwise spikes `[T, P, B, D]`.
            before: what the position before left.
            truncate: positions that a gradient goes back at most; 0: all.
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
        """The rate twin through `[P, B, D]`, differentiable: activity of P·B rows, and what each heard `[P·B, H]`.

        It has no membrane that could go on.
        """
        from_below, from_itself = self.parts()
        arriving = F.linear(source, from_below, self.synapse.bias)
        rates: list[Tensor] = []
        raws: list[Tensor] = []
        drives: list[Tensor] = []
        heard: list[Tensor] = []
        own = before.rate
        for p in range(len(arriving)):
            raws.append(arriving[p] + own @ from_itself.T)
            drives.append(self._normed(raws[-1]))
            heard.append(own)
            own = activate(drives[-1], self.activation)
            rates.append(own)
        statistics = None if self.norm is None else self.norm.statistics(source, track=False)
        activity = RateActivity(torch.cat(rates), torch.cat(raws), torch.cat(drives), statistics, self.activation)
        return activity, torch.cat(heard)

    def before_norm(self, grad: Tensor, activity: RateActivity) -> Tensor:
        """`[N, H]` at the drive before the norm from what is at the drive after it, the statistics being constants."""
        if self.norm is None or activity.statistics is None:
            return grad
        return grad * self.norm.affine(activity.statistics)[0]

    def _normed(self, raw: Tensor) -> Tensor:
        """Normalised drives `[B, H]` or `[T, B, H]` of a position; backwards what the samples share is taken off."""
        if self.norm is None:
            return raw
        if raw.requires_grad:
            raw = self._without_shared(raw)
        scale, shift = self.norm.affine(self.norm.statistics(raw, track=False))
        return raw * scale + shift

    def _without_shared(self, raw: Tensor) -> Tensor:
        """The same values, whose gradients sum to zero over the samples of the whole batch."""
        assert self.norm is not None
        group = self.norm.group
        samples = group.count(raw.shape[-2])
        if samples < 2:
            return raw
        shared = group.sum(raw.sum(-2, keepdim=True)) / samples
        return raw - shared + shared.detach()


def _respond(
    drive: Tensor,
    neuron: Neuron,
    time_steps: int,
    *,
    affine: tuple[Tensor, Tensor] | None,
    constant: bool,
    unrolled: bool,
    membrane: Tensor | None,
) -> tuple[Tensor, Tensor, Tensor | None]:
    """Spikes `[T, B, H]` (int8), rate and slope `[B, H]` of one position, by the kernels where they serve.

    `membrane` `[B, H]` goes on, in place; None: from rest.
    """
    if membrane is None and native_usable(drive):
        rows = drive.unsqueeze(-2)
        fired = fire_rows(rows, neuron, time_steps, (), affine=affine, unrolled=unrolled)
        slope = None if fired.slope is None else fired.slope.squeeze(1)
        return fired.spikes.dense().to(torch.int8), fired.rate.squeeze(1), slope
    if affine is not None:
        drive = drive * affine[0] + affine[1]
    goes_on = membrane is not None
    if membrane is None:
        membrane = torch.empty_like(drive if constant else drive[0])
    spike, rate = torch.empty_like(membrane), torch.zeros_like(membrane)
    watch = UnrolledSlope(membrane, neuron) if unrolled else None
    spikes = torch.empty((time_steps, *membrane.shape), dtype=torch.int8, device=membrane.device)
    for t in range(time_steps):
        integrate(membrane, drive if constant else drive[t], neuron, first=t == 0 and not goes_on)
        if watch is not None:
            watch.watch(membrane)
        fire(membrane, neuron, spike=spike)
        rate.add_(spike)
        spikes[t].copy_(spike)
    return spikes, rate.div_(time_steps), None if watch is None else watch.result()
