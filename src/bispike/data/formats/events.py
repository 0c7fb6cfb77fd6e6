"""Event streams: what event cameras send, (time, x, y, polarity) one by one, in bins of real time.

A stimulus becomes `[T, 2, H, W]`: 1 where a pixel sent at least one event of that polarity within the bin. Networks
take it with `stimulus_code="given"` and T time steps: time step t of the network is bin t of the recording. Recurrent
networks take it as a sequence of T positions (`sequence=True`).

    .npz      `t`, `x`, `y`, `p` of all events one after the other, `sample` the recording that each belongs to
              (0..N−1), `labels` of the N recordings; other usual names are known (`readers.event_files`)

What is decided by looking at the data (unit, sensor, duration, polarities) is kept as an `EventsSchema`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ...errors import DataError
from .. import labels as labelling
from ..assemble import assemble
from ..dataset import Dataset
from ..event_sequences import as_sequences
from ..memory_limit import PER_ROW, Room
from ..option import MEMORY_LIMIT, TEST_SHARE, Option, one_of, positive, whole_number, yes_or_no
from ..readers.event_files import ORDERS, UNITS, Events, holds_events, is_recording, of_arrays
from ..readers.numpy_files import array_names, load_arrays
from ..schema import Inputs, Schema
from ..schema.event_frames import Tally, listed
from ..schema.event_survey import ENOUGH, STRETCH, Survey
from ..schema.events_schema import EventsSchema, Reading, order_notes
from .format import Format

BINS = 10
LARGEST_SENSOR = 8192
USUAL = 0.95
"""Share of the recordings that a duration has to cover which is proposed."""
PER_EVENT = 16
"""Bytes of an event besides its columns: its time and its recording."""


def parse_sensor(value: int | str | Sequence[int]) -> tuple[int, int]:
    """Height and width of "HxW", [H, W], or one number for both.

    Raises:
        ValueError: it is none of these.
    """
    sides = value.lower().split("x") if isinstance(value, str) else [value] if isinstance(value, int) else list(value)
    numbers = [int(side) for side in (sides * 2 if len(sides) == 1 else sides)]
    if len(numbers) != 2 or not all(1 <= side <= LARGEST_SENSOR for side in numbers) or isinstance(value, bool):
        raise ValueError
    return numbers[0], numbers[1]


def _check_sensor(name: str, value: Any) -> str | None:
    try:
        parse_sensor(value)
    except (ValueError, TypeError):
        return f"{name}: expected height x width such as 180x240, each 1 to {LARGEST_SENSOR}, received {value!r}."
    return None


OPTIONS = (
    Option("bins", "T, bins of a recording", default=BINS, check=whole_number(1)),
    Option(
        "duration", "microseconds that are used; the longest recording if not given", check=positive("microseconds")
    ),
    Option("time_unit", "unit of the times: us, ms, s or ns; recognised if not given", check=one_of(*UNITS)),
    Option("sensor", "height x width of the sensor, such as 34x34; from the places if not given", check=_check_sensor),
    Option(
        "columns",
        "order of the columns of an array [E, 4] of events, such as txyp; recognised if not given",
        check=one_of(*ORDERS),
    ),
    Option(
        "sequence",
        "whether bins are the positions of a sequence, for recurrent networks",
        default=False,
        check=yes_or_no,
    ),
)
"""Options of all events; a file also has a share for the test part."""


@dataclass(frozen=True)
class EventOptions:
    """What a user decides about events; the keywords are those of `OPTIONS`."""

    bins: int = BINS
    duration: float | None = None
    time_unit: str | None = None
    sensor: int | str | Sequence[int] | None = None
    columns: str | None = None
    sequence: bool = False


def is_events(path: Path) -> bool:
    """Whether an .npz file holds events."""
    return holds_events(array_names(path))


def read(
    path: Path,
    *,
    like: Schema | None = None,
    bins: int = BINS,
    duration: float | None = None,
    time_unit: str | None = None,
    sensor: int | str | Sequence[int] | None = None,
    columns: str | None = None,
    sequence: bool = False,
    test_fraction: float = 0.2,
    memory_limit: float | None = None,
) -> Dataset:
    """Events in an .npz file.

    Args:
        path: the file (see above).
        like: schema of a training, by which the file is read.
        bins: T, bins of a recording.
        duration: microseconds that are used; the longest recording if None.
        time_unit: of the times, "us", "ms", "s" or "ns"; recognised if None.
        sensor: height x width, such as "34x34"; from the places if None. Events outside are left out.
        columns: order of the columns of an array `[E, 4]`, such as "txyp"; recognised if None.
        sequence: whether bins are the positions of a sequence, for recurrent networks.
        test_fraction: share of the recordings that becomes the test part.
        memory_limit: GiB that reading may take (see `data.memory_limit`).

    Raises:
        DataError: columns that are missing or of different lengths, a unit that is not certain where it is needed,
            places outside the sensor, other polarities, samples without a label, or more than the limit.
    """
    room = Room.of(path, memory_limit)
    if columns is None and isinstance(like, EventsSchema):
        columns = like.columns
    chosen = EventOptions(bins, duration, time_unit, sensor, columns, sequence)
    events = of_arrays(load_arrays(path, room), path, path.stem, columns=columns)
    if events.labels is None:
        raise DataError(
            f"{path}: expected the arrays t, x, y, p, sample and labels; missing: labels. Store the class of each of "
            f"{events.count} recordings."
        )
    room.expect(PER_EVENT * len(events.t), f"{len(events.t)} events")
    room.expect(events.count * (2 * bins + PER_ROW), f"{events.count} recordings of {bins} bins")
    schema, frames, tally, notes = read_events([events], chosen, room, like=like, place=path)
    if like is None:
        numbered = labelling.encode(events.labels, None)
    else:
        numbered = labelling.encode_like(events.labels, None, like.classes)
    schema = replace(schema, classes=numbered.names)
    found = assemble(
        path.stem,
        torch.from_numpy(frames),
        numbered,
        None,
        test_fraction=test_fraction,
        notes=notes,
        schema=schema,
    )
    return as_events(found, schema, tally)


def read_events(
    source: Iterable[Events], chosen: EventOptions, room: Room, *, like: Schema | None, place: object
) -> tuple[EventsSchema, np.ndarray, Tally, list[str]]:
    """How events are read, the recordings uint8 `[N, T, 2, H, W]`, what was counted, and notes.

    Args:
        source: the files, gone through twice.
        chosen: by the user.
        room: of all recordings.
        like: schema of a training; None: the files decide.
        place: the files, for messages.
    """
    keep = isinstance(source, list)
    survey = Survey(source, keep=keep)
    if like is not None:
        if not isinstance(like, EventsSchema):
            raise like.refusal(place, "events")
        expect_room(room, survey.recordings, like)
        frames, tally, notes = like.read(source, place, keep=keep)
        return like, frames, tally, list(notes)
    schema, said = decide(survey, chosen, room)
    reading = Reading(_factor(schema.time_unit), schema.polarity[1])
    frames, tally = schema.frames(source, survey, reading, survey.recordings)
    said += _stretched(survey, schema, tally, chosen)
    return schema, frames, tally, [*survey.notes, *order_notes(survey), *said, *tally.notes(schema.end)]


# ------------------------------------------------------------------ what a training decides


def decide(survey: Survey, chosen: EventOptions, room: Room) -> tuple[EventsSchema, list[str]]:
    """How the events of a training are read, and notes.

    Raises:
        DataError: a unit that is not certain where it is needed, places outside the sensor, or more than the limit.
    """
    notes: list[str] = []
    unit = _unit(survey, chosen, notes)
    factor = _factor(unit)
    tick = factor if survey.whole else 1.0 if unit or survey.longest >= ENOUGH else max(survey.longest, 1e-6) * 1e-6
    duration = float(chosen.duration) if chosen.duration is not None else survey.longest * factor + tick
    sensor = parse_sensor(chosen.sensor) if chosen.sensor is not None else (survey.most[0] + 1, survey.most[1] + 1)
    schema = EventsSchema(
        sensor,
        unit,
        chosen.bins,
        duration,
        sequence=chosen.sequence,
        span=survey.span * factor,
        columns=chosen.columns,
    )
    if chosen.sensor is None and survey.events >= ENOUGH:
        survey.own_sensor()
    expect_room(room, survey.recordings, schema)
    if chosen.sensor is None:
        survey.own_sensor()
        if min(survey.least) >= 1 and survey.events >= ENOUGH:
            notes.append(
                f"no event of {survey.events:,} has x = 0 or y = 0: places seem to count from 1. If so, subtract 1."
            )
    else:
        survey.expect_sensor(sensor, "the option sensor")
    if survey.span and survey.step * factor > duration / chosen.bins:
        raise DataError(
            f"{survey.place}: the times are too coarse for {chosen.bins} bins of {duration / chosen.bins:g}: they are "
            f"stored in steps of {survey.step * factor:g}. Store them as int64 or float64, or choose fewer bins."
        )
    coding = survey.coding()
    if len(survey.polarities) == 1 and survey.events >= ENOUGH:
        only = next(iter(survey.polarities))
        named = "on" if only == coding[1] else "off"
        notes.append(f"all events have the polarity {only}, which is read as {named}.")
    return replace(schema, polarity=coding), notes


def _unit(survey: Survey, chosen: EventOptions, notes: list[str]) -> str | None:
    """The unit of the times in a training."""
    if chosen.time_unit is not None:
        if survey.named_unit not in (None, chosen.time_unit):
            raise DataError(
                f"{survey.place}: expected times in {survey.named_unit}, as the file says, received the option "
                f"time_unit={chosen.time_unit}. Leave it out."
            )
        return chosen.time_unit
    survey.expect_one_unit()
    unit = survey.unit
    if unit is None and survey.span:
        kind = "whole numbers" if survey.whole else "fractions"
        uncertain = (
            f"the unit of the times is not certain: they are {kind}, and a recording lasts {survey.span:g}. "
            "Give time_unit=us, ms, s or ns (--set time_unit=ms)"
        )
        if chosen.duration is not None:
            raise DataError(f"{survey.place}: {uncertain}, since the duration is given in microseconds.")
        notes.append(f"{uncertain}; now the bins follow the longest recording, which is right in any unit.")
        return None
    if unit is None and chosen.duration is not None:
        return "us"  # no recording has two events
    if unit not in (None, "us") and survey.named_unit is None:
        notes.append(
            f"the times are read as {unit} (a recording lasts {survey.span:g} {unit}); time_unit says another unit."
        )
    return unit


def _factor(unit: str | None) -> float:
    return 1.0 if unit is None else UNITS[unit]


def _stretched(survey: Survey, schema: EventsSchema, tally: Tally, chosen: EventOptions) -> list[str]:
    """Notes on bins that are nearly empty, and on recordings of very different lengths.

    Raises:
        DataError: a few late events make the duration more than twice as long as all others need.
    """
    spans = survey.spans * _factor(schema.time_unit)
    if len(spans) == 0:
        return []
    unit = " us" if schema.time_unit else ""
    lengths = (
        f"the longest recording lasts {_shown(spans.max())}{unit}, half of them at most {_shown(np.median(spans))}"
    )
    fix = f"duration={max(1, math.ceil(np.quantile(spans, USUAL, method='lower')))}"
    if schema.time_unit is None:
        fix = f"time_unit=us, ms, s or ns, and {fix} (in microseconds)"
    late = int(tally.per_bin[(schema.bins + 1) // STRETCH :].sum())
    bins, most = tally.hardly_filled, np.quantile(spans, USUAL, method="lower")
    if chosen.duration is None and schema.bins > 1 and tally.events >= ENOUGH:
        few = late <= max(1, tally.events // 1000)
        if few or (STRETCH * len(bins) > schema.bins and spans.max() > STRETCH * most):
            what = f"{late:,} of {tally.events:,} events fill the second half of the bins"
            raise DataError(
                f"{survey.place}: {what if few else f'{len(bins)} of {schema.bins} bins hold hardly any event'}: "
                f"{lengths}. Give the duration in microseconds (--set duration=N), for example {fix}; later events are "
                "left out."
            )
    notes = []
    if bins:
        notes.append(
            f"{len(bins)} of {schema.bins} bins hold hardly any event ({listed(bins)}): {lengths}, and the bins end at "
            f"{schema.end}. Another duration changes that, for example {fix}."
        )
    if len(spans) > 1 and np.median(spans) > 0 and not bins and spans.max() > 3 * np.median(spans):
        notes.append(f"recordings are of very different lengths: {lengths}.")
    return notes


def _shown(value: float) -> str:
    return f"{value:,.0f}" if value >= ENOUGH else f"{value:g}"


def expect_room(room: Room, recordings: int, schema: EventsSchema) -> None:
    """Refuse recordings whose bins would take more than the limit: one event far away makes all of them large."""
    height, width = schema.sensor
    room.expect(
        recordings * (schema.bins * 2 * height * width + PER_ROW),
        f"{recordings} recordings of {schema.bins} bins with {height} x {width} pixels",
    )


def as_events(recordings: Dataset, schema: EventsSchema, tally: Tally) -> Dataset:
    """Recordings `[N, T, 2, H, W]` as stimuli of the task "events", or as sequences of T positions."""
    facts = {
        "sensor": list(schema.sensor),
        "time_unit": schema.time_unit or "not certain",
        "duration": round(schema.duration, 1) if schema.duration >= ENOUGH else schema.duration,
        **tally.facts(),
    }
    recordings = replace(recordings, task="events", facts=facts)
    return as_sequences(recordings) if schema.sequence else recordings


def inputs_of_arrays(arrays: dict[str, np.ndarray], path: Path, schema: Schema, room: Room) -> Inputs | None:
    """The recordings in arrays of a file; None if they are no events."""
    first = next(iter(arrays.values()), None)
    bare = len(arrays) == 1 and first is not None and first.ndim == 2 and first.shape[1] == 4
    if not (
        holds_events(arrays)
        or any(map(is_recording, arrays.values()))
        or (bare and isinstance(schema, EventsSchema) and schema.shape[1:] != (4,))
    ):
        return None
    if not isinstance(schema, EventsSchema):
        raise schema.refusal(path, "events")
    events = of_arrays(arrays, path, path.name, columns=schema.columns)
    expect_inputs_room(room, events.count, schema)
    return schema.of_events(events, path)


def expect_inputs_room(room: Room, recordings: int, schema: EventsSchema) -> None:
    """Refuse recordings in use that would take more than the limit as bins and as float32."""
    room.expect_stimuli((recordings, schema.bins, 2, *schema.sensor), bytes_each=5)


FORMAT = Format(
    name="events",
    summary="an .npz file of events",
    read=read,
    options=(*OPTIONS, TEST_SHARE, MEMORY_LIMIT),
    endings=(".npz",),
    belongs=is_events,
    task="events",
)
