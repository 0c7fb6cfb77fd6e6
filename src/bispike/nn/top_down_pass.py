"""A top-down sweep that is read from the bottom up, in memory that hardly grows with depth.

The sweep runs from the concept to the stimulus, but a rule that follows the bottom-up sweep needs its lowest stage
first. A shallow network keeps what every stage did. A deep one keeps the spikes (a bit each) that cross the border of
every few stages, along the chain or by a shortcut, and computes the stages between two borders once more when the first
of them is asked for: a second top-down sweep in all, on C rows, in exchange for memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from typing import TypeVar

from torch import Tensor

from ..functional import Received, rate_of
from .layer import Activity, Stage
from .residual import Arrivals

S = TypeVar("S")

KEPT_WHOLE = 8
"""Networks of up to this many stages keep all of the sweep."""
SEGMENT = 4
"""Stages between two borders of a deeper one."""


def downward(stages: Sequence[Stage], source: S) -> Arrivals[S]:
    """What reaches the stages (given bottom to top) of a top-down sweep."""
    return Arrivals([stage.down.synapse for stage in reversed(stages)], source)


class Descent:
    """One top-down sweep.

    Args:
        stages: bottom to top.
        concept: what the highest stage receives: spikes `[T, N, K]`, or a constant `[N, K]`.
        rate: `[N, K]` time-mean of the concept's spikes.
        steps: T.
        unrolled: whether to follow d rate / d drive.
    """

    def __init__(
        self, stages: Sequence[Stage], concept: Received, rate: Tensor, steps: int, *, constant: bool, unrolled: bool
    ) -> None:
        self._stages, self._steps, self._unrolled = stages, steps, unrolled
        self._constant, self._rate = constant, rate
        arrivals: Arrivals[Received] = downward(stages, concept)
        self._borders = {len(stages): copy(arrivals)}  # what reaches the stages below stage i
        self._kept: dict[int, tuple[Tensor, Activity]] = {}
        whole = len(stages) <= KEPT_WHOLE
        above = rate
        for i in reversed(range(len(stages))):
            activity = self._respond(i, arrivals.source, track=True)
            arrivals.pass_on(activity.spikes)
            if whole or i < SEGMENT:
                self._kept[i] = (above, activity)
            elif i % SEGMENT == 0:
                self._borders[i] = copy(arrivals)
            above = arrivals.rate(activity.spikes, activity.rate)

    def at(self, stage: int) -> tuple[Tensor, Activity]:
        """Rate `[N, ...]` of what stage i (from 0, the lowest) received, and what it did; ask in rising order."""
        if stage not in self._kept:
            self._compute_again(stage - stage % SEGMENT)
        return self._kept[stage]

    def forget(self, stage: int) -> None:
        """Let go of a stage that is not asked for again."""
        del self._kept[stage]

    def _compute_again(self, first: int) -> None:
        last = min(first + SEGMENT, len(self._stages)) - 1
        arrivals = copy(self._borders[last + 1])
        above = self._rate if last + 1 == len(self._stages) else rate_of(arrivals.source, like=self._rate)
        for i in range(last, first - 1, -1):
            activity = self._respond(i, arrivals.source, track=False)
            arrivals.pass_on(activity.spikes)
            self._kept[i] = (above, activity)
            above = arrivals.rate(activity.spikes, activity.rate)

    def _respond(self, stage: int, source: Received, *, track: bool) -> Activity:
        constant = self._constant and stage == len(self._stages) - 1
        pathway = self._stages[stage].down
        return pathway.respond(source, self._steps, constant=constant, unrolled=self._unrolled, track=track)
