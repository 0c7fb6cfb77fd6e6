"""A stage: one bottom-up synapse and its independent top-down twin around one population of spiking neurons each.

    bottom-up:   spikes below -> W -> norm -> LIF -> pool -> spikes
    top-down:    spikes above -> Θ -> norm -> LIF -> spikes

A pathway is the triple (synapse, norm, neuron); both pathways of a stage are the same class, `Pathway`, so what
is said about one holds for the other. Only spikes leave a stage.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..functional import Neuron, lif, mean_field_slope, unrolled_slope
from .norm import DriveNorm
from .synapse import Synapse

SLOPES = ("mean-field", "unrolled")


@dataclass
class Activity:
    """What one population did in one sweep.

    Attributes:
        spikes: `[T, B, *shape]`, 0 or 1.
        drive: `[B, *shape]` time-mean drive that the neurons received (after the norm).
        rate: `[B, *shape]` time-mean of the spikes.
        slope: `[B, *shape]` d rate / d drive, where the caller asked for it.
        raw_drive: `[B, *shape]` time-mean drive before the norm (only with a norm).
        statistics: mean and variance that the norm used (only with a norm).
    """

    spikes: Tensor
    drive: Tensor
    rate: Tensor
    slope: Tensor | None = None
    raw_drive: Tensor | None = None
    statistics: tuple[Tensor, Tensor] | None = None


class Pathway(nn.Module):
    """Synapse, optional norm and LIF population.

    Args:
        synapse: leads to the population.
        neuron: constants of the population.
        norm: whether a batch norm stands between the drive and the neurons.
    """

    def __init__(self, synapse: Synapse, neuron: Neuron, *, norm: bool) -> None:
        super().__init__()
        self.synapse = synapse
        self.norm = DriveNorm(synapse.target[0]) if norm else None
        self.neuron = neuron

    def respond(self, source: Tensor, steps: int, *, constant: bool, slope: str | None = None) -> Activity:
        """Spikes and time means, without a tape.

        Args:
            source: spikes `[T, B, *source]`, or with `constant` a current `[B, *source]` that does not change.
            steps: T.
            constant: whether the source is constant over time: its drive is computed once.
            slope: `None`, or how to estimate d rate / d drive.
        """
        with torch.no_grad():
            if constant:
                drive = self.synapse(source)
                mean = drive
            else:
                drive = self.synapse(source.flatten(0, 1)).unflatten(0, (steps, -1))
                mean = drive.mean(0)
            raw, statistics = None, None
            if self.norm is not None:
                raw = mean
                statistics = self.norm.statistics(raw, track=True)
                flat = drive if constant else drive.flatten(0, 1)
                normed = self.norm(flat, statistics)
                drive = normed if constant else normed.unflatten(0, (steps, -1))
                mean = drive if constant else self.norm(raw, statistics)
            gain = None
            if slope == "mean-field":
                gain = mean_field_slope(mean, self.neuron)
            elif slope == "unrolled":
                gain = unrolled_slope(drive, self.neuron, steps=steps if constant else None)
            if constant:
                spikes = lif(drive, self.neuron, steps=steps)
            else:
                spikes = lif(drive, self.neuron, out=drive)
            return Activity(spikes, mean, spikes.mean(0), gain, raw, statistics)

    def flow(self, source: Tensor, steps: int, *, constant: bool) -> Tensor:
        """Spikes `[T, B, *shape]` with an autograd tape (surrogate gradients), for rules that need one."""
        drive = self.synapse(source) if constant else self.synapse(source.flatten(0, 1)).unflatten(0, (steps, -1))
        if self.norm is not None:
            mean = drive if constant else drive.mean(0)
            statistics = self.norm.statistics(mean, track=True)
            flat = self.norm(drive if constant else drive.flatten(0, 1), statistics)
            drive = flat if constant else flat.unflatten(0, (steps, -1))
        return lif(drive, self.neuron, steps=steps if constant else None)

    def rectify(self, source: Tensor) -> Tensor:
        """The rate twin: norm and ReLU of the drive `[B, *source]`, for rules on rate networks."""
        drive = self.synapse(source)
        if self.norm is not None:
            drive = self.norm(drive, self.norm.statistics(drive, track=True))
        return drive.relu()

    def learn(self, grad: Tensor, source: Tensor, activity: Activity) -> None:
        """Write the gradients of this pathway from dL/d(time-mean drive) and the time-mean of its input.

        Exact because the drive is linear in the spikes: the time-mean drive is the synapse applied to the rate.

        Args:
            grad: `[B, *shape]`.
            source: `[B, *source]` rate of the population that feeds the synapse.
            activity: what `respond` returned.
        """
        if self.norm is not None and activity.raw_drive is not None and activity.statistics is not None:
            grad = self.norm.learn(grad, activity.raw_drive, activity.statistics)
        self.synapse.learn(grad, source)


class Stage(nn.Module):
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

    def leave(self, spikes: Tensor) -> Tensor:
        """Pooled spikes `[T, B, *output]` (or values `[B, *output]`)."""
        if self.pool == 1:
            return spikes
        if spikes.dim() == 4:
            return F.max_pool2d(spikes, self.pool)
        return F.max_pool2d(spikes.flatten(0, 1), self.pool).unflatten(0, spikes.shape[:2])
