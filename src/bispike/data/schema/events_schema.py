"""How events were read: the sensor, the unit of the times, the bins and the polarities, all decided by the training."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import torch

from ...errors import DataError
from ...json_values import Check, expect, is_switch, is_text, list_of, number, optional, record, whole
from ..readers.characters import shortened
from ..readers.event_files import ORDERS, UNITS, Events, is_recording, key_of, of_arrays
from .event_frames import Tally, fill
from .event_survey import CODINGS, FARTHEST, Survey
from .event_times import Timing
from .schema import Inputs, Schema
from .units import BYTE, not_finite

NEAR = 30.0
"""Recordings of one unit differ less in length; units differ by a thousand."""
ALIKE = 5.0
"""Recordings whose lengths differ more are mentioned."""
MANY_EVENTS = 1000
"""So many events reach most of a sensor."""
_CHECK: Check = record(
    {
        "sensor": list_of(whole(1, 2 * FARTHEST), length=2),
        "time_unit": optional(is_text),
        "bins": whole(1, 2**31),
        "duration": number(1e-30),
        "polarity": list_of(whole(-1, 255), length=2),
        "from_first": is_switch,
        "sequence": is_switch,
        "span": number(0),
        "columns": optional(is_text),
        "classes": list_of(is_text),
    },
    others=False,
)


@dataclass(frozen=True)
class Reading:
    """How the events of one source become those of the training.

    Args:
        factor: units of the schema's duration in a unit of the source's times.
        on: number of the polarity on in the source.
        notes: what is converted.
    """

    factor: float
    on: int
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class EventsSchema(Schema):
    """How events were read.

    Args:
        sensor: height and width.
        time_unit: of the times in the training data, a key of `UNITS`; None: not certain, times are as stored.
        bins: T, bins of a recording.
        duration: end of the last bin in microseconds; in the stored unit where that is not certain.
        polarity: numbers of off and on in the training data.
        from_first: whether times count from the first event of each recording; else from 0.
        sequence: whether bins are the positions of a sequence.
        span: how long a typical recording lasts, in the unit of `duration`; 0: not known.
        columns: order of the columns in an array `[E, 4]`; None: not given.
        classes: names of the classes.
    """

    kind: ClassVar[str] = "events"
    what: ClassVar[str] = "events"

    sensor: tuple[int, int]
    time_unit: str | None
    bins: int
    duration: float
    polarity: tuple[int, int] = (0, 1)
    from_first: bool = True
    sequence: bool = False
    span: float = 0.0
    columns: str | None = None
    classes: tuple[str, ...] = ()

    @property
    def divisor(self) -> float:
        """255: events of type uint8 are 0 and 255."""
        return BYTE

    @property
    def limits(self) -> tuple[float, float]:
        """No event, and an event."""
        return 0.0, 1.0

    @property
    def shape(self) -> tuple[int, ...]:
        """`[T, 2, H, W]`, or `[T, 2·H·W]` of a sequence."""
        height, width = self.sensor
        return (self.bins, 2 * height * width) if self.sequence else (self.bins, 2, height, width)

    @property
    def end(self) -> str:
        """The end of the last bin with its unit."""
        return f"{self.duration:,.0f} us" if self.time_unit else f"{self.duration:g}"

    # ------------------------------------------------------------------ events

    def reading(self, survey: Survey, source: object) -> Reading:
        """How events in use become those of the training.

        Raises:
            DataError: another unit or sensor, or other polarities than can be converted.
        """
        survey.expect_sensor(self.sensor, "the sensor of the training")
        survey.expect_one_unit()
        factor, notes = self._factor(survey, source)
        span = survey.span * factor
        if span and self.span and not self.span / ALIKE < span < self.span * ALIKE:
            unit = " us" if self.time_unit else ""
            notes.append(
                f"{source}: a recording lasts {span:,.6g}{unit}, and those of the training lasted "
                f"{self.span:,.6g}{unit}; is the unit of the times the same?"
            )
        if survey.span and survey.step * factor > self.duration / self.bins:
            raise DataError(
                f"{source}: the times are too coarse for bins of {self.duration / self.bins:g}: they are stored in "
                f"steps of {survey.step * factor:g}. Store them as int64 or float64."
            )
        on = self.polarity[1]
        if not survey.polarities <= {*self.polarity}:
            coding = survey.coding()
            on = coding[1]
            notes.append(
                f"{source}: polarities {coding[0]} and {coding[1]} were read as {self.polarity[0]} and "
                f"{self.polarity[1]} of the training."
            )
        reach = [place + 1 for place in survey.most]
        if survey.events >= MANY_EVENTS and all(2 * r < side for r, side in zip(reach, self.sensor, strict=True)):
            notes.append(
                f"{source}: the places reach {reach[0]}x{reach[1]} pixels only, and the sensor of the training has "
                f"{self.sensor[0]}x{self.sensor[1]}; another sensor shows other things."
            )
        return Reading(factor, on, tuple(notes))

    def _factor(self, survey: Survey, source: object) -> tuple[float, list[str]]:
        """Units of the duration in one of the times; and notes."""
        named, span = survey.named_unit, survey.span
        if self.time_unit is None:
            if span and self.span and not self._near(span):
                raise self._other_unit(source, span, "as stored")
            return 1.0, []
        own = UNITS[self.time_unit]
        if named is None and not (survey.whole and self.time_unit == "s") and (not span or self._near(span * own)):
            return own, []
        unit = survey.unit
        if unit is None or (named is None and unit != self.time_unit and not self._near(span * UNITS[unit])):
            raise self._other_unit(source, span, f"in {self.time_unit}")
        notes = []
        if unit != self.time_unit:
            notes.append(f"{source}: times in {unit} were converted; those of the training are in {self.time_unit}.")
        return UNITS[unit], notes

    def _near(self, span: float) -> bool:
        return not self.span or self.span / NEAR < span < self.span * NEAR

    def _other_unit(self, source: object, span: float, unit: str) -> DataError:
        return DataError(
            f"{source}: cannot tell the unit of the times: a recording lasts {span:g} as stored, and those of the "
            f"training lasted {self.span / (UNITS[self.time_unit] if self.time_unit else 1):g} {unit}. Store the times "
            f"{unit if self.time_unit else 'in the unit'} as in training, or name the array by its unit (t_ns)."
        )

    def frames(
        self, source: Iterable[Events], survey: Survey | None, reading: Reading, count: int
    ) -> tuple[np.ndarray, Tally]:
        """Recordings uint8 `[N, T, 2, H, W]`, 0 and 255, of files with `count` recordings; and what was counted."""
        tally = Tally(self.bins, *self.sensor)
        found = np.zeros((count, self.bins, 2, *self.sensor), dtype=np.uint8)
        kept = survey.kept if survey is not None else []
        first = 0
        for number_of_file, events in enumerate(source):
            timing = kept[number_of_file] if number_of_file < len(kept) else Timing.of(events)
            fill(
                found[first : first + events.count],
                events,
                timing,
                tally,
                factor=reading.factor,
                duration=self.duration,
                on=reading.on,
                from_first=self.from_first,
            )
            first += events.count
        return found, tally

    def read(
        self, source: Iterable[Events], place: object, *, keep: bool = True
    ) -> tuple[np.ndarray, Tally, tuple[str, ...]]:
        """Recordings in use: uint8 `[N, T, 2, H, W]`, what was counted, and notes.

        Args:
            source: the files, which are gone through twice.
            place: their name in messages.
            keep: whether what is known of the times of each file is kept in between.

        Raises:
            DataError: as `reading`, or no event within the bins.
        """
        survey = Survey(source, keep=keep)
        reading = self.reading(survey, place)
        frames, tally = self.frames(source, survey, reading, survey.recordings)
        if tally.events and not tally.inside:
            raise DataError(
                f"{place}: none of {tally.events:,} events lies within the bins of the training, 0 to {self.end}"
                f"{'' if self.from_first else ' from time 0'}. Store the times in the unit and with the origin of the "
                "training data."
            )
        said = [*survey.notes, *order_notes(survey), *reading.notes, *tally.notes(self.end)]
        return frames, tally, tuple(said)

    def of_events(self, events: Any, source: object) -> Inputs:
        """The recordings in one or several files of events (`Events`), each a stimulus; judged if they have labels."""
        files = [events] if isinstance(events, Events) else events
        frames, _, notes = self.read(files, source, keep=isinstance(files, list))
        names: list[str] = []
        labels: list[np.ndarray] = []
        for one in files:
            names += [one.name] if one.count == 1 else [f"{one.name}[{i}]" for i in range(one.count)]
            labels += [] if one.labels is None else [one.labels]
        found = Inputs(tuple(names), self._stimuli(frames), notes)
        if len(labels) == 0 or sum(map(len, labels)) != len(names):
            return found
        return found.judged(np.concatenate(labels), self, f"{source}: labels")

    def of_table(self, table: Any, source: object) -> Inputs:
        """The recordings in the rows of a table with the columns t, x, y, p, and sample if there are several.

        Without a heading it is one recording of four columns, whose order is recognised.
        """
        arrays: dict[str, np.ndarray] = {}
        if len(table.columns) == 4 and not any(map(key_of, table.columns)):
            columns = [table.numbers(name) for name in table.columns]
            if all(numbers is not None for numbers in columns):
                return self.of_array(np.stack(columns, axis=1), source)
        for name in table.columns:
            key = key_of(name)
            if key is None:
                continue
            numbers = table.numbers(name)
            if numbers is None:
                arrays[name] = np.array([text or "" for text in table.texts(name)])
            elif key == "labels" and bool((numbers == np.floor(numbers)).all()):
                arrays[name] = numbers.astype(np.int64)
            else:
                arrays[name] = numbers
        if not arrays:
            raise DataError(
                f"{source}: expected the columns t, x, y, p of events, and sample for several recordings; received "
                f"{shortened(', '.join(table.columns))}."
            )
        return self.of_events(of_arrays(arrays, source, Path(str(source)).name), source)

    def _stimuli(self, frames: np.ndarray) -> torch.Tensor:
        stimuli = torch.from_numpy(frames).to(torch.float32).div_(BYTE)
        return stimuli.reshape(len(frames), *self.shape)

    # ------------------------------------------------------------------ arrays

    def of_array(self, array: np.ndarray, source: object) -> Inputs:
        """Events in bins already, 0 and 1 (or 0 and 255): `[T, 2, H, W]`, or N of them; or one structured recording.

        Raises:
            DataError: another shape or other values.
        """
        name = Path(str(source)).name
        full = (self.bins, 2, *self.sensor)
        shapes = {full, self.shape}
        rows_of_four = array.ndim == 2 and array.shape[1] == 4 and array.shape not in shapes
        if is_recording(array) or (rows_of_four and self.shape != (4,)):
            return self.of_events(of_arrays({"events": array}, source, name, columns=self.columns), source)
        single = array.shape in shapes
        rows = array[None] if single else array
        if rows.shape[1:] not in shapes or len(rows) == 0:
            raise DataError(
                f"{source}: expected events in the bins of the training, [T, 2, H, W] = {list(full)}, or N of them on "
                f"a first axis, or raw events as a structured array or .npz; received {list(array.shape)}."
            )
        if array.dtype.kind not in "buif":
            raise DataError(f"{source}: expected numbers, received dtype {array.dtype}.")
        frames = np.zeros((len(rows), *full), dtype=np.uint8)
        top = float(rows.max())
        if not (np.isfinite(top) and np.isfinite(float(rows.min()))):
            raise not_finite(array, source)
        most = BYTE if rows.dtype == np.uint8 and top == BYTE else 1.0
        if not bool(((rows == 0) | (rows == most)).all()):
            raise DataError(
                f"{source}: expected bins with 0 (no event) and 1 (at least one event), received values from "
                f"{float(rows.min()):g} to {top:g}. For counts of events use (frames > 0)."
            )
        frames[:] = (rows != 0).reshape(frames.shape) * np.uint8(BYTE)
        names = (name,) if single or len(rows) == 1 else tuple(f"{name}[{i}]" for i in range(len(rows)))
        return Inputs(names, self._stimuli(frames))

    # ------------------------------------------------------------------ JSON

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "sensor": list(self.sensor),
            "time_unit": self.time_unit,
            "bins": self.bins,
            "duration": self.duration,
            "polarity": list(self.polarity),
            "from_first": self.from_first,
            "sequence": self.sequence,
            "span": self.span,
            "columns": self.columns,
            "classes": list(self.classes),
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], place: str) -> Self:
        """The schema of plain values from a file, which are not trusted; a DamagedError says what is wrong."""
        _CHECK(values, place)
        given = dict(values)
        expect(given["time_unit"] in (None, *UNITS), f"{place}: time_unit", ", ".join(UNITS), given["time_unit"])
        expect(given["columns"] in (None, *ORDERS), f"{place}: columns", "an order such as txyp", given["columns"])
        polarity = tuple(given["polarity"])
        expect(polarity in CODINGS, f"{place}: polarity", "such as [0, 1]", given["polarity"])
        for name in ("sensor", "polarity", "classes"):
            given[name] = tuple(given[name])
        found = cls(**given)
        expect(math.prod(found.shape) <= 2**28, f"{place}: sensor", "at most 2^28 values in a stimulus", found.sensor)
        return found


def order_notes(survey: Survey) -> list[str]:
    """What was seen of the order of the events."""
    notes = []
    if survey.wraps:
        times = "once" if survey.wraps == 1 else f"{survey.wraps:,} times"
        notes.append(f"the counter of the times began again {times} within recordings; times were continued there.")
    if survey.backwards:
        notes.append(
            f"{survey.backwards:,} of {survey.events:,} events are earlier than the one before them; the bins follow "
            "their times."
        )
    return notes
