"""N-MNIST: MNIST recorded by a moving event camera (Orchard et al., Frontiers in Neuroscience 2015).

Folders `Train` and `Test` with one folder per digit and one `.bin` file per recording; an event takes 5 bytes: x, y,
then a bit of polarity and 23 bits of microseconds.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ...errors import DataError
from .. import labels as labelling
from ..assemble import assemble
from ..dataset import Dataset
from ..formats.events import BINS, OPTIONS, as_events, bin_events, expect_room
from ..memory_limit import Room
from ..option import MEMORY_LIMIT, Option, positive, whole_number
from ..readers.contents import read_file
from .entry import DatasetEntry

PARTS = ("Train", "Test")
SIDE = 34
DURATION = 300_000  # microseconds: three saccades of 100 ms
OVERFLOW = 240  # y of an event that marks 2^13 microseconds


def read_recording(path: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Times (microseconds), x, y and polarities of one N-MNIST file.

    Raises:
        DataError: unreadable, or not of whole events.
    """
    raw = np.frombuffer(read_file(path, Room.of(path)), dtype=np.uint8)
    if len(raw) == 0 or len(raw) % 5:
        raise DataError(f"{path}: expected events of 5 bytes, received {len(raw)} bytes; the file is truncated.")
    rows = raw.reshape(-1, 5).astype(np.int64)
    x, y, p = rows[:, 0], rows[:, 1], rows[:, 2] >> 7
    t = ((rows[:, 2] & 127) << 16) | (rows[:, 3] << 8) | rows[:, 4]
    marks = y == OVERFLOW
    t = t + np.cumsum(marks) * 2**13
    return t[~marks], x[~marks], y[~marks], p[~marks]


def read(
    folder: Path,
    *,
    bins: int = BINS,
    duration: float = DURATION,
    limit_files: int | None = None,
    sequence: bool = False,
    memory_limit: float | None = None,
) -> Dataset:
    """N-MNIST from its folder; `limit_files` reads only the first recordings of each digit."""
    parts = [_read_part(folder / name, bins, float(duration), limit_files, memory_limit) for name in PARTS]
    (train, train_labels), (test, test_labels) = parts
    names = tuple(str(digit) for digit in range(10))
    found = assemble("n-mnist", train, labelling.Labels(train_labels, test_labels, names), test)
    return as_events(found, sequence=sequence)


def _read_part(
    folder: Path, bins: int, duration: float, limit: int | None, memory_limit: float | None
) -> tuple[Tensor, Tensor]:
    files = [(digit, path) for digit in range(10) for path in sorted((folder / str(digit)).glob("*.bin"))[:limit]]
    room = Room.for_files(folder, (path for _, path in files), memory_limit)
    expect_room(room, len(files), bins, SIDE, SIDE)
    frames = np.empty((len(files), bins, 2, SIDE, SIDE), dtype=np.uint8)
    for i, (_, path) in enumerate(files):
        t, x, y, p = read_recording(path)
        farthest = max(x.max(initial=0), y.max(initial=0))
        if farthest >= SIDE:
            raise DataError(f"{path}: expected places below {SIDE}, received {farthest}.")
        frames[i] = bin_events(t, x, y, p, bins=bins, duration=duration, height=SIDE, width=SIDE)
    return torch.from_numpy(frames), torch.tensor([digit for digit, _ in files])


def locate(folder: Path) -> Path | None:
    """The folder, if each part has recordings of each digit."""
    found = all(any((folder / part / str(digit)).glob("*.bin")) for part in PARTS for digit in range(10))
    return folder if found else None


ENTRIES = (
    DatasetEntry(
        name="n-mnist",
        summary="events: MNIST recorded by a moving event camera",
        shape=(BINS, 2, SIDE, SIDE),
        classes=10,
        sizes=(60000, 10000),
        source="G. Orchard et al., Converting static image datasets to spiking neuromorphic datasets, 2015",
        licence="CC BY-SA 4.0",
        read=read,
        locate=locate,
        folders=("n_mnist", "N-MNIST", "n-mnist"),
        task="events",
        options=(
            *(option for option in OPTIONS if option.name != "duration"),
            Option("duration", "microseconds that are used", default=DURATION, check=positive("microseconds")),
            Option("limit_files", "recordings of each digit to read; all if not given", check=whole_number(1)),
            MEMORY_LIMIT,
        ),
        by_hand="https://www.garrickorchard.com/datasets/n-mnist (Train.zip and Test.zip, unpacked)",
    ),
)
