"""A top-down sweep that is read from the bottom up, in memory that hardly grows with depth.

The sweep runs from the concept to the stimulus, but a rule that follows the bottom-up sweep needs its lowest stage
first. A shallow network keeps what every stage did. A deep one keeps the spikes (a bit each) at the border of every few
stages, and computes the stages between two borders once more when the first of them is asked for: a second top-down
sweep in all, on C rows, in exchange for memory.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from ..functional import Spikes, rate_of
from .stage import Activity, Stage

KEPT_WHOLE = 8
"""Networks of up to this many stages keep all of the sweep."""
SEGMENT = 4
"""Stages between two borders of a deeper one."""


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
        self, stages: Sequence[Stage], concept: Tensor, rate: Tensor, steps: int, *, constant: bool, unrolled: bool
    ) -> None:
        self._stages, self._steps, self._unrolled = stages, steps, unrolled
        self._top: tuple[Spikes, Tensor] = (concept, rate)
        self._constant = constant
        self._borders: dict[int, Spikes] = {}  # spikes that leave stage i downward
        self._kept: dict[int, tuple[Tensor, Activity]] = {}
        whole = len(stages) <= KEPT_WHOLE
        source: Spikes = concept
        above = rate
        for i in reversed(range(len(stages))):
            activity = self._respond(i, source, track=True)
            if whole or i < SEGMENT:
                self._kept[i] = (above, activity)
            elif i % SEGMENT == 0:
                self._borders[i] = activity.spikes
            source, above = activity.spikes, activity.rate

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
        source, above = self._top
        if last + 1 < len(self._stages):
            source = self._borders[last + 1]
            above = rate_of(source, like=above)
        for i in range(last, first - 1, -1):
            activity = self._respond(i, source, track=False)
            self._kept[i] = (above, activity)
            source, above = activity.spikes, activity.rate

    def _respond(self, stage: int, source: Spikes, *, track: bool) -> Activity:
        constant = self._constant and stage == len(self._stages) - 1
        pathway = self._stages[stage].down
        return pathway.respond(source, self._steps, constant=constant, unrolled=self._unrolled, track=track)
