"""Recurrent stages: a population that hears itself one position later, and a network of them for sequences.

    drive at position p:   W [s_below(p), r(p−1)]        r(p−1): its own rate at the position before

W is one synapse whose sources are what comes from below and the population itself. Every position runs T inner steps;
the recurrent part arrives through slow synapses, so it is the mean of the spikes of the position before and does not
change within a position (with T = 1 it is that spike itself). What a position did is then a sample as any other: a rule
sees P·B rows, [position, batch], and what happened before is a constant input. Nothing is unrolled through positions,
and a sequence may be taken in blocks, with the state carried from one to the next.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from ..errors import ShapeError, expect_shape
from ..functional import Neuron, UnrolledSlope, activate, fire, fire_rows, integrate, lif, native_usable
from ..spaces import Quantities
from .network import Network
from .norm import DriveNorm
from .shared_norm import values_a_channel
from .stage import Activity, Pathway, RateActivity, Stage
from .synapse import Dense

ROWS = 4096  # memory of a recurrent norm, in positions of samples
State = list[Tensor]
"""`[B, H]` rate of each stage at the last position seen, bottom to top."""


class PastNorm(DriveNorm):
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
class Unrolled:
    """What one recurrent population did at P positions, as P·B rows.

    Attributes:
        below: `[P·B, D + H]` mean of what its synapse received.
        activity: of P·B rows.
        last: `[B, H]` rate at the last position.
    """

    below: Tensor
    activity: Activity
    last: Tensor


class RecurrentPathway(Pathway):
    """A pathway whose synapse also hears its own population, one position later.

    Args:
        inputs: D, units below.
        units: H.
        neuron: constants.
        norm: whether a norm stands between the drive and the neurons.
    """

    def __init__(self, inputs: int, units: int, neuron: Neuron, *, norm: bool) -> None:
        super().__init__(Dense((inputs + units,), (units,)), neuron, norm=False)
        self.inputs, self.units = inputs, units
        self.norm = PastNorm(units) if norm else None

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

    def rest(self, batch: int) -> Tensor:
        """The rate before the first position `[B, H]`: nothing fired."""
        return self.synapse.weight.new_zeros(batch, self.units)

    @torch.no_grad()
    def unroll(
        self, source: Tensor, rate: Tensor, before: Tensor, steps: int, *, constant: bool, unrolled: bool
    ) -> Unrolled:
        """Run through P positions without a tape.

        Args:
            source: `[P, B, D]` currents if `constant`, otherwise spikes `[T, P, B, D]`.
            rate: `[P, B, D]` time-mean of the source.
            before: `[B, H]` rate at the position before.
            steps: T.
            constant: whether the source is constant over the inner steps.
            unrolled: whether to follow d rate / d drive.
        """
        from_below, from_itself = self.parts()
        statistics = affine = None
        if self.norm is not None:
            statistics = self.norm.statistics(rate, track=False)
            affine = self.norm.affine(statistics)
        arriving = F.linear(rate if constant else source.to(rate.dtype), from_below, self.synapse.bias)
        mean = arriving if constant else arriving.mean(0)
        rates, raws, spikes, slopes, heard = [], [], [], [], []
        own = before
        for p in range(len(rate)):
            recurrent = own @ from_itself.T
            drive = (arriving[p] if constant else arriving[:, p]) + recurrent
            fired = _respond(drive, self.neuron, steps, affine=affine, constant=constant, unrolled=unrolled)
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
        return Unrolled(torch.cat([rate.flatten(0, 1), torch.cat(heard)], 1), activity, own)

    def follow(self, raw: Tensor) -> None:
        """Let a norm in training know the `[N, H]` drives of a sequence that is over."""
        if isinstance(self.norm, PastNorm):
            self.norm.follow(raw)

    def flow_positions(
        self, source: Tensor, before: Tensor, steps: int, *, constant: bool, truncate: int = 0
    ) -> tuple[Tensor, Tensor]:
        """Spikes `[T, P, B, H]` with an autograd tape through all positions and steps, and the raw mean drives.

        Args:
            source: `[P, B, D]` currents if `constant`, otherwise spikes `[T, P, B, D]`.
            before: `[B, H]` rate at the position before.
            truncate: positions that a gradient goes back at most; 0: all.
        """
        from_below, from_itself = self.parts()
        arriving = F.linear(source, from_below, self.synapse.bias)
        spikes, raws = [], []
        own = before
        for p in range(arriving.shape[0 if constant else 1]):
            if truncate and p % truncate == 0:
                own = own.detach()
            raw = (arriving[p] if constant else arriving[:, p]) + own @ from_itself.T
            raws.append((raw if constant else raw.mean(0)).detach())
            drive = self._normed(raw)
            fired = lif(drive, self.neuron, steps=steps if constant else None)
            spikes.append(fired)
            own = fired.mean(0)
        return torch.stack(spikes, 1), torch.cat(raws)

    def rate_positions(self, source: Tensor, before: Tensor) -> tuple[RateActivity, Tensor]:
        """The rate twin through `[P, B, D]`, differentiable: activity of P·B rows, and what each heard `[P·B, H]`."""
        from_below, from_itself = self.parts()
        arriving = F.linear(source, from_below, self.synapse.bias)
        rates: list[Tensor] = []
        raws: list[Tensor] = []
        drives: list[Tensor] = []
        heard: list[Tensor] = []
        own = before
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
        if raw.requires_grad and raw.shape[-2] > 1:
            shared = raw.mean(-2, keepdim=True)
            raw = raw - shared + shared.detach()
        scale, shift = self.norm.affine(self.norm.statistics(raw, track=False))
        return raw * scale + shift


def _respond(
    drive: Tensor,
    neuron: Neuron,
    steps: int,
    *,
    affine: tuple[Tensor, Tensor] | None,
    constant: bool,
    unrolled: bool,
) -> tuple[Tensor, Tensor, Tensor | None]:
    """Spikes `[T, B, H]` (int8), rate and slope `[B, H]` of one position, by the kernels where they serve."""
    if native_usable(drive):
        rows = drive.unsqueeze(-2)
        fired = fire_rows(rows, neuron, steps, (), affine=affine, unrolled=unrolled)
        slope = None if fired.slope is None else fired.slope.squeeze(1)
        return fired.spikes.dense().to(torch.int8), fired.rate.squeeze(1), slope
    if affine is not None:
        drive = drive * affine[0] + affine[1]
    membrane = torch.empty_like(drive if constant else drive[0])
    spike, rate = torch.empty_like(membrane), torch.zeros_like(membrane)
    watch = UnrolledSlope(membrane, neuron) if unrolled else None
    spikes = torch.empty((steps, *membrane.shape), dtype=torch.int8, device=membrane.device)
    for t in range(steps):
        integrate(membrane, drive if constant else drive[t], neuron, first=t == 0)
        if watch is not None:
            watch.watch(membrane)
        fire(membrane, neuron, spike=spike)
        rate.add_(spike)
        spikes[t].copy_(spike)
    return spikes, rate.div_(steps), None if watch is None else watch.result()


class RecurrentNetwork(Network):
    """Two-pathway spiking network for sequences. `bispike.models.rnn` makes one.

    Stimuli are sequences: symbols, int64 `[B, S]`, or values `[B, S, D]` in the units of the data. At each position it
    says what it is asked for: scores of the classes `[B, S, C]`, or quantities `[B, S, K]` in the units of the data.
    Arguments are those of `Network`; stages have a `RecurrentPathway` upwards.

    Attributes:
        symbols: whether a stimulus is one of D symbols at each position.
    """

    recurrent = True

    def __init__(self, *args: Any, symbols: bool, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.symbols = symbols
        if isinstance(self.concept, Quantities):
            self.register_buffer("quantity_mean", torch.tensor(self.concept.mean))
            self.register_buffer("quantity_std", torch.tensor(self.concept.std))
            self.register_buffer("present", torch.tensor(self.concept.present, dtype=torch.int64), persistent=False)

    quantity_mean: Tensor
    quantity_std: Tensor
    present: Tensor

    # ------------------------------------------------------------------ ends

    @property
    def continuous(self) -> bool:
        """Whether the network foretells quantities."""
        return isinstance(self.concept, Quantities)

    @property
    def paths(self) -> list[RecurrentPathway]:
        """The recurrent pathways, bottom to top."""
        return [stage.up for stage in self.hidden if isinstance(stage.up, RecurrentPathway)]

    def check_stimulus(self, stimulus: Tensor) -> None:
        """Raise a ShapeError unless `stimulus` is `[B, S]` of symbols, or `[B, S, D]` of values; S is at least 1."""
        size = self.stimulus.size
        if self.symbols:
            if stimulus.dim() != 2 or stimulus.dtype != torch.int64 or stimulus.shape[1] < 1:
                raise ShapeError(
                    "stimulus: expected symbols, int64 of shape [batch, positions], received "
                    f"{stimulus.dtype} of shape {list(stimulus.shape)}."
                )
            if stimulus.numel() and not 0 <= int(stimulus.min()) <= int(stimulus.max()) < size:
                raise ShapeError(
                    f"stimulus: expected symbols in 0..{size - 1}, received {int(stimulus.min())}.."
                    f"{int(stimulus.max())}."
                )
        elif stimulus.dim() != 3 or stimulus.shape[2] != size or stimulus.shape[1] < 1:
            raise expect_shape("stimulus", f"batch, positions, {size}", stimulus.shape, "Is the batch axis missing?")

    def check_labels(self, labels: Tensor) -> None:
        """Raise a ShapeError unless there is a class, int64 `[B, S]`, or K quantities, `[B, S, K]`, a position."""
        if self.continuous:
            if labels.dim() != 3 or labels.shape[2] != self.concept.classes:
                raise expect_shape("targets", f"batch, positions, {self.concept.classes}", labels.shape, "")
            return
        if labels.dim() != 2 or labels.dtype != torch.int64:
            raise ShapeError(
                f"labels: expected int64 of shape [batch, positions], received {labels.dtype} of shape "
                f"{list(labels.shape)}."
            )
        super().check_labels(labels.flatten())

    def encode(self, stimulus: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
        """Currents `[S, B, D]`: one unit a symbol, or values standardised."""
        self.check_stimulus(stimulus)
        if self.symbols:
            return F.one_hot(stimulus.T, self.stimulus.size).to(self.stimulus_mean.dtype)
        return ((stimulus - self.stimulus_mean) / self.stimulus_std).transpose(0, 1).contiguous()

    def standard_targets(self, stimulus: Tensor, targets: Tensor) -> Tensor:
        """What the network has to say of quantities `[B, S, K]`, standardised, a row a position and sample: `[S·B, K]`.

        Args:
            stimulus: `[B, S, D]`, which holds the present values that changes are counted from.
            targets: in the units of the data.
        """
        if self.present.numel():
            targets = targets - stimulus[..., self.present]
        return ((targets - self.quantity_mean) / self.quantity_std).transpose(0, 1).flatten(0, 1)

    def quantities(self, stimulus: Tensor, said: Tensor) -> Tensor:
        """`standard_targets` backwards: quantities `[B, S, K]`, in the units of the data, from rows `[S·B, K]`."""
        found = said.unflatten(0, (stimulus.shape[1], -1)).transpose(0, 1) * self.quantity_std + self.quantity_mean
        return found + stimulus[..., self.present] if self.present.numel() else found

    # ------------------------------------------------------------------ sweeps

    def rest(self, batch: int) -> State:
        """The state before the first position: nothing fired."""
        return [path.rest(batch) for path in self.paths]

    def sweep_positions(
        self, source: Tensor, state: State, *, unrolled: bool = False
    ) -> Iterator[tuple[Stage, Tensor, Activity]]:
        """Bottom-up sweep through P positions, a stage at a time: (stage, mean of its input, what it did), in rows.

        Args:
            source: `[P, B, D]` from `encode`.
            state: what each stage did at the position before; moves on, in place.
            unrolled: whether to follow d rate / d drive.
        """
        below, constant = source, True
        spikes = source
        for i, (stage, path) in enumerate(zip(self.hidden, self.paths, strict=True)):
            found = path.unroll(spikes, below, state[i], self.steps, constant=constant, unrolled=unrolled)
            state[i] = found.last
            activity = found.activity
            yield stage, found.below, activity
            shape = (len(source), source.shape[1])
            assert isinstance(activity.spikes, Tensor)
            spikes, below, constant = activity.spikes.unflatten(1, shape), activity.rate.unflatten(0, shape), False
            del found, activity

    def flow_positions(self, source: Tensor, *, truncate: int = 0) -> tuple[Tensor, list[Tensor], list[Tensor]]:
        """The same with an autograd tape through all positions (or `truncate` of them) and steps.

        Returns:
            Rates of the last stage `[S·B, H]`; mean firing rate and raw drives `[S·B, H]` of each stage.
        """
        spikes, constant = source, True
        means, raws = [], []
        for path in self.paths:
            before = path.rest(source.shape[1])
            spikes, raw = path.flow_positions(spikes, before, self.steps, constant=constant, truncate=truncate)
            means.append(spikes.detach().mean())
            raws.append(raw)
            constant = False
        return spikes.mean(0).flatten(0, 1), means, raws

    def rates_positions(self, source: Tensor) -> list[tuple[Tensor, RateActivity]]:
        """The rate twin through all positions, differentiable: (what its synapse received, activity) of each stage."""
        found = []
        below = source
        for path in self.paths:
            activity, heard = path.rate_positions(below, path.rest(source.shape[1]))
            found.append((torch.cat([below.flatten(0, 1), heard], 1), activity))
            below = activity.rate.unflatten(0, (len(source), -1))
        return found

    def follow(self, raws: list[Tensor]) -> None:
        """Let the norms know the drives `[N, H]` of each stage of sequences that are over."""
        for path, raw in zip(self.paths, raws, strict=True):
            path.follow(raw)

    # ------------------------------------------------------------------ what users ask

    def top_rates(self, stimulus: Tensor, *, block: int = 64) -> Tensor:
        """Rates `[S·B, H]` of the last stage, the whole sequence, in blocks of positions."""
        with self.inference():
            source = self.encode(stimulus)
            if self.activity == "rates":
                return self.rates_positions(source)[-1][1].rate
            state = self.rest(source.shape[1])
            tops = []
            for part in source.split(block):
                *_, (_, _, activity) = self.sweep_positions(part, state)
                tops.append(activity.rate)
            return torch.cat(tops)

    def logits(self, stimulus: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
        """Scores of the classes `[B, S, C]`, or quantities `[B, S, K]` in the units of the data, at each position."""
        said = self.said(self.top_rates(stimulus)).detach()
        if self.continuous:
            return self.quantities(stimulus, said)
        return said.unflatten(0, (stimulus.shape[1], -1)).transpose(0, 1)

    def said(self, rate: Tensor) -> Tensor:
        """Scores `[N, C]`, or standardised quantities `[N, K]`, from rates of the last stage; differentiable."""
        return self.readout(rate)

    def perceive(self, stimulus: Tensor) -> Tensor:
        """Labels `[B, S]`, or quantities `[B, S, K]`."""
        found = self.logits(stimulus)
        return found if self.continuous else found.argmax(2)

    def reader(self) -> Callable[[Tensor], Tensor]:
        """A function that reads on: stimuli of one sample `[1, P]` or `[1, P, D]` to what is said at the last position.

        It keeps the state from call to call, in the network's units (scores, or standardised quantities `[K]`).
        """
        state = self.rest(1)

        def read(stimulus: Tensor) -> Tensor:
            with self.inference():
                source = self.encode(stimulus)
                if self.activity == "rates":
                    return self.said(self._read_rates(source, state))[-1]
                *_, (_, _, activity) = self.sweep_positions(source, state)
                return self.said(activity.rate)[-1]

        return read

    def _read_rates(self, source: Tensor, state: State) -> Tensor:
        below = source
        for i, path in enumerate(self.paths):
            activity, _ = path.rate_positions(below, state[i])
            below = activity.rate.unflatten(0, (len(source), -1))
            state[i] = below[-1]
        return below.flatten(0, 1)
