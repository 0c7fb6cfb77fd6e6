"""Event streams: what event cameras send, (time, x, y, polarity) one by one, in bins of real time.

A stimulus becomes `[T, 2, H, W]`: 1 where a pixel sent at least one event of that polarity within the bin. Networks
take it with `stimulus_code="given"` and T time steps: time step t of the network is bin t of the recording. Recurrent
networks take it as a sequence of T positions (`sequence=True`).

    .npz      `t` (microseconds), `x`, `y`, `p` of all events one after the other, `sample` the recording that each
              belongs to (0..N−1), `labels` of the N recordings
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from ...errors import DataError
from .. import labels as labelling
from ..assemble import assemble
from ..dataset import Dataset
from ..event_sequences import as_sequences
from ..memory_limit import PER_ROW, Room
from ..option import MEMORY_LIMIT, TEST_SHARE, Option, positive, whole_number, yes_or_no
from ..readers.numpy_files import array_names, load_arrays
from ..schema import Schema
from .format import Format

BINS = 10
KEYS = ("t", "x", "y", "p", "sample", "labels")
OPTIONS = (
    Option("bins", "T, bins of a recording", default=BINS, check=whole_number(1)),
    Option(
        "duration", "microseconds that are used; the longest recording if not given", check=positive("microseconds")
    ),
    Option(
        "sequence",
        "whether bins are the positions of a sequence, for recurrent networks",
        default=False,
        check=yes_or_no,
    ),
)
"""Options of all events; a file also has a share for the test part."""
PER_EVENT = 8 * 6
"""Bytes of an event: its five numbers and its bin."""
LARGEST_WHOLE = 2**53  # up to here float64 holds every whole number


def bin_events(
    t: np.ndarray, x: np.ndarray, y: np.ndarray, p: np.ndarray, *, bins: int, duration: float, height: int, width: int
) -> np.ndarray:
    """uint8 `[bins, 2, height, width]`, 255 where there was an event; events at `duration` or later are left out.

    Args:
        t: microseconds from the beginning of the recording; `x`, `y`: places; `p`: polarity, 0 or 1.
    """
    frames = np.zeros((bins, 2, height, width), dtype=np.uint8)
    inside = (t >= 0) & (t < duration)
    place = (t[inside] * (bins / duration)).astype(np.int64)
    frames[place, p[inside].astype(np.int64), y[inside], x[inside]] = 255
    return frames


def is_events(path: Path) -> bool:
    """Whether an .npz file holds events."""
    return set(KEYS) <= array_names(path)


def read(
    path: Path,
    *,
    like: Schema | None = None,
    bins: int = BINS,
    duration: float | None = None,
    test_fraction: float = 0.2,
    sequence: bool = False,
    memory_limit: float | None = None,
) -> Dataset:
    """Events in an .npz file.

    Args:
        path: the file (see above).
        bins: T, bins of a recording.
        duration: microseconds that are used; the longest recording if None.
        test_fraction: share of the recordings that becomes the test part.
        sequence: whether bins are the positions of a sequence, for recurrent networks.
        memory_limit: GiB that reading may take (see `data.memory_limit`).

    Raises:
        DataError: arrays of different lengths, negative places, polarities other than 0 and 1, samples without a label,
            or more than the limit.
    """
    room = Room.of(path, memory_limit)
    arrays = load_arrays(path, room)
    missing = [key for key in KEYS if key not in arrays]
    if missing:
        raise DataError(f"{path}: expected the arrays {', '.join(KEYS)}; missing: {', '.join(missing)}.")
    events = {key: arrays[key].reshape(-1) for key in KEYS[:5]}
    lengths = {key: len(values) for key, values in events.items()}
    labels = arrays["labels"].reshape(-1)
    if len(set(lengths.values())) > 1 or 0 in lengths.values():
        raise DataError(f"{path}: expected as many of t, x, y, p and sample, at least one; received {lengths}.")
    room.expect(PER_EVENT * lengths["t"], f"{lengths['t']} events")
    x, y, p, sample = (_whole(path, key, events[key]) for key in ("x", "y", "p", "sample"))
    if sample.min() < 0 or sample.max() >= len(labels):
        raise DataError(f"{path}: expected samples in 0..{len(labels) - 1}, received {sample.min()}..{sample.max()}.")
    if p.min() < 0 or p.max() > 1:
        raise DataError(f"{path}: expected polarities 0 and 1, received {p.min()} to {p.max()}.")
    if min(x.min(), y.min()) < 0:
        raise DataError(f"{path}: expected places of at least 0, received {min(x.min(), y.min())}.")
    t = _from_beginning(_times(path, events["t"]), sample, len(labels))
    span = float(duration) if duration is not None else float(t.max()) + 1.0
    height, width = int(y.max()) + 1, int(x.max()) + 1
    expect_room(room, len(labels), bins, height, width)
    frames = np.zeros((len(labels), bins, 2, height, width), dtype=np.uint8)
    inside = t < span
    place = np.minimum((t[inside] * (bins / span)).astype(np.int64), bins - 1)  # rounding may reach the end
    frames[sample[inside], place, p[inside], y[inside], x[inside]] = 255
    numbered = labelling.encode(labels, None)
    found = assemble(path.stem, torch.from_numpy(frames), numbered, None, test_fraction=test_fraction)
    return as_events(found, sequence=sequence)


def _from_beginning(t: np.ndarray, sample: np.ndarray, count: int) -> np.ndarray:
    """Times counted from the first event of each recording."""
    begin = np.full(count, np.inf)
    np.minimum.at(begin, sample, t)
    return t - begin[sample]


def _whole(path: Path, key: str, values: np.ndarray) -> np.ndarray:
    """Whole numbers, int64; they may be stored as another type."""
    if values.dtype.kind in "biu":
        return values.astype(np.int64)
    if values.dtype.kind != "f":
        raise DataError(f"{path}: expected whole numbers as {key}, received {values.dtype}.")
    if not bool((np.abs(values) < LARGEST_WHOLE).all()) or bool((values != np.floor(values)).any()):
        raise DataError(f"{path}: expected whole numbers as {key}, received other ones.")
    return values.astype(np.int64)


def _times(path: Path, values: np.ndarray) -> np.ndarray:
    """Microseconds, float64."""
    with np.errstate(over="ignore"):
        times = values.astype(np.float64) if values.dtype.kind in "biuf" else np.array([np.nan])
    if not bool((np.abs(times) < LARGEST_WHOLE).all()):
        raise DataError(f"{path}: expected finite times in microseconds as t, received other values ({values.dtype}).")
    return times


def expect_room(room: Room, recordings: int, bins: int, height: int, width: int) -> None:
    """Refuse recordings whose bins would take more than the limit: one event far away makes all of them large."""
    room.expect(
        recordings * (bins * 2 * height * width + PER_ROW),
        f"{recordings} recordings of {bins} bins with {height} x {width} pixels",
    )


def as_events(recordings: Dataset, *, sequence: bool) -> Dataset:
    """Recordings `[N, T, 2, H, W]` as stimuli of the task "events", or as sequences of T positions."""
    recordings = replace(recordings, task="events")
    return as_sequences(recordings) if sequence else recordings


FORMAT = Format(
    name="events",
    summary="an .npz file of events",
    read=read,
    options=(*OPTIONS, TEST_SHARE, MEMORY_LIMIT),
    endings=(".npz",),
    belongs=is_events,
    task="events",
)
