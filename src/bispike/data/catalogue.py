"""The published data sets by name, and the one call that loads a data set of any kind.

A name of the registry is looked for on disk and downloaded where it is missing; everything else is the path
of a user's own file or folder, whose content tells the format.
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from ..errors import ConfigurationError, DataError, DownloadError, UnknownNameError, unknown_name
from . import storage
from .dataset import Dataset
from .download import Progress
from .download import download as fetch_file
from .entry import DatasetEntry
from .formats import (
    cifar,
    digits,
    events,
    idx,
    npz,
    series,
    series_sets,
    svhn,
    table,
    text,
    tiny_imagenet,
)
from .formats import (
    image_folder as folder,
)

registry: dict[str, DatasetEntry] = {
    entry.name: entry
    for module in (digits, idx, cifar, svhn, tiny_imagenet, text, series_sets, events)
    for entry in module.ENTRIES
}
"""The published data sets, by the names users type."""

PathLike = str | os.PathLike[str]


def names() -> list[str]:
    """Names of the published data sets."""
    return list(registry)


def entry(name: str) -> DatasetEntry:
    """The entry of a name, or an UnknownNameError with the nearest one."""
    if name not in registry:
        raise UnknownNameError("data set", name, registry)
    return registry[name]


def load(
    name_or_path: PathLike,
    *,
    root: PathLike | None = None,
    download: bool = True,
    progress: Progress | None = None,
    **options: Any,
) -> Dataset:
    """Load a data set.

    Args:
        name_or_path: a name of the registry, or the path of a user's own `.npz`, `.csv`, text or image folder.
        root: folder that is searched first (and downloaded to); then `$BISPIKE_DATA`, then the cache folder.
        download: whether files that are missing are downloaded.
        progress: told of downloaded bytes.
        **options: what the format takes, for example `size=32` for image folders, `target="species"` for
            tables, `layout="channels-last"` for arrays, `window=32` for texts and series, `test_fraction=0.2`. None
            stands for "not given".

    Raises:
        UnknownNameError: neither a name nor a path.
        DataError: missing, damaged or unsound data.
        DownloadError: no mirror gave a file.
    """
    given = {key: value for key, value in options.items() if value is not None}
    path = as_path(name_or_path)
    if path is not None:
        return _call(_reader(path, given.get("task")), path, given)
    found = entry(str(name_or_path))
    given = _options_of(found, given)
    if found.embedded:
        return found.read(Path(), **given)
    place = storage.find(found, root)
    if place is None:
        if not download or found.by_hand:
            folder_named = storage.roots(root)[0] / found.folders[0]
            raise DataError(f"data set {found.name!r} is not here. {storage.guidance(found, folder_named)}")
        place = _fetch(found, root, progress)
    if found.task != "classification":
        return found.read(place, **given)
    return _expect_as_published(found, found.read(place), place)


def sequence_options(name_or_path: PathLike, task: object = None) -> dict[str, Any]:
    """Options of a text or a series with their defaults, None where that depends on others; {} for other data."""
    text_, found = os.fspath(name_or_path), registry.get(str(name_or_path))
    kind = found.task if found is not None else task
    if found is None and kind is None:
        lowered = text_.lower()
        ends = {"text": (".txt", ".txt.gz", ".md"), "series": (".h5", ".hdf5"), "events": (".npz",)}
        kind = next((task for task, those in ends.items() if lowered.endswith(those)), None)
    readers: dict[str, Callable[..., Dataset]] = {"text": text.read, "series": series.read}
    readers["events"] = found.read if found is not None else events.read
    reader = readers.get(str(kind))
    if reader is None:
        return {}
    known = inspect.signature(reader).parameters.values()
    return {p.name: p.default for p in known if p.kind is inspect.Parameter.KEYWORD_ONLY and p.name != "task"}


def _options_of(found: DatasetEntry, given: dict[str, Any]) -> dict[str, Any]:
    """What is given, if the named set takes it."""
    accepted = {"text": text.OPTIONS, "series": series_sets.OPTIONS, "events": events.OPTIONS}.get(found.task, ())
    task = given.get("task", found.task)
    if task != found.task:
        raise ConfigurationError(f"data set {found.name!r} is for the task {found.task!r}, received {task!r}.")
    rest = {key: value for key, value in given.items() if key != "task"}
    if rest and not accepted:
        raise ConfigurationError(f"data set {found.name!r} takes no options, received {', '.join(sorted(rest))}.")
    problems = [unknown_name(f"option for {found.name}", key, accepted) for key in rest if key not in accepted]
    if problems:
        raise ConfigurationError(problems)
    return rest


def fetch(name: str, root: PathLike | None = None, *, progress: Progress | None = None) -> Path | None:
    """Bring the files of a published data set, unless they are there.

    Returns:
        Where they lie; None for an embedded set, which needs none.
    """
    found = entry(name)
    return None if found.embedded else storage.find(found, root) or _fetch(found, root, progress)


def info(name: str, root: PathLike | None = None) -> dict[str, Any]:
    """What is known of a published data set, and where it lies."""
    found = entry(name)
    place = None if found.embedded else storage.find(found, root)
    return {
        "name": found.name,
        "summary": found.summary,
        "shape": list(found.shape),
        "classes": found.classes,
        "task": found.task,
        "by_hand": found.by_hand or None,
        "train": found.sizes[0],
        "test": found.sizes[1],
        "source": found.source,
        "licence": found.licence,
        "present": found.embedded or place is not None,
        "path": None if place is None else str(place),
        "searched": [] if found.embedded else [str(place / found.folders[0]) for place in storage.roots(root)],
        "download_bytes": sum(file.size for file in found.files),
        "files": [
            {"name": file.name, "urls": list(file.urls), "checksum": file.checksum, "bytes": file.size}
            for file in found.files
        ],
    }


def as_path(name_or_path: PathLike) -> Path | None:
    """The path that is meant, or None where it is a name of the registry."""
    text = os.fspath(name_or_path)
    if isinstance(name_or_path, str) and text in registry:
        return None
    path = Path(text).expanduser()
    if path.exists():
        return path
    if not isinstance(name_or_path, str) or os.sep in text or "/" in text or path.suffix:
        raise DataError(f"{path}: no such file or folder.")
    raise UnknownNameError("data set", text, registry)


def _reader(path: Path, task: object = None) -> Callable[..., Dataset]:
    if path.is_dir():
        return _folder_reader(path)
    name = path.name.lower()
    archives = {file.name: found for found in registry.values() for file in found.files if len(found.files) == 1}
    if path.name in archives and archives[path.name].task == "classification":
        return partial(_whole, archives[path.name])
    if name.endswith(".npz"):
        return events.read if events.is_events(path) else npz.read
    if task == "series" or name.endswith((".h5", ".hdf5")):
        return series.read
    if task == "text" or name.endswith((".txt", ".txt.gz", ".md")):
        return text.read
    if name.endswith((".csv", ".csv.gz", ".tsv")):
        return table.read
    raise DataError(
        f"{path}: expected an .npz, .csv, .h5 or .txt file, or a folder with a folder of images for each class."
    )


def _folder_reader(path: Path) -> Callable[..., Dataset]:
    published = [found for found in registry.values() if not found.embedded and found.locate(path) is not None]
    for found in published:
        if path.resolve().name in found.folders or found.locate is not idx.locate:
            return partial(_whole, found)
    return idx.read if published else folder.read


def _whole(found: DatasetEntry, path: Path) -> Dataset:
    place = path if path.is_file() else found.locate(path)
    return found.read(path if place is None else place)


def _call(reader: Callable[..., Dataset], path: Path, options: dict[str, Any]) -> Dataset:
    accepted = [
        name
        for name, parameter in inspect.signature(reader).parameters.items()
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY
    ]
    problems = [unknown_name(f"option for {path.name}", key, accepted) for key in options if key not in accepted]
    if problems:
        raise ConfigurationError(problems)
    return reader(path, **options)


def _fetch(found: DatasetEntry, root: PathLike | None, progress: Progress | None) -> Path:
    if found.by_hand:
        named = storage.roots(root)[0] / found.folders[0]
        raise DataError(f"data set {found.name!r} is not here. {storage.guidance(found, named)}")
    target = storage.destination(found, root)
    try:
        for file in found.files:
            fetch_file(file.urls, target / file.name, checksum=file.checksum, progress=progress)
    except DownloadError as error:
        raise DownloadError(f"data set {found.name!r}: {error}\n{storage.guidance(found, target)}") from error
    place = found.locate(target)
    if place is None:
        raise DataError(f"{target}: the downloaded files are not what data set {found.name!r} is read from.")
    return place


def _expect_as_published(found: DatasetEntry, data: Dataset, place: Path) -> Dataset:
    received = (data.stimulus.shape, data.concept.classes, (len(data.train), len(data.test)))
    expected = (found.shape, found.classes, found.sizes)
    if received != expected:
        raise DataError(
            f"{place}: not the published {found.name!r}: expected stimuli {list(found.shape)}, "
            f"{found.classes} classes, {found.sizes[0]} for training and {found.sizes[1]} for test; received "
            f"{list(received[0])}, {received[1]} classes, {received[2][0]} and {received[2][1]}. "
            "Give its path to use it as your own data."
        )
    return data
