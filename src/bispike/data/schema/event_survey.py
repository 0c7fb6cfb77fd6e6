"""What is seen of recordings of events before they are read: places, polarities, times; one survey for all files."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from ...errors import DataError
from ..readers.event_files import BIN_SIDE, Events, whole
from .event_times import MANY, Timing, blocks, recognise

CODINGS = ((0, 1), (-1, 1), (1, 2), (0, 255))
"""Numbers of the polarities off and on, in the order in which they are tried."""
FARTHEST = 4096
"""Sensors have fewer rows and columns."""
STRETCH = 2
"""A few events that make the sensor or the duration so many times larger are damage, or need a choice."""
OTHER_UNIT = 300
"""Recordings whose lengths differ more are in different units."""
ENOUGH = 100
"""So many events tell what is usual among them."""


class Survey:
    """Counts over the events of several files.

    Args:
        source: the files, one after the other.
        keep: whether the times of each file are kept, so that they are not looked at again.
    """

    def __init__(self, source: Iterable[Events], *, keep: bool = False) -> None:
        self.place: object = None
        self.events = self.recordings = self.backwards = self.wraps = 0
        self.whole, self.begin, self.step = True, np.inf, 0.0
        self.polarities: set[int] = set()
        self.units: set[str | None] = set()
        self.least, self.most = [FARTHEST**3] * 2, [0, 0]
        self.notes: list[str] = []
        self.kept: list[Timing] = []
        self._spans: list[np.ndarray] = []
        self._firm: list[np.ndarray] = []
        self._places = [np.zeros(FARTHEST + 1, dtype=np.int64) for _ in "yx"]
        for events in source:
            self._add(events, keep=keep)
        self.spans = np.concatenate(self._spans) if self._spans else np.zeros(0)

    def _add(self, events: Events, *, keep: bool) -> None:
        self.place = events.place if self.place is None else self.place
        timing = Timing.of(events)
        if keep:
            self.kept.append(timing)
        self.events += len(events.t)
        self.recordings += events.count
        self.backwards += timing.backwards
        self.wraps += timing.wraps
        self.whole &= timing.whole
        self.step = max(self.step, timing.step)
        filled = timing.events > 0
        self.begin = min(self.begin, float(timing.begin[filled].astype(np.float64).min(initial=np.inf)))
        self._spans.append(timing.span[timing.events > 1])
        self._firm.append(timing.span[timing.events >= MANY])
        if bool((timing.span[timing.events >= MANY] == 0).any()):
            row = int(((timing.span == 0) & (timing.events >= MANY)).argmax())
            raise DataError(
                f"{events.place}: all {int(timing.events[row])} events of recording {row} have one time "
                f"({timing.begin[row]}). Store times in a finer unit or as int64 or float64; {events.t.dtype} may not "
                "hold them."
            )
        self.units.add(events.unit)
        self.notes += [note for note in events.notes if note not in self.notes]
        if len(events.t) == 0:
            return
        for axis, (key, values) in enumerate((("y", events.y), ("x", events.x))):
            self._add_places(axis, whole(events.place, key, values), events.place)
        self._add_polarities(whole(events.place, "p", events.p))

    def _add_places(self, axis: int, values: np.ndarray, place: object) -> None:
        low, high = int(values.min()), int(values.max())
        if low < 0:
            raise DataError(f"{place}: expected places of at least 0, received {low}.")
        self.least[axis], self.most[axis] = min(self.least[axis], low), max(self.most[axis], high)
        for part in blocks(len(values)):
            found = np.bincount(np.minimum(values[part].astype(np.int64), FARTHEST))
            self._places[axis][: len(found)] += found

    def _add_polarities(self, values: np.ndarray) -> None:
        for part in blocks(len(values)):
            low, high = int(values[part].min()), int(values[part].max())
            if -1 <= low <= high <= 255:
                found = np.bincount(values[part].astype(np.int64) + 1)
                self.polarities |= {int(i) - 1 for i in np.flatnonzero(found)}
            else:
                self.polarities |= {low, high}

    # ------------------------------------------------------------------ what it says

    @property
    def span(self) -> float:
        """How long a typical recording lasts, as stored; 0 where no recording has two events."""
        return float(np.median(self.spans)) if len(self.spans) else 0.0

    @property
    def longest(self) -> float:
        """How long the longest recording lasts, as stored."""
        return float(self.spans.max(initial=0.0))

    @property
    def named_unit(self) -> str | None:
        """The unit of the times that the format says.

        Raises:
            DataError: files of different units.
        """
        if len(self.units) > 1:
            named = ", ".join(sorted(unit or "not named" for unit in self.units))
            raise DataError(f"{self.place}: expected times of one unit in all files, received {named}.")
        return next(iter(self.units), None)

    def expect_one_unit(self) -> None:
        """Refuse recordings some of which seem to be in another unit.

        Raises:
            DataError: several last hundreds of times longer or shorter than a typical one.
        """
        spans = np.concatenate(self._firm) if self._firm else np.zeros(0)
        spans = spans[spans > 0]
        if len(spans) < 2 or self.named_unit is not None:
            return
        typical = float(np.median(spans))
        other = (spans * OTHER_UNIT < typical) | (spans > OTHER_UNIT * typical)
        if other.sum() >= max(2, len(spans) // 20):
            raise DataError(
                f"{self.place}: recordings last from {spans.min():g} to {spans.max():g} as stored, "
                f"{int(other.sum()):,} of {len(spans):,} far from the others; are all times in one unit? If they are, "
                "give it when training (--set time_unit=us, ms, s or ns); else store all times in microseconds."
            )

    @property
    def unit(self) -> str | None:
        """The unit of the times where it is certain."""
        return self.named_unit or recognise(self.span, whole=self.whole, begin=self.begin)

    def coding(self) -> tuple[int, int]:
        """The numbers of the polarities off and on.

        Raises:
            DataError: other numbers.
        """
        found = next((coding for coding in CODINGS if self.polarities <= {*coding}), None)
        if found is None or self.polarities == {2}:
            shown = ", ".join(map(str, sorted(self.polarities)[:5]))
            raise DataError(
                f"{self.place}: expected polarities 0 and 1, -1 and 1, 1 and 2, or 0 and 255; received {shown}. Are "
                "the columns in another order?"
            )
        return found

    def beyond(self, axis: int) -> tuple[int, int]:
        """Along y (0) or x (1): the place up to which nearly all events are, and how many are farther."""
        few = max(1, self.events // 1000)
        farther = np.cumsum(self._places[axis][::-1])[::-1]  # events at this place or farther
        usual = int(np.flatnonzero(farther > few)[-1]) if bool((farther > few).any()) else self.most[axis]
        return usual, int(farther[usual + 1]) if usual < FARTHEST else 0

    def expect_sensor(self, sensor: tuple[int, int], expected: str) -> None:
        """Refuse places that would fit a sensor if x and y were exchanged, or if they counted from 0.

        Args:
            sensor: height and width.
            expected: whose sensor it is, for messages.

        Raises:
            DataError: so they would, or most of them lie outside.
        """
        height, width = sensor
        high, wide = self.most
        if high < height and wide < width:
            return
        received = f"y in {self.least[0]}..{high} and x in {self.least[1]}..{wide}"
        said = f"{self.place}: expected y in 0..{height - 1} and x in 0..{width - 1} ({expected}), received {received}."
        if high < width and wide < height:
            raise DataError(f"{said} x and y seem to be exchanged; exchange them in the file.")
        if min(self.least) >= 1 and high <= height and wide <= width:
            raise DataError(f"{said} Places seem to count from 1; subtract 1 from x and y.")
        outside = max(int(self._places[axis][sensor[axis] :].sum()) for axis in (0, 1) if sensor[axis] <= FARTHEST)
        if 10 * outside > self.events:
            likely = (
                " Recordings of N-Caltech101 have the same form on a sensor of 180x240."
                if sensor == (BIN_SIDE, BIN_SIDE)
                else ""
            )
            raise DataError(
                f"{said} {outside:,} of {self.events:,} events lie outside. Give the sensor of the training data, "
                f"height x width, when training: sensor={high + 1}x{wide + 1}.{likely}"
            )

    def own_sensor(self) -> tuple[int, int]:
        """Height and width that hold all events.

        Raises:
            DataError: a few events far away would make it much larger.
        """
        far = [axis for axis in (0, 1) if self._is_far(axis)]
        if any(self.beyond(axis)[0] >= FARTHEST for axis in far):
            raise DataError(
                f"{self.place}: expected places below {FARTHEST}, received y up to {self.most[0]} and x up to "
                f"{self.most[1]}. Are the columns in another order, or do some places stand for missing ones? If not, "
                "give the sensor, height x width, such as sensor=180x240; events outside are left out."
            )
        if far:
            usual = [self.beyond(axis)[0] if axis in far else self.most[axis] for axis in (0, 1)]
            axis = far[0]
            count = self.beyond(axis)[1]
            raise DataError(
                f"{self.place}: {count:,} of {self.events:,} events {'lies' if count == 1 else 'lie'} beyond "
                f"{'yx'[axis]} = {usual[axis]}, the farthest at {self.most[axis]}. Give the sensor, height x width, "
                f"for example sensor={usual[0] + 1}x{usual[1] + 1} (--set sensor={usual[0] + 1}x{usual[1] + 1}); "
                "events outside are left out."
            )
        return self.most[0] + 1, self.most[1] + 1

    def _is_far(self, axis: int) -> bool:
        usual, _ = self.beyond(axis)
        stretched = self.events >= ENOUGH and self.most[axis] + 1 > STRETCH * (usual + 1)
        return stretched or self.most[axis] >= FARTHEST
