"""Event streams: what event cameras send, (time, x, y, polarity) one by one, in bins of real time.

A stimulus becomes `[T, 2, H, W]`: 1 where a pixel sent at least one event of that polarity within the bin. Networks
take it with `stimulus_code="given"` and as many steps: step t of the network is bin t of the recording. Recurrent
networks take it as a sequence of T positions (`sequence=True`).

    N-MNIST   folders `Train` and `Test`, in each a folder a digit with a `.bin` file a recording; 5 bytes an event:
              x, y, then a bit of polarity and 23 bits of microseconds (Orchard et al., Frontiers in Neuroscience 2015)
    .npz      `t` (microseconds), `x`, `y`, `p` of all events one after the other, `sample` the recording that each
              belongs to (0..N−1), `labels` of the N recordings
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ...errors import ConfigurationError, DataError
from .. import labels as labelling
from ..assemble import assemble
from ..dataset import Dataset
from ..entry import DatasetEntry
from ..event_sequences import as_sequences
from .npz import load_arrays

BINS = 10
KEYS = ("t", "x", "y", "p", "sample", "labels")
OPTIONS = ("bins", "duration", "limit_files", "sequence")
NMNIST_SIDE = 34
NMNIST_DURATION = 300_000  # microseconds: three saccades of 100 ms
OVERFLOW = 240  # y of an event that marks 2^13 microseconds
MOST_BYTES = 4 * 2**30


def bin_events(
    t: np.ndarray, x: np.ndarray, y: np.ndarray, p: np.ndarray, *, bins: int, duration: float, height: int, width: int
) -> np.ndarray:
    """uint8 `[bins, 2, height, width]`, 255 where there was an event; what comes at `duration` or later is left out.

    Args:
        t: microseconds from the beginning of the recording; `x`, `y`: places; `p`: polarity, 0 or 1.
    """
    frames = np.zeros((bins, 2, height, width), dtype=np.uint8)
    kept = (t >= 0) & (t < duration)
    place = (t[kept] * (bins / duration)).astype(np.int64)
    frames[place, p[kept].astype(np.int64), y[kept], x[kept]] = 255
    return frames


def read_recording(path: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Times (microseconds), x, y and polarities of one N-MNIST file.

    Raises:
        DataError: unreadable, or not of whole events.
    """
    try:
        raw = np.frombuffer(path.read_bytes(), dtype=np.uint8)
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error}).") from error
    if len(raw) == 0 or len(raw) % 5:
        raise DataError(f"{path}: expected events of 5 bytes, received {len(raw)} bytes; the file is truncated.")
    rows = raw.reshape(-1, 5).astype(np.int64)
    x, y, p = rows[:, 0], rows[:, 1], rows[:, 2] >> 7
    t = ((rows[:, 2] & 127) << 16) | (rows[:, 3] << 8) | rows[:, 4]
    marks = y == OVERFLOW
    t = t + np.cumsum(marks) * 2**13
    return t[~marks], x[~marks], y[~marks], p[~marks]


def is_events(path: Path) -> bool:
    """Whether an .npz file holds events."""
    return path.suffix == ".npz" and set(KEYS) <= set(load_arrays(path))


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
        duration: microseconds that are looked at; the longest recording if None.
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
    _check_bins(bins, duration)
    span = float(duration) if duration is not None else float(t.max()) + 1.0
    height, width = int(events["y"].max()) + 1, int(events["x"].max()) + 1
    _expect_room(len(labels) * bins * 2 * height * width, path)
    frames = np.zeros((len(labels), bins, 2, height, width), dtype=np.uint8)
    kept = t < span
    place = (t[kept] * (bins / span)).astype(np.int64)
    frames[sample[kept], place, p[kept], events["y"][kept].astype(np.int64), events["x"][kept].astype(np.int64)] = 255
    numbered = labelling.encode(labels, None)
    found = assemble(path.stem, torch.from_numpy(frames), numbered, None, test_fraction=test_fraction)
    return _as_events(found, sequence=sequence)


def _from_beginning(t: np.ndarray, sample: np.ndarray, count: int) -> np.ndarray:
    """Times counted from the first event of each recording."""
    begin = np.full(count, np.inf)
    np.minimum.at(begin, sample, t)
    return t - begin[sample]


def _check_bins(bins: int, duration: float | None) -> None:
    problems = []
    if bins < 1:
        problems.append(f"bins: expected at least 1, received {bins}.")
    if duration is not None and not duration > 0:
        problems.append(f"duration: expected a positive number of microseconds, received {duration}.")
    if problems:
        raise ConfigurationError(problems)


def _expect_room(size: int, path: Path) -> None:
    if size > MOST_BYTES:
        raise DataError(
            f"{path}: would take {size / 2**30:.1f} GiB in bins; choose fewer bins, or fewer files (limit_files)."
        )


def _as_events(found: Dataset, *, sequence: bool) -> Dataset:
    found = replace(found, task="events")
    return as_sequences(found) if sequence else found


def _read_nmnist(
    folder: Path,
    *,
    bins: int = BINS,
    duration: float | None = NMNIST_DURATION,
    limit_files: int | None = None,
    sequence: bool = False,
) -> Dataset:
    """N-MNIST from its folder; `limit_files` takes the first recordings of each digit only."""
    _check_bins(bins, duration)
    parts = [_read_part(folder / name, bins, float(duration or NMNIST_DURATION), limit_files) for name in PARTS]
    (train, train_labels), (test, test_labels) = parts
    names = tuple(str(digit) for digit in range(10))
    found = assemble("n-mnist", train, labelling.Labels(train_labels, test_labels, names), test)
    return _as_events(found, sequence=sequence)


def _read_part(folder: Path, bins: int, duration: float, limit: int | None) -> tuple[Tensor, Tensor]:
    files = [(digit, path) for digit in range(10) for path in sorted((folder / str(digit)).glob("*.bin"))[:limit]]
    _expect_room(len(files) * bins * 2 * NMNIST_SIDE**2, folder)
    frames = np.empty((len(files), bins, 2, NMNIST_SIDE, NMNIST_SIDE), dtype=np.uint8)
    for i, (_, path) in enumerate(files):
        t, x, y, p = read_recording(path)
        if max(x.max(), y.max()) >= NMNIST_SIDE:
            raise DataError(f"{path}: expected places below {NMNIST_SIDE}, received {max(x.max(), y.max())}.")
        frames[i] = bin_events(t, x, y, p, bins=bins, duration=duration, height=NMNIST_SIDE, width=NMNIST_SIDE)
    return torch.from_numpy(frames), torch.tensor([digit for digit, _ in files])


PARTS = ("Train", "Test")


def locate(folder: Path) -> Path | None:
    """The folder, if each part has recordings of each digit."""
    found = all(any((folder / part / str(digit)).glob("*.bin")) for part in PARTS for digit in range(10))
    return folder if found else None


ENTRIES = (
    DatasetEntry(
        name="n-mnist",
        summary="events: MNIST seen by a moving event camera",
        shape=(BINS, 2, NMNIST_SIDE, NMNIST_SIDE),
        classes=10,
        sizes=(60000, 10000),
        source="G. Orchard et al., Converting static image datasets to spiking neuromorphic datasets, 2015",
        licence="CC BY-SA 4.0",
        read=_read_nmnist,
        locate=locate,
        folders=("n_mnist", "N-MNIST", "n-mnist"),
        task="events",
        by_hand="https://www.garrickorchard.com/datasets/n-mnist (Train.zip and Test.zip, unpacked)",
    ),
)
