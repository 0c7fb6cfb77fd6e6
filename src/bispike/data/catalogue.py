"""The published data sets by name, and the one call that loads a data set of any kind.

A name is looked for on disk and downloaded where it is missing (`data.published`); everything else is the path of a
user's own file or folder, which one of the formats recognises (`data.formats`).
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from ..arguments import checked
from ..errors import DataError, DownloadError, UnknownNameError
from . import formats, storage
from .dataset import Dataset
from .download import Progress
from .download import download as fetch_file
from .option import defaults
from .published import DatasetEntry, registry
from .readers.contents import exists
from .schema import Schema

PathLike = str | os.PathLike[str]


def names() -> list[str]:
    """Names of the published data sets."""
    return list(registry)


def entry(name: str) -> DatasetEntry:
    """The entry of a name, or an UnknownNameError with the nearest one."""
    if name not in registry and exists(_home(name)):
        raise DataError(
            f"{name}: expected the name of a published data set, received a path: 'bispike data check' tells."
        )
    if name not in registry:
        raise UnknownNameError("data set", name, registry)
    return registry[name]


@checked
def load(
    name_or_path: PathLike,
    *,
    root: PathLike | None = None,
    download: bool = True,
    progress: Progress | None = None,
    like: Schema | None = None,
    **options: Any,
) -> Dataset:
    """Load a data set.

    Args:
        name_or_path: a name of the registry, or the path of a user's own `.npz`, `.csv`, text or image folder.
        root: folder that is searched first (and downloaded to); then `$BISPIKE_DATA`, then the cache folder.
        download: whether files that are missing are downloaded.
        progress: called with the bytes that have arrived.
        like: schema of a training (`run.schema`), by which a user's own file is read; None: the file decides.
        **options: what the format takes, for example `size=32` for image folders, `target="species"` for
            tables, `layout="channels-last"` for arrays, `window=32` for texts and series, `test_fraction=0.2`. None
            means "not given".

    Raises:
        UnknownNameError: neither a name nor a path.
        DataError: missing, damaged or unsound data.
        DownloadError: no mirror gave a file.
    """
    given = {key: value for key, value in options.items() if value is not None}
    path = as_path(name_or_path)
    if path is not None:
        return _load_path(path, given, like)
    found = entry(str(name_or_path))
    if found.embedded:
        return found.load(Path(), **given)
    place = storage.find(found, root)
    if place is None:
        if not download or found.by_hand:
            folder_named = storage.roots(root)[0] / found.folders[0]
            raise DataError(f"data set {found.name!r} is not on this machine.", *storage.guidance(found, folder_named))
        place = _fetch(found, root, progress)
    loaded = _load_like(found, place, given, like)
    return loaded if found.options else _expect_as_published(found, loaded, place)


@checked
def options_of(name_or_path: PathLike, task: str | None = None) -> dict[str, Any]:
    """Options of a data set with their defaults (None: from the data); {} where nothing is known of it.

    Args:
        name_or_path: as for `load`; a path need not exist.
        task: what a user's own file is used for, where several formats could read it.
    """
    if name_or_path in registry:
        return defaults(registry[str(name_or_path)].options)
    path = _home(name_or_path)
    published = _published_at(path)
    if published is not None:
        return defaults(published.options)
    return {name: value for format in formats.likely(path, task) for name, value in defaults(format.options).items()}


@checked
def fetch(name: str, root: PathLike | None = None, *, progress: Progress | None = None) -> Path | None:
    """Download the files of a published data set, unless they are on disk.

    Returns:
        Their folder; None for an embedded set, which needs no files.
    """
    found = entry(name)
    return None if found.embedded else storage.find(found, root) or _fetch(found, root, progress)


@checked
def info(name: str, root: PathLike | None = None) -> dict[str, Any]:
    """Description of a published data set, with its place on disk, as plain values."""
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
    """The path, or None if it is a name of the registry."""
    text = os.fspath(name_or_path)
    if not text.strip():
        raise DataError(f"data set: expected a name or a path, received {text!r}.")
    if isinstance(name_or_path, str) and text in registry:
        return None
    path = _home(text)
    if text and exists(path):  # an empty name would be the current folder
        return path
    if not isinstance(name_or_path, str) or os.sep in text or "/" in text or path.suffix:
        raise DataError(f"{path}: no such file or folder.")
    raise UnknownNameError("data set", text, registry)


def published_entry(name_or_path: PathLike) -> DatasetEntry | None:
    """The entry of a published data set, by its name or a path of its files; None for a user's own data."""
    if str(name_or_path) in registry:
        return registry[str(name_or_path)]
    return _published_at(_home(name_or_path))


def _home(name: PathLike) -> Path:
    """A path, with the home folder in place of `~` where there is one."""
    try:
        return Path(name).expanduser()
    except RuntimeError:  # ~ of a user whom the system does not know
        return Path(name)


def _load_path(path: Path, options: dict[str, Any], like: Schema | None) -> Dataset:
    try:
        published = _published_at(path)
        if published is None:
            task = options.pop("task", None) or getattr(like, "task", None)
            return formats.find(path, task).load(path, like=like, **options)
        place = path if path.is_file() else published.locate(path)
        return _load_like(published, path if place is None else place, options, like)
    except OSError as error:  # a folder that may not be entered, a disk that fails
        raise DataError(f"{error.filename or path}: cannot be read ({error.strerror or error}).") from error


def _load_like(found: DatasetEntry, place: Path, options: dict[str, Any], like: Schema | None) -> Dataset:
    """A published data set; events are read as those of a training if its schema is given."""
    if like is not None and found.task == "events":
        return formats.registry["event-folder"].load(place, like=like, **options)
    return found.load(place, **options)


def _published_at(path: Path) -> DatasetEntry | None:
    return next((entry for entry in registry.values() if entry.recognises(path)), None)


def _fetch(found: DatasetEntry, root: PathLike | None, progress: Progress | None) -> Path:
    if found.by_hand:
        named = storage.roots(root)[0] / found.folders[0]
        raise DataError(f"data set {found.name!r} is not on this machine.", *storage.guidance(found, named))
    target = storage.destination(found, root)
    try:
        for file in found.files:
            fetch_file(file.urls, target / file.name, checksum=file.checksum, size=file.size, progress=progress)
    except DownloadError as error:
        first, *others = error.lines
        raise DownloadError(f"data set {found.name!r}: {first}", *others, *storage.guidance(found, target)) from error
    place = found.locate(target)
    if place is None:
        raise DataError(
            f"{target}: the downloaded files are not those of data set {found.name!r}; remove them, and fetch the set "
            "again."
        )
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
