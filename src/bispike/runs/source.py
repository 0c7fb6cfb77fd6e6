"""The data set of a run: opened as its settings say if the run is the user's own, or if the user asks for it.

The settings of somebody else's run could name any path of this machine, or cause a download. So of such a run only a
published data set is read, and only where this user keeps data sets.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from .. import data
from ..config.train_config import read_config
from ..data import Dataset
from ..data.option import MEMORY_LIMIT
from ..data.readers.contents import exists
from ..data.schema import Schema
from ..errors import DataError
from .origin import origin_of

Note = Callable[[str], None]


def silent(sentence: str) -> None:
    """Tell nobody."""


class ForeignDataError(DataError):
    """The settings of somebody else's run name data that are opened or downloaded only if the user asks for it."""


def open_data(
    folder: str | Path | None,
    settings: Mapping[str, Any],
    *,
    dataset: str | None = None,
    data_root: str | Path | None = None,
    download: bool = True,
    trust: bool = False,
    note: Note = silent,
    like: Schema | None = None,
) -> Dataset:
    """The data set that the settings of a run name.

    Args:
        folder: of the run; None if it has none.
        settings: of the run, by name.
        dataset: name or path of another data set, which the user gives; None takes the run's own.
        data_root: folder of data sets; None takes the one of the run, and then the usual places.
        download: whether a published data set that is missing is downloaded.
        trust: whether to open and download what the settings of somebody else's run name.
        note: receives a sentence about the data of somebody else's run.
        like: schema of the run, by which a user's own file is read.

    Raises:
        ForeignDataError: the run is somebody else's, and its settings name a path or a download.
        DataError: the data set cannot be read.
        UserError: there is no such data set.
    """
    name = str(settings["dataset"])
    options = dict(settings.get("data_options") or {})
    if dataset is not None and Path(dataset).suffix != Path(name).suffix:
        options = {}  # of another format
    origin = origin_of(folder, settings)
    if trust or origin.is_own:
        if dataset is None:
            _expect_here(folder, name)
        root = data_root or settings.get("data_root")
        return data.load(dataset or name, root=root, download=download, like=like, **options)
    options.pop(MEMORY_LIMIT.name, None)  # only the user lifts a limit
    if dataset is not None:
        return data.load(dataset, root=data_root, download=download, like=like, **options)
    place = _expect_present(folder, name, data_root, origin.reason)
    if place is not None:
        note(
            f"{folder}: is not known to be a run of yours ({origin.reason}); its data set {name!r} is read from "
            f"{place}."
        )
    return data.load(name, root=data_root, download=False, **options)


def _expect_here(folder: object, name: str) -> None:
    """Raise a DataError if the settings name a path of the user's own data at which there is nothing."""
    place = Path(name).expanduser()
    if name in data.registry or exists(place):
        return
    relative = "" if place.is_absolute() else f" in {Path.cwd()} (the path is relative to where the training began)"
    raise DataError(
        f"{folder}: expected the data of the run at {name}, found nothing there{relative}. Where they are elsewhere, "
        "point to them with --dataset PATH (dataset=...)."
    )


def expect_trusted(folder: str | Path, *, trust: bool) -> None:
    """Refuse to resume somebody else's run where that would open or download what its settings name.

    Raises:
        ForeignDataError: it would.
        CheckpointError: it is not the folder of a run.
    """
    settings = read_config(folder).to_dict()
    origin = origin_of(folder, settings)
    if trust or origin.is_own:
        return
    _expect_present(folder, str(settings["dataset"]), None, origin.reason)
    if settings["data_root"] is not None:
        raise _refusal(folder, f"{settings['data_root']} as the folder of data sets", origin.reason)


def _expect_present(folder: object, name: str, data_root: str | Path | None, reason: str) -> str | None:
    """The place of a published data set on this machine; None if it needs none."""
    if name not in data.registry:
        raise _refusal(folder, f"{name} as its data set", reason)
    found = data.info(name, data_root)
    if not found["present"]:
        raise _refusal(
            folder,
            f"the published data set {name!r}, which is not on this machine ('bispike data fetch {name}')",
            reason,
        )
    return found["path"]


def _refusal(folder: object, named: str, reason: str) -> ForeignDataError:
    return ForeignDataError(
        f"{folder}: is not known to be a run of yours ({reason}). Its settings name {named}; nothing was opened. If "
        "you trust whoever made the run, add --trust (trust=True); or give data of your own where the command takes "
        "--dataset PATH."
    )
