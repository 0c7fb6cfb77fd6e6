"""A top-down pass that is read from the bottom up, in memory that hardly grows with depth.

The pass runs from the concept to the stimulus, but a rule that follows the bottom-up pass needs its lowest layer
first. A shallow network keeps what every layer did. A deep one keeps the spikes (a bit each) that cross the border of
every few layers, along the chain or by a shortcut, and computes the layers between two borders once more when the first
of them is asked for: a second top-down pass in all, on C rows, in exchange for memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from typing import TypeVar

from torch import Tensor

from ..functional import Received, rate_of
from .layer import Activity, Layer
from .residual import Arrivals

S = TypeVar("S")

KEPT_WHOLE = 8
"""Networks of up to this many layers keep all of the pass."""
SEGMENT = 4
"""Layers between two borders of a deeper one."""


def top_down_arrivals(layers: Sequence[Layer], source: S) -> Arrivals[S]:
    """What reaches the layers (given bottom to top) of a top-down pass."""
    return Arrivals([layer.down.synapse for layer in reversed(layers)], source)


class TopDownPass:
    """One top-down pass.

    Args:
        layers: bottom to top.
        concept: what the highest layer receives: spikes `[T, N, K]`, or a constant `[N, K]`.
        rate: `[N, K]` time-mean of the concept's spikes.
        time_steps: T.
        unrolled: whether to follow d rate / d drive.
    """

    def __init__(
        self,
        layers: Sequence[Layer],
        concept: Received,
        rate: Tensor,
        time_steps: int,
        *,
        constant: bool,
        unrolled: bool,
    ) -> None:
        self._layers, self._steps, self._unrolled = layers, time_steps, unrolled
        self._constant, self._rate = constant, rate
        arrivals: Arrivals[Received] = top_down_arrivals(layers, concept)
        self._borders = {len(layers): copy(arrivals)}  # what reaches the layers below layer i
        self._kept: dict[int, tuple[Tensor, Activity]] = {}
        whole = len(layers) <= KEPT_WHOLE
        above = rate
        for i in reversed(range(len(layers))):
            activity = self._respond(i, arrivals.source, track=True)
            arrivals.pass_on(activity.spikes)
            if whole or i < SEGMENT:
                self._kept[i] = (above, activity)
            elif i % SEGMENT == 0:
                self._borders[i] = copy(arrivals)
            above = arrivals.rate(activity.spikes, activity.rate)

    def at(self, layer: int) -> tuple[Tensor, Activity]:
        """Rate `[N, ...]` of what layer i (from 0, the lowest) received, and what it did; ask in rising order."""
        if layer not in self._kept:
            self._compute_again(layer - layer % SEGMENT)
        return self._kept[layer]

    def forget(self, layer: int) -> None:
        """Let go of a layer that is not asked for again."""
        del self._kept[layer]

    def _compute_again(self, first: int) -> None:
        last = min(first + SEGMENT, len(self._layers)) - 1
        arrivals = copy(self._borders[last + 1])
        above = self._rate if last + 1 == len(self._layers) else rate_of(arrivals.source, like=self._rate)
        for i in range(last, first - 1, -1):
            activity = self._respond(i, arrivals.source, track=False)
            arrivals.pass_on(activity.spikes)
            self._kept[i] = (above, activity)
            above = arrivals.rate(activity.spikes, activity.rate)

    def _respond(self, layer: int, source: Received, *, track: bool) -> Activity:
        constant = self._constant and layer == len(self._layers) - 1
        pathway = self._layers[layer].down
        return pathway.forward_spikes(source, self._steps, constant=constant, unrolled=self._unrolled, track=track)
