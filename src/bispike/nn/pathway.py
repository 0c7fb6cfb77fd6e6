"""A pathway of a layer: synapse, norm and a population of spiking neurons, upward or downward.

    bottom-up:   spikes below -> W -> norm -> LIF -> spikes
    top-down:    spikes above -> Θ -> norm -> LIF -> spikes

A pathway has three forward variants: on spikes without a tape (`forward_spikes`, by the backend for its weights), on
spikes with a tape (`forward_taped`, surrogate gradients), and as its rate twin (`forward_rates`, differentiable).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from ..functional import (
    Neuron,
    Received,
    Spikes,
    activate,
    activation_slope,
    channel_view,
    lif,
    map_of,
    mean_field_slope,
)
from ..functional.backends import compiled, operators, reference
from ..functional.backends.tracing import is_traced
from .norm import DriveNorm, Statistics
from .synapse import Synapse

SLOPES = ("mean-field", "unrolled")


@dataclass
class Activity:
    """Activity of one population in one pass.

    Attributes:
        spikes: `[T, B, *shape]`, 0 or 1; nothing else of the T time steps is stored. One bit per spike with the
            compiled kernels, otherwise an int8 tensor.
        rate: `[B, *shape]` time-mean of the spikes.
        raw_drive: `[B, *shape]` time-mean drive before the norm.
        unrolled: `[B, *shape]` d rate / d drive through the time steps of the neuron, if the caller requested it.
        statistics: what the norm used (only with a norm).
    """

    spikes: Spikes
    rate: Tensor
    raw_drive: Tensor
    unrolled: Tensor | None = None
    statistics: Statistics | None = None

    @property
    def drive(self) -> Tensor:
        """Time-mean drive `[B, *shape]` of the neurons, after the norm."""
        if self.statistics is None:
            return self.raw_drive
        scale, shift = (channel_view(values, self.raw_drive.dim()) for values in self.statistics.affine)
        return self.raw_drive * scale + shift

    @property
    def active(self) -> Tensor:
        """Mean firing rate of the population, in spikes per neuron and time step."""
        return self.rate.mean()


@dataclass
class RateActivity:
    """Activity of one population of the rate twin.

    Attributes:
        rate: `[B, *shape]` activation of the drive.
        raw_drive: `[B, *shape]` drive before the norm.
        drive: `[B, *shape]` drive after the norm; without a norm the same tensor as `raw_drive`.
        statistics: what the norm used (only with a norm).
        kind: the activation.
    """

    rate: Tensor
    raw_drive: Tensor
    drive: Tensor
    statistics: Statistics | None
    kind: str

    @property
    def slope(self) -> Tensor:
        """Slope d rate / d drive, `[B, *shape]`."""
        return activation_slope(self.rate, self.kind)

    @property
    def active(self) -> Tensor:
        """Share of neurons whose rate is above zero; reports use it as the firing rate."""
        return (self.rate.detach() > 0).to(self.rate.dtype).mean()


class Pathway(nn.Module):
    """Synapse, optional norm and LIF population.

    Args:
        synapse: leads to the population.
        neuron: constants of the population.
        norm: whether the pathway has a batch norm between synapse and neurons.
        least: smallest number of values per channel for which the norm uses batch statistics (see `DriveNorm`).

    Attributes:
        activation: activation of the rate twin, one of `functional.ACTIVATIONS`.
    """

    def __init__(self, synapse: Synapse, neuron: Neuron, *, norm: bool, least: int = 2) -> None:
        super().__init__()
        self.synapse = synapse
        self.norm = DriveNorm(synapse.target[0], least=least) if norm else None
        self.neuron = neuron
        self.activation = "relu"

    @property
    def is_compiled(self) -> bool:
        """Whether the compiled backend computes it, by its weights as they are now."""
        return compiled.serves(self.synapse.weight)

    # ------------------------------------------------------------------ spikes

    @torch.no_grad()
    def forward_spikes(
        self, source: Received, time_steps: int, *, constant: bool, unrolled: bool = False, track: bool = True
    ) -> Activity:
        """Spikes and time means, without a tape.

        Args:
            source: spikes `[T, B, *source]`, or with `constant` a current `[B, *source]` that does not change.
            time_steps: T.
            constant: whether the source is constant over time: its drive is computed once.
            unrolled: whether to compute d rate / d drive through the time steps.
            track: whether a norm in training updates its running statistics (not when a pass is computed again).
        """
        if is_traced() and not unrolled:
            return self._forward_traced(source, time_steps, constant=constant, track=track)
        backend: Any = compiled if self.is_compiled else reference
        drives = backend.drive(self.synapse, source, time_steps, constant=constant)
        statistics = affine = None
        if self.norm is not None:
            statistics = self.norm.statistics(drives.mean, track=track)
            affine = statistics.scale, statistics.shift
        fired = backend.fire(drives, self.neuron, affine=affine, unrolled=unrolled)
        return Activity(fired.spikes, fired.rate, drives.mean, fired.slope, statistics)

    def _forward_traced(self, source: Received, time_steps: int, *, constant: bool, track: bool) -> Activity:
        """`forward_spikes` by operators of torch alone."""
        backend: Any = operators
        drives = backend.drive(self.synapse, source, time_steps, constant=constant)
        statistics = None if self.norm is None else self.norm.statistics(drives.mean, track=track)
        affine = None if statistics is None else statistics.affine
        fired = backend.fire(drives, self.neuron, affine=affine)
        return Activity(fired.spikes, fired.rate, drives.mean, None, statistics)

    def rate_slope(self, activity: Activity) -> Tensor:
        """Slope d rate / d drive `[B, *shape]`: through the time steps if the pass computed it, else mean-field."""
        return mean_field_slope(activity.drive, self.neuron) if activity.unrolled is None else activity.unrolled

    def backward(self, grad: Tensor, source: Tensor, activity: Activity | RateActivity) -> Tensor:
        """Write the gradients of this pathway from dL/d(time-mean drive) and the time-mean of its input.

        Exact because the drive is linear in the spikes: the time-mean drive is the synapse applied to the rate.

        Args:
            grad: `[B, *shape]`.
            source: `[B, *source]` rate of the population that feeds the synapse.
            activity: what `forward_spikes` or `forward_rates` returned.

        Returns:
            dL/d(drive before the norm), for rules that pass it to `Synapse.backward_input`.
        """
        if self.norm is not None and activity.statistics is not None:
            grad = self.norm.backward(grad, activity.raw_drive, activity.statistics)
        self.synapse.write_gradient(grad, source)
        return grad

    def backward_rows(self, grad: Tensor, source: Tensor, activity: Activity, *, through_rate: bool) -> None:
        """`backward` from the gradient of a feature, by the compiled kernels.

        Args:
            grad: `[B, D]` gradient of the rates or the drives of this population; overwritten.
            source: `[B, *source]` rate of the population that feeds the synapse.
            activity: what `forward_spikes` returned.
            through_rate: whether the feature is the rate, so that the gradient includes its slope.
        """
        used = activity.statistics
        rows, sums = compiled.drive_gradient(
            grad,
            activity.raw_drive,
            self.neuron,
            affine=None if used is None else (used.scale, used.shift),
            through_rate=through_rate,
            unrolled=activity.unrolled,
            moments=None if used is None else (used.mean, used.inverse),
        )
        if self.norm is not None and used is not None and sums is not None:
            rows = self.norm.backward_rows(rows, activity.raw_drive, sums, used)
        positions = self.synapse.target[1:]
        self.synapse.write_gradient(map_of(rows, positions) if positions else rows.squeeze(1), source)

    # ------------------------------------------------------------------ with a tape, and as rates

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
        self, source: Tensor, *, track: bool = True, statistics: Statistics | None = None
    ) -> RateActivity:
        """The rate twin: synapse, norm and activation of `[B, *source]`, for rules on rate networks; differentiable.

        Args:
            source: rates of the population that feeds the synapse.
            track: whether a norm in training updates its running statistics.
            statistics: statistics that replace those of this source.
        """
        raw = drive = self.synapse(source)
        if self.norm is not None:
            statistics = statistics or self.norm.statistics(raw, track=track)
            drive = self.norm(raw, statistics)
        return RateActivity(activate(drive, self.activation), raw, drive, statistics, self.activation)

    def backward_input(self, grad: Tensor, activity: RateActivity, weight: Tensor | None = None) -> Tensor:
        """dL/d source `[B, *source]` from dL/d drive, through norm and synapse; no gradient is written.

        Args:
            grad: `[B, *shape]`.
            activity: what `forward_rates` returned.
            weight: weight that replaces that of the synapse (see `Synapse.backward_input`).
        """
        if self.norm is not None and activity.statistics is not None:
            grad = self.norm.gradients(grad, activity.raw_drive, activity.statistics)[0]
        return self.synapse.backward_input(grad, weight)
