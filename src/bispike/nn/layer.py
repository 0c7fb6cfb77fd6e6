"""A layer: one bottom-up synapse and its independent top-down twin around one population of spiking neurons each.

    bottom-up:   spikes below -> W -> norm -> LIF -> pool -> spikes
    top-down:    spikes above -> Θ -> norm -> LIF -> spikes

A pathway is the triple (synapse, norm, neuron); both pathways of a layer are the same class, `Pathway`, so what
is said about one holds for the other. Only spikes leave a layer.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast, overload

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..functional import (
    Neuron,
    Received,
    Spikes,
    UnrolledSlope,
    activate,
    activation_slope,
    channel_view,
    dense_spikes,
    fire,
    fire_rows,
    fused_drive_gradient,
    integrate,
    lif,
    map_of,
    mean_drive,
    mean_field_constants,
    mean_field_slope,
    native_usable,
    pool_spikes,
    rows_of,
)
from .norm import DriveNorm
from .synapse import Synapse

SLOPES = ("mean-field", "unrolled")


@dataclass
class Activity:
    """What one population did in one pass.

    Attributes:
        spikes: `[T, B, *shape]`, 0 or 1: all that is kept of the T steps. A bit each where the compiled kernels serve,
            otherwise an int8 tensor.
        rate: `[B, *shape]` time-mean of the spikes.
        raw_drive: `[B, *shape]` time-mean drive before the norm.
        unrolled: `[B, *shape]` d rate / d drive through the neuron's steps, where the caller asked for it.
        statistics: mean and variance that the norm used (only with a norm).
        affine: scale and shift `[C]` that the norm amounted to (only with a norm).
    """

    spikes: Spikes
    rate: Tensor
    raw_drive: Tensor
    unrolled: Tensor | None = None
    statistics: tuple[Tensor, Tensor] | None = None
    affine: tuple[Tensor, Tensor] | None = None

    @property
    def drive(self) -> Tensor:
        """`[B, *shape]` time-mean drive that the neurons received, after the norm."""
        if self.affine is None:
            return self.raw_drive
        scale, shift = (channel_view(values, self.raw_drive.dim()) for values in self.affine)
        return self.raw_drive * scale + shift


@dataclass
class RateActivity:
    """What one population of the rate twin did.

    Attributes:
        rate: `[B, *shape]` activation of the drive.
        raw_drive: `[B, *shape]` drive before the norm.
        drive: `[B, *shape]` after the norm; the same tensor without one.
        statistics: mean and variance that the norm used (only with a norm).
        kind: the activation.
    """

    rate: Tensor
    raw_drive: Tensor
    drive: Tensor
    statistics: tuple[Tensor, Tensor] | None
    kind: str

    @property
    def slope(self) -> Tensor:
        """`[B, *shape]` d rate / d drive."""
        return activation_slope(self.rate, self.kind)

    @property
    def active(self) -> Tensor:
        """Share of neurons whose rate is above zero: what stands for a firing rate in reports."""
        return (self.rate.detach() > 0).to(self.rate.dtype).mean()


class Pathway(nn.Module):
    """Synapse, optional norm and LIF population.

    Args:
        synapse: leads to the population.
        neuron: constants of the population.
        norm: whether a batch norm stands between the drive and the neurons.
        least: fewest values a channel whose own statistics the norm trusts (see `DriveNorm`).

    Attributes:
        activation: of the rate twin, one of `functional.ACTIVATIONS`.
    """

    def __init__(self, synapse: Synapse, neuron: Neuron, *, norm: bool, least: int = 2) -> None:
        super().__init__()
        self.synapse = synapse
        self.norm = DriveNorm(synapse.target[0], least=least) if norm else None
        self.neuron = neuron
        self.activation = "relu"

    def forward_spikes(
        self, source: Received, time_steps: int, *, constant: bool, unrolled: bool = False, track: bool = True
    ) -> Activity:
        """Spikes and time means, without a tape: by the compiled kernels where they serve, by torch otherwise.

        Args:
            source: spikes `[T, B, *source]`, or with `constant` a current `[B, *source]` that does not change.
            time_steps: T.
            constant: whether the source is constant over time: its drive is computed once.
            unrolled: whether to follow d rate / d drive through the steps.
            track: whether a norm in training moves its running statistics (not when a pass is computed again).
        """
        way = self._forward_packed if native_usable(self.synapse.weight) else self._forward_reference
        with torch.no_grad():
            return way(source, time_steps, constant=constant, unrolled=unrolled, track=track)

    def _forward_packed(
        self, source: Received, time_steps: int, *, constant: bool, unrolled: bool, track: bool
    ) -> Activity:
        positions = self.synapse.target[1:]
        if constant:
            assert isinstance(source, Tensor)
            drive = raw = rows_of(self.synapse(source))
        else:
            drive = self.synapse.forward_packed(source).unflatten(0, (time_steps, -1))
            raw = mean_drive(drive)
        statistics, affine = self._normalise(map_of(raw, positions), track=track)
        fired = fire_rows(drive, self.neuron, time_steps, positions, affine=affine, unrolled=unrolled)
        slope = None if fired.slope is None else map_of(fired.slope, positions)
        return Activity(fired.spikes, map_of(fired.rate, positions), map_of(raw, positions), slope, statistics, affine)

    def _normalise(
        self, raw: Tensor, *, track: bool
    ) -> tuple[tuple[Tensor, Tensor] | None, tuple[Tensor, Tensor] | None]:
        """Statistics of the norm for a time-mean drive, and the affine map that they amount to."""
        if self.norm is None:
            return None, None
        statistics = self.norm.statistics(raw, track=track)
        return statistics, self.norm.affine(statistics)

    def _forward_reference(
        self, source: Received, time_steps: int, *, constant: bool, unrolled: bool, track: bool
    ) -> Activity:
        drives = _Drives(self, source, time_steps, constant=constant, track=track)
        membrane = torch.empty_like(drives.mean)
        spike, rate = torch.empty_like(membrane), torch.zeros_like(membrane)
        slope = UnrolledSlope(membrane, self.neuron) if unrolled else None
        spikes = torch.empty((time_steps, *membrane.shape), dtype=torch.int8, device=membrane.device)
        for t, drive in enumerate(drives):
            integrate(membrane, drive, self.neuron, first=t == 0)
            if slope is not None:
                slope.watch(membrane)
            fire(membrane, self.neuron, spike=spike)
            rate.add_(spike)
            spikes[t].copy_(spike)
        rate.div_(time_steps)
        followed = None if slope is None else slope.result()
        return Activity(spikes, rate, drives.raw_mean, followed, drives.statistics, drives.affine)

    def rate_slope(self, activity: Activity) -> Tensor:
        """`[B, *shape]` d rate / d drive: through the time steps where `forward_spikes` followed it, else mean-field."""
        return mean_field_slope(activity.drive, self.neuron) if activity.unrolled is None else activity.unrolled

    def forward_taped(self, source: Received, time_steps: int, *, constant: bool) -> Tensor:
        """Spikes `[T, B, *shape]` with an autograd tape (surrogate gradients), for rules that need one."""
        drive = self.synapse(source) if constant else self.synapse.forward_taped(source)
        if self.norm is not None:
            mean = drive if constant else drive.mean(0)
            statistics = self.norm.statistics(mean, track=True)
            flat = self.norm(drive if constant else drive.flatten(0, 1), statistics)
            drive = flat if constant else flat.unflatten(0, (time_steps, -1))
        return lif(drive, self.neuron, time_steps=time_steps if constant else None)

    def forward_rates(
        self, source: Tensor, *, track: bool = True, statistics: tuple[Tensor, Tensor] | None = None
    ) -> RateActivity:
        """The rate twin: synapse, norm and activation of `[B, *source]`, for rules on rate networks; differentiable.

        Args:
            source: rates of the population that feeds the synapse.
            track: whether a norm in training moves its running statistics.
            statistics: mean and variance to normalise with, in place of this source's own.
        """
        raw = drive = self.synapse(source)
        if self.norm is not None:
            statistics = statistics or self.norm.statistics(raw, track=track)
            drive = self.norm(raw, statistics)
        return RateActivity(activate(drive, self.activation), raw, drive, statistics, self.activation)

    def learn(self, grad: Tensor, source: Tensor, activity: Activity | RateActivity) -> Tensor:
        """Write the gradients of this pathway from dL/d(time-mean drive) and the time-mean of its input.

        Exact because the drive is linear in the spikes: the time-mean drive is the synapse applied to the rate.

        Args:
            grad: `[B, *shape]`.
            source: `[B, *source]` rate of the population that feeds the synapse.
            activity: what `forward_spikes` or `rates` returned.

        Returns:
            dL/d(drive before the norm), for rules that send it on by `Synapse.backward_input`.
        """
        if self.norm is not None and activity.statistics is not None:
            grad = self.norm.learn(grad, activity.raw_drive, activity.statistics)
        self.synapse.learn(grad, source)
        return grad

    def backward_input(self, grad: Tensor, activity: RateActivity, weight: Tensor | None = None) -> Tensor:
        """dL/d source `[B, *source]` from dL/d drive, through norm and synapse; no gradient is written.

        Args:
            grad: `[B, *shape]`.
            activity: what `rates` returned.
            weight: used in place of the synapse's own (see `Synapse.backward_input`).
        """
        if self.norm is not None and activity.statistics is not None:
            grad = self.norm.backward(grad, activity.raw_drive, activity.statistics)[0]
        return self.synapse.backward_input(grad, weight)

    def backward_fused(self, pull: Tensor, source: Tensor, activity: Activity, *, through_rate: bool) -> None:
        """`learn` from what the other pathway pulls at, by the compiled kernels.

        Args:
            pull: `[B, D]` gradient of the rates of this population, or of its drives; written over.
            source: `[B, *source]` rate of the population that feeds the synapse.
            activity: what `forward_spikes` returned.
            through_rate: whether the rates are pulled at, so that their slope comes in.
        """
        raw = rows_of(activity.raw_drive)
        moments = None
        if self.norm is not None and activity.statistics is not None:
            moments = self.norm.moments(activity.statistics)
        follows = through_rate and activity.unrolled is not None
        grad, sums = fused_drive_gradient(
            pull,
            raw,
            affine=activity.affine,
            mean_field=mean_field_constants(self.neuron.threshold) if through_rate and not follows else None,
            unrolled=rows_of(activity.unrolled) if follows and activity.unrolled is not None else None,
            moments=moments,
        )
        if self.norm is not None and sums is not None and activity.statistics is not None:
            grad = self.norm.learn_rows(grad, raw, sums, activity.statistics)
        self.synapse.learn(map_of(grad, self.synapse.target[1:]), source)


class _Drives:
    """The drives of all steps, one at a time, with their time-mean.

    A constant source is multiplied once. Otherwise products are made for a few steps at once (at least `ROWS` rows, so
    that small batches do not read the weights T times). Without a norm each is forgotten after its step, and the mean
    is complete when the last one was handed out. A norm needs the statistics of the time-mean first, so the raw drives
    are kept and normalised one by one, in place.
    """

    ROWS = 128

    def __init__(self, pathway: Pathway, source: Received, time_steps: int, *, constant: bool, track: bool) -> None:
        self.synapse, self.norm, self.time_steps = pathway.synapse, pathway.norm, time_steps
        self.source = source if isinstance(source, Tensor) else dense_spikes(source, like=self.synapse.weight)
        self.constant = constant
        self.statistics: tuple[Tensor, Tensor] | None = None
        self.affine: tuple[Tensor, Tensor] | None = None
        self.kept: list[Tensor] = []
        if constant:
            self.mean = self.synapse(self.source)
        else:
            self.mean = pathway.synapse.weight.new_zeros((self.source.shape[1], *self.synapse.target))
            if self.norm is not None:
                self.kept = list(self._products())
        self.raw_mean = self.mean  # complete when the last step was handed out
        if self.norm is not None:
            self.statistics = self.norm.statistics(self.raw_mean, track=track)
            self.affine = self.norm.affine(self.statistics)
            self.mean = self.norm(self.raw_mean, self.statistics)

    def __iter__(self) -> Iterator[Tensor]:
        if self.constant:
            for _ in range(self.time_steps):
                yield self.mean
        elif self.norm is not None and self.statistics is not None:
            while self.kept:
                yield self.norm.apply_(self.kept.pop(0), self.statistics)
        else:
            yield from self._products()

    def _products(self) -> Iterator[Tensor]:
        """Raw drives step by step; adds them up in `mean`."""
        chunk = max(1, -(-self.ROWS // self.source.shape[1]))
        for spikes in self.source.split(chunk):
            rows = spikes.flatten(0, 1).to(self.synapse.weight.dtype)
            for drive in self.synapse(rows).unflatten(0, spikes.shape[:2]):
                self.mean.add_(drive, alpha=1 / self.time_steps)
                yield drive


class Layer(nn.Module):
    """Two populations of the same shape, one for each pathway.

    Args:
        name: as it appears in reports.
        up: bottom-up pathway.
        down: top-down pathway; its target is the shape of the bottom-up population.
        pool: side of the max pooling of the spikes that leave upward (1: none); a maximum of spikes is a spike.
    """

    def __init__(self, name: str, up: Pathway, down: Pathway, *, pool: int = 1) -> None:
        super().__init__()
        self.name, self.up, self.down, self.pool = name, up, down, pool

    @property
    def feature_shape(self) -> tuple[int, ...]:
        """Shape of both populations, `[features]` or `[channels, height, width]`."""
        return self.up.synapse.target

    @property
    def output_shape(self) -> tuple[int, ...]:
        """Shape of what leaves upward, after pooling."""
        shape = self.feature_shape
        return shape if self.pool == 1 else (shape[0], *(n // self.pool for n in shape[1:]))

    def pool_spikes(self, spikes: Spikes) -> Spikes:
        """Pooled spikes `[T, B, *output]`."""
        return spikes if self.pool == 1 else pool_spikes(spikes, self.pool)

    def pool_rates(self, values: Tensor) -> Tensor:
        """Pooled values `[N, *output]`, differentiable."""
        return values if self.pool == 1 else F.max_pool2d(values, self.pool)

    def unpool(self, grad: Tensor, values: Tensor) -> Tensor:
        """`pool_rates` backwards: dL/d values from dL/d what left `[N, *output]`; the largest of each cell has it."""
        if self.pool == 1:
            return grad
        _, places = F.max_pool2d(values, self.pool, return_indices=True)
        return F.max_unpool2d(grad, places, [self.pool, self.pool], output_size=values.shape[2:])


class LayerList(nn.ModuleList):
    """The hidden layers of a network, bottom to top; iteration and indices give `Layer`."""

    def __iter__(self) -> Iterator[Layer]:
        return cast(Iterator[Layer], super().__iter__())

    @overload  # type: ignore[override]
    def __getitem__(self, index: int) -> Layer: ...

    @overload
    def __getitem__(self, index: slice) -> list[Layer]: ...

    def __getitem__(self, index: int | slice) -> Layer | list[Layer]:
        return list(self)[index]
