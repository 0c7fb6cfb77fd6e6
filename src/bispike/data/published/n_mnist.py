"""N-MNIST: MNIST recorded by a moving event camera (Orchard et al., Frontiers in Neuroscience 2015).

Folders `Train` and `Test` with one folder per digit and one `.bin` file per recording, or the archives `Train.zip` and
`Test.zip` as they are published, also in one archive. An event takes 5 bytes (see `readers.event_files`).
"""

from __future__ import annotations

import zipfile
from pathlib import Path

from ...errors import DataError
from ..dataset import Dataset
from ..formats import event_folder
from ..formats.event_folder import DURATION, LIMIT_FILES
from ..formats.events import BINS, OPTIONS, EventOptions
from ..option import MEMORY_LIMIT, Option, positive
from ..readers.contents import open_file
from ..readers.event_files import BIN_SIDE
from ..readers.event_files import OVERFLOW as OVERFLOW
from ..readers.numpy_files import DAMAGE
from .entry import DatasetEntry

PARTS = ("Train", "Test")
DIGITS = frozenset(map(str, range(10)))


def read(
    folder: Path,
    *,
    bins: int = BINS,
    duration: float = DURATION,
    limit_files: int | None = None,
    sequence: bool = False,
    memory_limit: float | None = None,
) -> Dataset:
    """N-MNIST from its folder or archive; `limit_files` reads only the first recordings of each digit."""
    return event_folder.read_tree(
        folder,
        EventOptions(bins, duration, sequence=sequence),
        name="n-mnist",
        limit_files=limit_files,
        memory_limit=memory_limit,
    )


def locate(folder: Path) -> Path | None:
    """The folder, or the folder or archive in it, whose parts have recordings of each digit."""
    try:
        inner = sorted(place for place in folder.iterdir() if not place.name.startswith((".", "__")))
    except OSError:
        return None
    if _has_parts(inner):
        return folder
    folders = [place for place in inner if place.is_dir()]
    if len(folders) == 1 and _has_parts(sorted(folders[0].iterdir())):
        return folders[0]
    archives = [place for place in inner if place.suffix.lower() == ".zip"]
    if len(archives) == 1 and not folders and _holds_both(_names(archives[0])):
        return archives[0]
    return None


def _has_parts(places: list[Path]) -> bool:
    """Whether both parts are among some places, as folders or archives."""
    return all(any(_is_part(place, name.lower()) for place in places) for name in PARTS)


def _is_part(place: Path, name: str) -> bool:
    if place.name.lower() == name and place.is_dir():
        return all(any((place / digit).glob("*.[bB][iI][nN]")) for digit in DIGITS)
    return place.name.lower() == f"{name}.zip" and _digits(_names(place)) >= DIGITS


def _names(archive: Path) -> list[str]:
    """Names of the files in an archive; none if it cannot be read."""
    try:
        with open_file(archive) as stream, zipfile.ZipFile(stream) as opened:
            return opened.namelist()
    except (*DAMAGE, DataError):
        return []


def _digits(names: list[str]) -> set[str]:
    """Folders of the recordings among names of files."""
    return {Path(name).parent.name for name in names if name.lower().endswith(".bin") and "__MACOSX" not in name}


def _holds_both(names: list[str]) -> bool:
    return {"train.zip", "test.zip"} <= {Path(name).name.lower() for name in names} or all(
        _digits([name for name in names if part.lower() in name.lower().split("/")]) >= DIGITS for part in PARTS
    )


ENTRIES = (
    DatasetEntry(
        name="n-mnist",
        summary="events: MNIST recorded by a moving event camera",
        shape=(BINS, 2, BIN_SIDE, BIN_SIDE),
        classes=10,
        sizes=(60000, 10000),
        source="G. Orchard et al., Converting static image datasets to spiking neuromorphic datasets, 2015",
        licence="CC BY-SA 4.0",
        read=read,
        locate=locate,
        folders=("n_mnist", "N-MNIST", "n-mnist"),
        task="events",
        options=(
            *(option for option in OPTIONS if option.name in ("bins", "sequence")),
            Option("duration", "microseconds that are used", default=DURATION, check=positive("microseconds")),
            LIMIT_FILES,
            MEMORY_LIMIT,
        ),
        by_hand="https://www.garrickorchard.com/datasets/n-mnist (Train.zip and Test.zip, as they are or unpacked)",
    ),
)
