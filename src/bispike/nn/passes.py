"""Passes through the layers of a network: bottom-up and top-down, of spikes, of rates, of every time step.

The two pathways are independent of each other. A pass yields one step per layer, and only the spikes of the current
layer are in memory unless the caller keeps earlier ones.

A top-down pass runs from the concept to the stimulus, but a rule that follows the bottom-up pass needs its lowest layer
first (`TopDownPass`). A shallow network keeps the activity of every layer. A deep network keeps the spikes (one bit
each) at a border every few layers and computes the layers between two borders again when the caller reads the first of
them. This saves memory and costs a second top-down pass on C rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from copy import copy
from dataclasses import dataclass
from operator import attrgetter
from typing import Generic, TypeVar, cast

from torch import Tensor

from ..functional import Received, Spikes, dense_spikes, rate_of
from .layer import Layer
from .pathway import Activity, RateActivity
from .synapse import Synapse
from .trajectory import Trajectory

S = TypeVar("S")

KEPT_WHOLE = 8
"""Networks of up to this many layers keep the whole top-down pass."""
SEGMENT = 4
"""Number of layers between two borders of a deeper network."""


@dataclass
class SpikeStep:
    """One layer of a pass of spikes.

    Attributes:
        layer: the layer.
        below: `[B, *source]` time-mean of the input of its synapse (in a top-down pass, from above).
        activity: activity of its population.
        leaving: `[B, *output]` time-mean of the bottom-up spikes after pooling; in a top-down pass the rate.
    """

    layer: Layer
    below: Tensor
    activity: Activity
    leaving: Tensor


@dataclass
class RateStep:
    """One layer of a pass of rates.

    Attributes:
        layer: the layer.
        below: `[B, *source]` input of its synapse (in a top-down pass, from above).
        activity: activity of its population.
        leaving: `[B, *output]` bottom-up rates after pooling; in a top-down pass the rates themselves.
    """

    layer: Layer
    below: Tensor
    activity: RateActivity
    leaving: Tensor


@dataclass
class TrajectoryStep:
    """One layer of a bottom-up pass that keeps every time step.

    Attributes:
        layer: the layer.
        trajectory: its population at every time step.
        leaving: `[T, B, *output]` bottom-up spikes after pooling.
    """

    layer: Layer
    trajectory: Trajectory
    leaving: Tensor

    def unpool_signal(self, signal: Tensor) -> Tensor:
        """Backward of pooling: signals `[T, B, *output]` at the output to signals `[T, B, *shape]` at the spikes."""
        if self.layer.pool == 1:
            return signal
        spikes = self.trajectory.spikes
        back = self.layer.unpool(signal.flatten(0, 1), spikes.flatten(0, 1))
        return back.unflatten(0, spikes.shape[:2])


class Arrivals(Generic[S]):
    """Inputs of the layers of one pass, one layer after the other, from the chain and from shortcuts.

    Args:
        layers: bottom to top.
        pathway: `"up"` or `"down"`.
        source: input of the first layer: spikes, rates, or spike trains on a tape.

    Attributes:
        source: input of the next layer; after the last layer, its output.
    """

    def __init__(self, layers: Sequence[Layer], pathway: str, source: S) -> None:
        self.source = source
        order = layers if pathway == "up" else reversed(layers)
        self._synapses: list[Synapse] = list(map(attrgetter(f"{pathway}.synapse"), order))
        self._reached = 0
        self._far: S | None = None  # output of the layer before the last one, where the next layer receives it

    def pass_on(self, leaving: S) -> None:
        """Store the output of a layer as input of the next layers."""
        self._reached += 1
        ahead = self._synapses[self._reached : self._reached + 2]
        joins = ahead and ahead[0].joins
        self.source = cast(S, ahead[0].receive(leaving, self._far)) if joins else leaving
        self._far = leaving if len(ahead) > 1 and ahead[1].joins else None


# ---------------------------------------------------------------------- spikes


def bottom_up(
    layers: Sequence[Layer], source: Spikes, time_steps: int, *, constant: bool, like: Tensor, unrolled: bool = False
) -> Iterator[SpikeStep]:
    """Bottom-up pass of spikes, one step per layer.

    Args:
        layers: bottom to top.
        source: a current `[B, *stimulus]` if `constant`, otherwise spikes `[T, B, *stimulus]`.
        time_steps: T.
        constant: whether the source is constant over time.
        like: tensor with the dtype of the rates.
        unrolled: whether to follow d rate / d drive.
    """
    rate = source if constant and isinstance(source, Tensor) else rate_of(source, like=like)
    arrivals: Arrivals[Received] = Arrivals(layers, "up", source)
    for layer in layers:
        activity = layer.up.forward_spikes(arrivals.source, time_steps, constant=constant, unrolled=unrolled)
        spikes, leaving = activity.spikes, activity.rate
        if layer.pool > 1:
            spikes = layer.pool_spikes(spikes)
            leaving = rate_of(spikes, like=leaving)
        arrivals.pass_on(spikes)
        step = SpikeStep(layer, rate, activity, leaving)
        rate = leaving if arrivals.source is spikes else rate_of(arrivals.source, like=leaving)
        constant = False
        del activity, spikes, leaving
        yield step
        del step


def top_down(
    layers: Sequence[Layer],
    source: Received,
    rate: Tensor,
    time_steps: int,
    *,
    constant: bool,
    unrolled: bool = False,
) -> Iterator[SpikeStep]:
    """Top-down pass of spikes, one step per layer, top to bottom.

    Args:
        layers: bottom to top.
        source: input of the highest layer: spikes `[T, N, K]`, or a constant `[N, K]`.
        rate: `[N, K]` time-mean of the source.
        time_steps: T.
        constant: whether the source is constant over time.
        unrolled: whether to follow d rate / d drive.
    """
    arrivals = Arrivals(layers, "down", source)
    for layer in reversed(layers):
        activity = layer.down.forward_spikes(arrivals.source, time_steps, constant=constant, unrolled=unrolled)
        yield SpikeStep(layer, rate, activity, activity.rate)
        arrivals.pass_on(activity.spikes)
        chain = arrivals.source is activity.spikes
        rate, constant = activity.rate if chain else rate_of(arrivals.source, like=activity.rate), False


class TopDownPass:
    """A top-down pass of spikes that is read from the bottom up; its memory hardly grows with depth.

    Args:
        layers: bottom to top.
        source: input of the highest layer: spikes `[T, N, K]`, or a constant `[N, K]`.
        rate: `[N, K]` time-mean of the source.
        time_steps: T.
        constant: whether the source is constant over time.
        unrolled: whether to follow d rate / d drive.
    """

    def __init__(
        self,
        layers: Sequence[Layer],
        source: Received,
        rate: Tensor,
        time_steps: int,
        *,
        constant: bool,
        unrolled: bool,
    ) -> None:
        self._layers, self._time_steps, self._unrolled = layers, time_steps, unrolled
        self._constant, self._rate = constant, rate
        arrivals = Arrivals(layers, "down", source)
        self._borders = {len(layers): copy(arrivals)}  # inputs of the layers below layer i
        self._kept: dict[int, tuple[Tensor, Activity]] = {}
        self._run(len(layers), 0, arrivals, rate, whole=len(layers) <= KEPT_WHOLE, track=True)

    def take(self, layer: int) -> tuple[Tensor, Activity]:
        """Rate `[N, ...]` of the input of layer i (0: the lowest) and its activity; each layer once, upwards."""
        if layer not in self._kept:
            first = layer - layer % SEGMENT
            after = min(first + SEGMENT, len(self._layers))
            arrivals = copy(self._borders[after])
            above = self._rate if after == len(self._layers) else rate_of(arrivals.source, like=self._rate)
            self._run(after, first, arrivals, above, whole=True, track=False)
        return self._kept.pop(layer)

    def _run(
        self, after: int, first: int, arrivals: Arrivals[Received], above: Tensor, *, whole: bool, track: bool
    ) -> None:
        """Run the layers from `after` − 1 down to `first`; keep all if `whole`, else borders and the lowest segment."""
        for i in range(after - 1, first - 1, -1):
            constant = self._constant and i == len(self._layers) - 1
            pathway = self._layers[i].down
            activity = pathway.forward_spikes(
                arrivals.source, self._time_steps, constant=constant, unrolled=self._unrolled, track=track
            )
            arrivals.pass_on(activity.spikes)
            if whole or i < SEGMENT:
                self._kept[i] = (above, activity)
            elif i % SEGMENT == 0:
                self._borders[i] = copy(arrivals)
            chain = arrivals.source is activity.spikes
            above = activity.rate if chain else rate_of(arrivals.source, like=activity.rate)


# ---------------------------------------------------------------------- rates, and every time step


def bottom_up_rates(layers: Sequence[Layer], source: Tensor, *, track: bool = True) -> Iterator[RateStep]:
    """Bottom-up pass of the rate twin, one step per layer; differentiable.

    Args:
        layers: bottom to top.
        source: `[B, *stimulus]`.
        track: whether norms in training update their running statistics.
    """
    arrivals = Arrivals(layers, "up", source)
    for layer in layers:
        activity = layer.up.forward_rates(arrivals.source, track=track)
        leaving = layer.pool_rates(activity.rate)
        yield RateStep(layer, arrivals.source, activity, leaving)
        arrivals.pass_on(leaving)


def top_down_rates(layers: Sequence[Layer], source: Tensor) -> Iterator[RateStep]:
    """Top-down pass of the rate twin, one step per layer, top to bottom; differentiable.

    Args:
        layers: bottom to top.
        source: `[N, K]` rates that the highest layer receives.
    """
    arrivals = Arrivals(layers, "down", source)
    for layer in reversed(layers):
        activity = layer.down.forward_rates(arrivals.source)
        yield RateStep(layer, arrivals.source, activity, activity.rate)
        arrivals.pass_on(activity.rate)


def bottom_up_trajectories(
    layers: Sequence[Layer], source: Tensor, time_steps: int, *, constant: bool
) -> Iterator[TrajectoryStep]:
    """Bottom-up pass that keeps every time step, one step per layer; arguments as for `bottom_up`."""
    arrivals = Arrivals(layers, "up", source)
    for layer in layers:
        trajectory = Trajectory(layer.up, arrivals.source, time_steps, constant=constant)
        leaving = pool_train(layer, trajectory.spikes)
        constant = False
        yield TrajectoryStep(layer, trajectory, leaving)
        arrivals.pass_on(leaving)


def pool_train(layer: Layer, spikes: Tensor) -> Tensor:
    """Pooled spikes `[T, B, *output]` of a dense train `[T, B, *shape]`, differentiable."""
    if layer.pool == 1:
        return spikes
    return layer.pool_rates(spikes.flatten(0, 1)).unflatten(0, spikes.shape[:2])


# ---------------------------------------------------------------------- records for inspection


@dataclass(frozen=True)
class LayerRecord:
    """Activity of one layer in one pass, for inspection.

    Attributes:
        name: name of the layer.
        spikes: `[T, B, *shape]`.
        mean_drive: `[B, *shape]`.
        rate: `[B, *shape]`.
    """

    name: str
    spikes: Tensor
    mean_drive: Tensor
    rate: Tensor


def record_of(step: SpikeStep) -> LayerRecord:
    """Record of a step, with its spikes as a tensor."""
    activity = step.activity
    spikes = dense_spikes(activity.spikes, like=activity.rate)
    return LayerRecord(step.layer.name, spikes, activity.drive, activity.rate)
