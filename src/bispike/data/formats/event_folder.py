"""Folders and zip archives of recordings: one folder per class, in `train/`, `val/` and `test/` if such folders exist.

    gestures/wave/1.npy                 structured arrays as tonic writes them, or .npz with t, x, y and p
    N-MNIST/Train/0/00002.bin           N-MNIST, also as Train.zip and Test.zip, or in one zip

Each file is one recording (an .npz may hold several). Recordings of N-MNIST have times, a sensor and a duration that
are known.
"""

from __future__ import annotations

import os
import zipfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ...errors import DataError
from .. import labels as labelling
from ..assemble import assemble
from ..dataset import Dataset, Split
from ..memory_limit import Room
from ..option import MEMORY_LIMIT, TEST_SHARE, Option, whole_number
from ..readers.contents import open_file
from ..readers.event_files import BIN_SIDE, ENDINGS, FOREIGN, foreign, holds_events, of_bin
from ..readers.event_trees import Entry, EventTree, RecordingFiles
from ..readers.image_files import ENDINGS as IMAGES
from ..readers.numpy_files import DAMAGE, array_names
from ..readers.part_names import role_of
from ..schema import Inputs, Schema
from ..schema.event_frames import Tally
from ..schema.events_schema import EventsSchema, Reading
from .events import BINS, OPTIONS, EventOptions, as_events, expect_inputs_room, expect_room, read_events
from .format import Format

DURATION = 300_000.0
"""Microseconds of a recording of N-MNIST: three saccades of 100 ms."""
LOOKED_AT = 500
"""Files of a folder that are looked at to recognise its format."""
LIMIT_FILES = Option("limit_files", "recordings of each class to read; all if not given", check=whole_number(1))


def is_tree(path: Path) -> bool:
    """Whether a path is a folder or an archive with folders of recordings, or one recording."""
    if path.is_dir():
        return _holds_recordings(path)
    if path.suffix.lower() == ".zip":
        return _holds_files(path) or _holds_parts(path)
    return path.suffix.lower() in FOREIGN and _has_mark(path)


def _holds_recordings(folder: Path) -> bool:
    """Whether a folder has folders of recordings, or archives of them, and no images, as far as it is looked at."""
    looked_at, found = 0, False
    for place, names, files in os.walk(folder):
        names[:] = sorted(name for name in names if not name.startswith((".", "__")))
        for name in sorted(files):
            ending = Path(name).suffix.lower()
            looked_at += 1
            if ending in IMAGES or looked_at > LOOKED_AT:
                return found and ending not in IMAGES
            if found:
                continue
            path = Path(place) / name
            if ending == ".zip":
                found = role_of(Path(name).stem) is not None and _holds_files(path)
            elif Path(place) != folder and ending in (*ENDINGS, *FOREIGN):
                found = ending != ".npz" or holds_events(array_names(path))
    return found


def _holds_files(archive: Path) -> bool:
    return any(name.lower().endswith((*ENDINGS, *FOREIGN)) for name in _names(archive))


def _names(path: Path) -> list[str]:
    """Names of the files in an archive; none if it cannot be read."""
    try:
        with open_file(path) as stream, zipfile.ZipFile(stream) as archive:
            return archive.namelist()
    except (*DAMAGE, DataError):
        return []


def _holds_parts(path: Path) -> bool:
    return any(Path(name).name.lower() in ("train.zip", "test.zip") for name in _names(path))


def _has_mark(path: Path) -> bool:
    try:
        with open_file(path) as stream:
            return stream.read(4)[:1] in (b"%", b"#")
    except (OSError, DataError):
        return False


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
    limit_files: int | None = None,
    test_fraction: float = 0.2,
    memory_limit: float | None = None,
) -> Dataset:
    """Recordings in a folder or an archive with one folder per class.

    Args:
        path: folder or `.zip`.
        like: schema of a training, by which the recordings are read.
        limit_files: recordings of each class and part to read; all if None.
        test_fraction: share that becomes the test part where there is no folder for it.
        memory_limit: GiB that reading may take (see `data.memory_limit`).
        bins, duration, time_unit, sensor, columns, sequence: as for an .npz file of events (`formats.events.read`).

    Raises:
        DataError: no recordings, a class without any, files that are damaged, or more than the limit.
    """
    if path.is_file() and path.suffix.lower() in FOREIGN:
        raise foreign(path, path.name)
    if columns is None and isinstance(like, EventsSchema):
        columns = like.columns
    return read_tree(
        path,
        EventOptions(bins, duration, time_unit, sensor, columns, sequence),
        name=path.resolve().stem,
        like=like,
        limit_files=limit_files,
        test_fraction=test_fraction,
        memory_limit=memory_limit,
    )


def read_tree(
    path: Path,
    chosen: EventOptions,
    *,
    name: str,
    like: Schema | None = None,
    limit_files: int | None = None,
    test_fraction: float = 0.2,
    memory_limit: float | None = None,
) -> Dataset:
    """The data set `name` of recordings in a folder or an archive; arguments as for `read`."""
    room = Room.of(path, memory_limit)
    with EventTree(path, room) as tree:
        files, notes = tree.parts()
        parts = {role: _limited(part, limit_files) for role, part in files.items()}
        trained = {label for label, _ in parts["train"]}
        classes = sorted(trained) if like is None else list(like.classes)
        if len(trained) < 2 and like is None:
            raise DataError(f"{path}: expected at least 2 class folders, found only {classes[0]!r}.")
        found: dict[str, Split] = {}
        tallies = []
        schema = like
        for role, part in parts.items():
            source = RecordingFiles(path, part, room, chosen.columns)
            schema, frames, tally, said = _read_part(source, chosen, room, schema, path)
            found[role] = Split(torch.from_numpy(frames), _labels(source, classes, len(frames), path))
            tallies.append(tally)
            notes += [note for note in said if note not in notes]
    known = replace(_events_schema(schema, path), classes=tuple(classes))
    test = found.get("test")
    assembled = assemble(
        name,
        found["train"].stimuli,
        labelling.Labels(found["train"].labels, None if test is None else test.labels, tuple(classes)),
        None if test is None else test.stimuli,
        validation=found.get("validation"),
        test_fraction=test_fraction,
        notes=notes,
        schema=known,
    )
    return as_events(assembled, known, tallies[0])


def _events_schema(schema: Schema | None, place: object) -> EventsSchema:
    if isinstance(schema, EventsSchema):
        return schema
    raise DataError(f"{place}: no recordings of events.") if schema is None else schema.refusal(place, "events")


def _limited(part: Sequence[tuple[str, Entry]], limit: int | None) -> list[tuple[str, Entry]]:
    """The first files of each class."""
    taken: dict[str, int] = {}
    chosen = []
    for label, entry in part:
        taken[label] = taken.get(label, 0) + 1
        if limit is None or taken[label] <= limit:
            chosen.append((label, entry))
    return chosen


def _read_part(
    source: RecordingFiles, chosen: EventOptions, room: Room, like: Schema | None, place: Path
) -> tuple[EventsSchema, np.ndarray, Tally, list[str]]:
    n_mnist = all(entry.name.lower().endswith(".bin") for _, entry in source.files) and chosen.sensor is None
    if like is None and not n_mnist:
        return read_events(source, chosen, room, like=None, place=place)
    if like is not None and not (n_mnist and like == _n_mnist(chosen, classes=like.classes)):
        return read_events(source, chosen, room, like=like, place=place)
    schema = _n_mnist(chosen) if like is None else _events_schema(like, place)
    expect_room(room, len(source.files), schema)
    frames, tally = schema.frames(source, None, Reading(1.0, 1), len(source.files))
    if tally.outside:
        raise DataError(
            f"{place}: expected places below {BIN_SIDE}, the sensor of N-MNIST; {tally.outside:,} of {tally.events:,} "
            "events lie outside. N-Caltech101 has the same form on a larger sensor: sensor=180x240 (--set "
            "sensor=180x240)."
        )
    return schema, frames, tally, tally.notes(schema.end)


def _n_mnist(chosen: EventOptions, classes: tuple[str, ...] = ()) -> EventsSchema:
    """How N-MNIST is read."""
    duration = DURATION if chosen.duration is None else float(chosen.duration)
    return EventsSchema(
        (BIN_SIDE, BIN_SIDE),
        "us",
        chosen.bins,
        duration,
        from_first=False,
        sequence=chosen.sequence,
        span=DURATION,
        classes=classes,
    )


def _labels(source: RecordingFiles, classes: Sequence[str], recordings: int, place: object) -> Tensor:
    """int64 class of each recording."""
    if recordings == len(source.files):
        names = [label or "" for label, _ in source.files]
    else:
        names = [
            label or "" for (label, _), events in zip(source.files, source, strict=True) for _ in range(events.count)
        ]
    return labelling.encode_known(np.array(names, dtype=object), classes, f"{place}: class folders")


def read_inputs(path: Path, schema: Schema, *, memory_limit: float | None = None) -> Inputs:
    """The recordings in one file, a folder or an archive; judged where their folders are named as the classes."""
    room = Room.of(path, memory_limit)
    if path.suffix.lower() in FOREIGN and path.is_file():
        raise foreign(path, path.name)
    if not isinstance(schema, EventsSchema):
        raise schema.refusal(path, "recordings of events")
    if path.is_file() and path.suffix.lower() == ".bin":
        expect_inputs_room(room, 1, schema)
        with open_file(path) as stream:
            size = os.fstat(stream.fileno()).st_size
            room.expect(16 * size, f"{path.name}, a file of {size} bytes,")
            return schema.of_events(of_bin(stream.read(), path, path.name), path)
    with EventTree(path, room) as tree:
        tree.expect_readable()
        files = [(_class_of(entry, schema.classes), entry) for entry in tree.entries]
        known = all(label is not None for label, _ in files)
        expect_inputs_room(room, len(files), schema)
        source = RecordingFiles(path, files if known else [(None, entry) for _, entry in files], room, schema.columns)
        found = schema.of_events(source, path)
        return replace(found, notes=(*tree.left_out(), *found.notes))


def _class_of(entry: Entry, classes: Sequence[str]) -> str | None:
    """The class that the nearest folder of a file names."""
    return next((name for name in reversed(entry.folders) if name in classes), None)


FORMAT = Format(
    name="event-folder",
    summary="a folder or an archive with one folder of recordings of events per class",
    read=read,
    options=(*OPTIONS, LIMIT_FILES, TEST_SHARE, MEMORY_LIMIT),
    belongs=is_tree,
    task="events",
    inputs=read_inputs,
    input_endings=(".zip", ".bin", *FOREIGN),
    input_folders=True,
)
