"""CIFAR-10 and CIFAR-100 in their *binary* version: fixed-length records, never the pickles.

    CIFAR-10:  label          | 1024 red | 1024 green | 1024 blue      (bytes, row by row)
    CIFAR-100: coarse | fine  | 1024 red | 1024 green | 1024 blue

Read from the extracted folder, or straight from the official tar.gz. Source: A. Krizhevsky, "Learning
multiple layers of features from tiny images", 2009, https://www.cs.toronto.edu/~kriz/cifar.html.
"""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath

import numpy as np

from ...errors import DataError
from ..assemble import from_arrays
from ..dataset import Dataset
from ..memory_limit import Room
from ..readers.contents import read_file, read_unpacked
from .entry import DatasetEntry, RemoteFile

PIXELS = 3 * 32 * 32


@dataclass(frozen=True)
class Version:
    """One of the two sets: its files, the bytes of its labels (the last one is used), its classes."""

    name: str
    folder: str
    archive: str
    train: tuple[str, ...]
    test: str
    label_bytes: int
    class_file: str
    classes: int

    @property
    def files(self) -> tuple[str, ...]:
        """Files that are required."""
        return (*self.train, self.test)


CIFAR10 = Version(
    name="cifar10",
    folder="cifar-10-batches-bin",
    archive="cifar-10-binary.tar.gz",
    train=tuple(f"data_batch_{i}.bin" for i in range(1, 6)),
    test="test_batch.bin",
    label_bytes=1,
    class_file="batches.meta.txt",
    classes=10,
)
CIFAR100 = Version(
    name="cifar100",
    folder="cifar-100-binary",
    archive="cifar-100-binary.tar.gz",
    train=("train.bin",),
    test="test.bin",
    label_bytes=2,
    class_file="fine_label_names.txt",
    classes=100,
)


def locate(folder: Path, *, version: Version) -> Path | None:
    """The folder of the extracted files, or the archive."""
    for place in (folder / version.folder, folder):
        if all((place / name).is_file() for name in version.files):
            return place
    archive = folder / version.archive
    return archive if archive.is_file() else None


def read(path: Path, *, version: Version) -> Dataset:
    """A CIFAR set from its folder or its archive."""
    place = path if path.is_file() else locate(path, version=version)
    if place is None:
        raise DataError(f"{path}: neither {version.archive} nor {', '.join(version.files)}.")
    content = _from_archive(place, version) if place.is_file() else _from_folder(place, version)
    parts = [_records(content, names, version) for names in (version.train, (version.test,))]
    (train_x, train_y), (test_x, test_y) = parts
    names = content.get(version.class_file, b"").decode("utf-8", "replace").split()
    return from_arrays(
        train_x,
        train_y,
        test_x,
        test_y,
        name=version.name,
        class_names=names if len(names) == version.classes else [str(i) for i in range(version.classes)],
        layout="channels-first",
    )


def _records(content: Mapping[str, bytes], names: Iterable[str], version: Version) -> tuple[np.ndarray, np.ndarray]:
    length = version.label_bytes + PIXELS
    tables = []
    for name in names:
        size = len(content[name])
        if size == 0 or size % length:
            raise DataError(
                f"{version.name}, {name}: expected a multiple of {length} bytes, received {size}. "
                "The file is truncated or damaged; fetch it again."
            )
        tables.append(np.frombuffer(content[name], np.uint8).reshape(-1, length))
    table = np.concatenate(tables)
    return table[:, version.label_bytes :].reshape(-1, 3, 32, 32), table[:, version.label_bytes - 1]


def _from_folder(folder: Path, version: Version) -> dict[str, bytes]:
    wanted = [folder / name for name in (*version.files, version.class_file) if (folder / name).is_file()]
    room = Room.for_files(folder, wanted)
    return {path.name: read_file(path, room) for path in wanted}


def _from_archive(path: Path, version: Version) -> dict[str, bytes]:
    wanted = {*version.files, version.class_file}
    content: dict[str, bytes] = {}
    try:
        # As it is published, packed by gzip: other packings may ask for any amount of memory to be unpacked at all.
        with (
            io.BytesIO(read_unpacked(path, Room.of(path))) as unpacked,
            tarfile.open(fileobj=unpacked, mode="r:") as archive,
        ):
            for member in archive:
                name = PurePosixPath(member.name).name
                if not member.isreg() or member.issparse() or name not in wanted:
                    continue
                if (stream := archive.extractfile(member)) is not None:
                    content[name] = stream.read()
    except DataError:
        raise
    except (tarfile.TarError, EOFError, OSError, ValueError, RecursionError) as error:
        raise DataError(f"{path}: the archive is truncated or damaged ({error}). Fetch it again.") from error
    missing = [name for name in version.files if name not in content]
    if missing:
        raise DataError(f"{path}: no {', '.join(missing)} in it; expected the binary version of {version.name}.")
    return content


def _entry(version: Version, checksum: str, size: int) -> DatasetEntry:
    address = f"https://www.cs.toronto.edu/~kriz/{version.archive}"
    hyphened = f"cifar-{version.classes}"
    return DatasetEntry(
        name=version.name,
        summary=f"photographs of {version.classes} things",
        shape=(3, 32, 32),
        classes=version.classes,
        sizes=(50000, 10000),
        source="A. Krizhevsky 2009, https://www.cs.toronto.edu/~kriz/cifar.html",
        licence="none stated by the authors; research use",
        read=partial(read, version=version),
        locate=partial(locate, version=version),
        folders=(version.name, hyphened, f"cifar_{version.classes}", "."),
        files=(RemoteFile(version.archive, (address,), f"md5:{checksum}", size),),
    )


ENTRIES = (
    _entry(CIFAR10, "c32a1d4ab5d03f1284b67883e8d87530", 170052171),
    _entry(CIFAR100, "03b5dce01913d631647c71ecec9e9cb8", 168513733),
)
