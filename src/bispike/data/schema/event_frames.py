"""Events in bins of time: 255 where a pixel sent an event of a polarity within the bin; and what was counted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..readers.event_files import Events, whole
from .event_times import Timing, blocks

HOT = 0.1
"""Share of all events from which a pixel is mentioned."""
BUSY = 20
"""How many times as many events as the mean of the active pixels a hot pixel has."""


class Tally:
    """What was counted while events were put into bins.

    Args:
        bins: T.
        height, width: of the sensor.
    """

    def __init__(self, bins: int, height: int, width: int) -> None:
        self.events = self.late = self.early = self.outside = self.on = 0
        self.recordings = self.empty = 0
        self.first_empty: int | None = None
        self.per_bin = np.zeros(bins, dtype=np.int64)
        self.pixels = np.zeros((height, width), dtype=np.int64)

    @property
    def inside(self) -> int:
        """Events in the bins."""
        return int(self.per_bin.sum())

    @property
    def hardly_filled(self) -> list[int]:
        """The bins that hold hardly any event, where there are enough events to tell."""
        bins = len(self.per_bin)
        if self.inside < 10 * bins:
            return []
        return np.flatnonzero(self.per_bin <= self.inside // (1000 * bins)).tolist()

    def notes(self, end: str) -> list[str]:
        """What was left out and what is unusual, one sentence each; `end` is that of the bins, with its unit."""
        found = []
        for count, where in (
            (self.late, f"after the end ({end})"),
            (self.early, "before the beginning (0)"),
            (self.outside, f"outside the sensor ({self.pixels.shape[0]}x{self.pixels.shape[1]})"),
        ):
            if count:
                verb = "was" if count == 1 else "were"
                found.append(f"{count:,} of {self.events:,} events {where} {verb} left out.")
        if self.empty:
            found.append(
                f"{self.empty:,} of {self.recordings:,} recordings have no events, the first is {self.first_empty}."
            )
        found += self._hot()
        return found

    def _hot(self) -> list[str]:
        active = int((self.pixels > 0).sum())
        most = int(self.pixels.max(initial=0))
        if not active or most < HOT * self.inside or most * active < BUSY * self.inside:
            return []
        y, x = np.unravel_index(int(self.pixels.argmax()), self.pixels.shape)
        share = 100 * most / self.inside
        return [f"the pixel at x = {x}, y = {y} sent {share:.0f} % of all events; it may be a hot pixel."]

    def facts(self) -> dict[str, Any]:
        """Counts as plain values, for reports."""
        return {
            "recordings": self.recordings,
            "events": self.events,
            "left_out": self.events - self.inside,
            "events_per_bin": self.per_bin.tolist(),
            "polarity_on": round(self.on / self.inside, 4) if self.inside else None,
        }


def bin_times(t: np.ndarray, *, bins: int, duration: float) -> np.ndarray:
    """The bin 0..bins-1 of times in [0, duration), int64."""
    return np.minimum((t * (bins / duration)).astype(np.int64), bins - 1)  # rounding may reach the end


def fill(
    frames: np.ndarray,
    events: Events,
    timing: Timing,
    tally: Tally,
    *,
    factor: float,
    duration: float,
    on: int,
    from_first: bool,
) -> None:
    """Put the events of N recordings into bins.

    Args:
        frames: uint8 `[N, T, 2, H, W]`, zeros; 255 is written.
        events: as stored, with places that are not negative.
        timing: of the same events.
        tally: counts are added to it.
        factor: units of `duration` in a unit of the times.
        duration: end of the last bin.
        on: number of the polarity on; all others are off.
        from_first: whether times count from the first event of each recording; else from 0.
    """
    _, bins, _, height, width = frames.shape
    flat = frames.reshape(-1)
    numbers = [whole(events.place, key, values) for key, values in (("y", events.y), ("x", events.x), ("p", events.p))]
    for part in blocks(len(timing.t)):
        row = 0 if events.sample is None else events.sample[part].astype(np.int64)
        y, x, p = (values[part].astype(np.int64) for values in numbers)
        t = timing.t[part]
        if from_first:
            t = (t if t.dtype.kind == "f" else t.astype(np.int64)) - timing.begin[row]
        t = t.astype(np.float64) * factor
        late, early = t >= duration, t < 0
        outside = (y >= height) | (x >= width)
        keep = ~(late | early | outside)
        tally.events += len(t)
        tally.late += int(late.sum())
        tally.early += int(early.sum())
        tally.outside += int((outside & ~late & ~early).sum())
        if not keep.all():
            y, x, p, t = y[keep], x[keep], p[keep], t[keep]
            row = row if isinstance(row, int) else row[keep]
        place = bin_times(t, bins=bins, duration=duration)
        up = p == on
        pixel = y * width + x
        flat[((row * bins + place) * 2 + up) * (height * width) + pixel] = 255
        tally.on += int(up.sum())
        tally.per_bin += np.bincount(place, minlength=bins)
        tally.pixels += np.bincount(pixel, minlength=height * width).reshape(height, width)
    absent = np.flatnonzero(timing.events == 0)
    if len(absent) and tally.first_empty is None:
        tally.first_empty = tally.recordings + int(absent[0])
    tally.empty += len(absent)
    tally.recordings += events.count


def listed(bins: Sequence[int]) -> str:
    """Numbers of bins for people."""
    shown = ", ".join(map(str, bins[:5]))
    return shown if len(bins) <= 5 else f"{shown}, ..."
