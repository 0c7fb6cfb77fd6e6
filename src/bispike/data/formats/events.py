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
from ..option import TEST_SHARE, Option, positive, whole_number, yes_or_no
from ..readers.numpy_files import array_names, load_arrays
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
MOST_BYTES = 4 * 2**30


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
    bins: int = BINS,
    duration: float | None = None,
    test_fraction: float = 0.2,
    sequence: bool = False,
) -> Dataset:
    """Events in an .npz file.

    Args:
        path: the file (see above).
        bins: T, bins of a recording.
        duration: microseconds that are used; the longest recording if None.
        test_fraction: share of the recordings that becomes the test part.
        sequence: whether bins are the positions of a sequence, for recurrent networks.

    Raises:
        DataError: arrays of different lengths, negative places, polarities other than 0 and 1, samples without a label.
    """
    arrays = load_arrays(path)
    missing = [key for key in KEYS if key not in arrays]
    if missing:
        raise DataError(f"{path}: expected the arrays {', '.join(KEYS)}; missing: {', '.join(missing)}.")
    events = {key: arrays[key].reshape(-1) for key in KEYS[:5]}
    lengths = {key: len(values) for key, values in events.items()}
    labels = arrays["labels"].reshape(-1)
    if len(set(lengths.values())) > 1 or 0 in lengths.values():
        raise DataError(f"{path}: expected as many of t, x, y, p and sample, at least one; received {lengths}.")
    sample, p = events["sample"].astype(np.int64), events["p"].astype(np.int64)
    if sample.min() < 0 or sample.max() >= len(labels):
        raise DataError(f"{path}: expected samples in 0..{len(labels) - 1}, received {sample.min()}..{sample.max()}.")
    if not np.isin(p, (0, 1)).all():
        raise DataError(f"{path}: expected polarities 0 and 1, received {np.unique(p)[:5].tolist()}.")
    if min(events["x"].min(), events["y"].min()) < 0 or not np.isfinite(events["t"]).all():
        raise DataError(f"{path}: expected places of at least 0 and finite times.")
    t = _from_beginning(events["t"].astype(np.float64), sample, len(labels))
    span = float(duration) if duration is not None else float(t.max()) + 1.0
    height, width = int(events["y"].max()) + 1, int(events["x"].max()) + 1
    expect_room(len(labels) * bins * 2 * height * width, path)
    frames = np.zeros((len(labels), bins, 2, height, width), dtype=np.uint8)
    inside = t < span
    place = (t[inside] * (bins / span)).astype(np.int64)
    frames[
        sample[inside], place, p[inside], events["y"][inside].astype(np.int64), events["x"][inside].astype(np.int64)
    ] = 255
    numbered = labelling.encode(labels, None)
    found = assemble(path.stem, torch.from_numpy(frames), numbered, None, test_fraction=test_fraction)
    return as_events(found, sequence=sequence)


def _from_beginning(t: np.ndarray, sample: np.ndarray, count: int) -> np.ndarray:
    """Times counted from the first event of each recording."""
    begin = np.full(count, np.inf)
    np.minimum.at(begin, sample, t)
    return t - begin[sample]


def expect_room(size: int, path: Path) -> None:
    """Refuse recordings whose bins would take more than `MOST_BYTES`."""
    if size > MOST_BYTES:
        raise DataError(
            f"{path}: would take {size / 2**30:.1f} GiB in bins; choose fewer bins, or fewer files (limit_files)."
        )


def as_events(recordings: Dataset, *, sequence: bool) -> Dataset:
    """Recordings `[N, T, 2, H, W]` as stimuli of the task "events", or as sequences of T positions."""
    recordings = replace(recordings, task="events")
    return as_sequences(recordings) if sequence else recordings


FORMAT = Format(
    name="events",
    summary="an .npz file of events",
    read=read,
    options=(*OPTIONS, TEST_SHARE),
    endings=(".npz",),
    belongs=is_events,
    task="events",
)
