"""Where data files are: a given root, then `$BISPIKE_DATA`, then the user's cache folder.

Files are read from the first of these that holds the set, and downloaded to the first that can be written.
"""

from __future__ import annotations

import os
from pathlib import Path

from ..errors import DataError
from .published.entry import DatasetEntry

VARIABLE = "BISPIKE_DATA"


def roots(root: str | os.PathLike[str] | None = None) -> list[Path]:
    """Folders that are searched, in order."""
    import pooch

    named = [root, os.environ.get(VARIABLE) or None, pooch.os_cache("bispike")]
    found: list[Path] = []
    for place in named:
        if place is not None and (path := Path(place).expanduser().absolute()) not in found:
            found.append(path)
    return found


def find(entry: DatasetEntry, root: str | os.PathLike[str] | None = None) -> Path | None:
    """The folder that holds a data set, or None."""
    for place in roots(root):
        for folder in entry.folders:
            if (place / folder).is_dir() and (found := entry.locate(place / folder)) is not None:
                return found
    return None


def destination(entry: DatasetEntry, root: str | os.PathLike[str] | None = None) -> Path:
    """The folder that a data set is downloaded to.

    Raises:
        DataError: the root that was given, or every root, cannot be written.
    """
    candidates = roots(root) if root is None else roots(root)[:1]
    for place in candidates:
        folder = place / entry.folders[0]
        if _writable(folder):
            return folder
    raise DataError(
        f"data set {entry.name!r}: cannot write to {' or '.join(map(str, candidates))}. "
        f"Give a folder that can be written (root, or ${VARIABLE})."
    )


def guidance(entry: DatasetEntry, folder: Path) -> list[str]:
    """How to provide the files by hand, in lines."""
    if entry.by_hand:
        return [
            f"It is not downloaded: get it from {entry.by_hand} and put it into {folder}, or set ${VARIABLE} to a "
            f"folder that holds {entry.folders[0]}/."
        ]
    lines = [f"Put these files into {folder} by hand, or set ${VARIABLE} to a folder that holds {entry.folders[0]}/:"]
    lines += [f"  {file.name} ({_amount(file.size)}) from {file.urls[0]}" for file in entry.files]
    return lines


def _writable(folder: Path) -> bool:
    existing = next(place for place in (folder, *folder.parents) if place.exists())
    return existing.is_dir() and os.access(existing, os.W_OK | os.X_OK)


def _amount(size: int) -> str:
    return f"{size / 1e6:.1f} MB" if size >= 1e5 else f"{size / 1e3:.1f} kB"
