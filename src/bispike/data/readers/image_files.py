"""Which files of a folder are images: by their content, whatever their names; hidden and system files are none.

What is left out is counted by its ending, so that nothing is missing without a word.
"""

from __future__ import annotations

import os
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ...errors import DataError
from .contents import open_file

ENDINGS = frozenset(
    {".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".jif", ".bmp", ".dib", ".gif", ".tif", ".tiff", ".webp"}
    | {".ppm", ".pgm", ".pbm", ".pnm", ".pfm"}
)
"""Files that are images by their names; one that is not is an error and not left out."""
UNREADABLE = frozenset(
    {".heic", ".heif", ".jxl", ".jp2", ".j2k", ".svg", ".psd", ".ico", ".tga", ".dng", ".nef", ".cr2", ".cr3", ".arw"}
    | {".dcm", ".nii", ".exr", ".avif"}
)
"""Endings of images that cannot be read here."""
COPIES = (".bak", ".tmp", ".old", ".orig", ".part", ".crdownload", ".thm", "_original", "~")
"""Ends of names of files that are copies or parts of images."""
SYSTEM_FOLDERS = frozenset(
    {"__macosx", "__pycache__", "@eadir", "$recycle.bin", "system volume information", "lost+found", "#recycle"}
)
SYSTEM_FILES = frozenset({"thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r"})
_SIGNATURE = 32
_SHOWN, _LONGEST = 6, 20


@dataclass
class Found:
    """The images below a folder, sorted by their paths, and what else is there.

    Args:
        images: files.
        others: files that are no images, by ending ("" without one).
        deeper: folders below the first level that hold images, by path relative to the folder.
    """

    images: list[Path] = field(default_factory=list)
    others: Counter[str] = field(default_factory=Counter)
    deeper: set[Path] = field(default_factory=set)


def hidden(name: str, *, folder: bool) -> bool:
    """Whether a file or folder belongs to the system or to a program, and is never data."""
    return name.startswith(".") or name.lower() in (SYSTEM_FOLDERS if folder else SYSTEM_FILES)


def folders_in(path: Path) -> list[Path]:
    """The folders directly in a folder that could hold data, sorted by name.

    Raises:
        DataError: the folder cannot be read.
    """
    return sorted(Path(one.path) for one in _entries(path) if one.is_dir() and not hidden(one.name, folder=True))


def files_in(path: Path) -> list[Path]:
    """The files directly in a folder that are not hidden, sorted by name."""
    return sorted(Path(one.path) for one in _entries(path) if not one.is_dir() and not hidden(one.name, folder=False))


def images_below(folder: Path, *, most_others: int) -> Found:
    """All images of a folder and of the folders below it; a folder that links lead to twice is read once.

    Args:
        folder: of a class, or of a part.
        most_others: files that are no images, above which the folder is taken for something else, such as a whole disk.

    Raises:
        DataError: a folder cannot be read, or has so many other files that it is no folder of images.
    """
    found = Found()
    for file in walk(folder):
        if is_image(file):
            found.images.append(file)
            if file.parent != folder:
                found.deeper.add(file.parent.relative_to(folder))
            continue
        found.others[ending(file)] += 1
        if found.others.total() > most_others:
            raise DataError(
                f"{folder}: expected the images of a class, received more than {most_others:,} files of other "
                "kinds. Name the folder whose folders are the classes."
            )
    found.images.sort(key=lambda file: file.parts)
    return found


def has_images(folder: Path) -> bool:
    """Whether an image lies in a folder or below it; looks at some thousand files at most."""
    return any(is_image(file) for file, _ in zip(walk(folder), range(10_000), strict=False))


def walk(folder: Path) -> Iterator[Path]:
    """Every file below a folder that is not hidden. Links to folders are followed, each folder once."""
    seen: set[tuple[int, int]] = set()
    rest = [folder]
    while rest:
        place = rest.pop()
        status = place.stat()
        if (status.st_dev, status.st_ino) in seen:
            continue
        seen.add((status.st_dev, status.st_ino))
        for entry in _entries(place):
            if entry.is_dir():
                if not hidden(entry.name, folder=True):
                    rest.append(Path(entry.path))
            elif not hidden(entry.name, folder=False):
                yield Path(entry.path)


def is_image(file: Path) -> bool:
    """Whether a file is an image by its ending, or else by its first bytes; copies that programs keep are none."""
    name = file.name.lower()
    if file.suffix.lower() in ENDINGS:
        return True
    if name.endswith(COPIES) or not file.is_file():
        return False
    try:
        if file.stat().st_size < _SIGNATURE:
            return False
        with open_file(file) as stream:
            return _has_signature(stream.read(_SIGNATURE), tiff=not file.suffix)
    except (DataError, OSError):
        return False


def ending(file: Path) -> str:
    """The lower-case ending of a file's name."""
    return file.suffix.lower()


def named(others: Counter[str]) -> str:
    """How many files of which endings ("3 files left out: 2 .txt, 1 .csv") with what can be done."""
    total = others.total()
    ordered = sorted(others.items(), key=lambda pair: (-pair[1], pair[0]))
    listed = ", ".join(f"{n} {suffix[:_LONGEST] or 'without an ending'}" for suffix, n in ordered[:_SHOWN])
    more = f" and {sum(n for _, n in ordered[_SHOWN:])} others" if len(ordered) > _SHOWN else ""
    images = sorted(UNREADABLE & set(others))
    fix = f" ({', '.join(images)}: convert these images to PNG or JPEG)" if images else ""
    return f"{total} {'file' if total == 1 else 'files'} left out: {listed}{more}{fix}"


def composed(names: Iterable[str]) -> list[str]:
    """Names of folders in composed Unicode (NFC): systems store "é" as one character or as two.

    Raises:
        DataError: a name is no text.
    """
    found = [unicodedata.normalize("NFC", name) for name in names]
    for name in found:
        if any("\ud800" <= character <= "\udfff" for character in name):
            raise DataError(f"folder {name!r}: expected a name in Unicode, received other bytes. Rename the folder.")
    return found


def _entries(path: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(path) as listed:
            return list(listed)
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error}).") from error


def _has_signature(head: bytes, *, tiff: bool) -> bool:
    """Whether these are the first bytes of an image; raw photos begin like TIFF images."""
    if head.startswith((b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF87a", b"GIF89a")):
        return True
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return True
    if head[4:12] in (b"ftypavif", b"ftypavis"):
        from PIL import features

        return bool(features.check("avif"))
    if head[:2] == b"BM" and head[6:10] == bytes(4) and head[15:18] == bytes(3):
        return True
    return tiff and head.startswith((b"II*\0", b"MM\0*"))
