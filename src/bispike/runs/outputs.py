"""Files at a path that the user chose: pages and pictures. One that bispike did not write is not replaced unasked.

A file is bispike's if the marker of its folder names it, or if it contains the sentence `MARK`, which every page and
picture carries where its format keeps remarks.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from ..errors import UserError
from ..files import describe, make_folder, status_of, write_atomic
from .marker import RESULTS, claim, read_marker

MARK = "Written by bispike: the same command replaces this file."
_SEARCHED = 2**16  # bytes at the beginning and at the end of a file


def write_output(path: str | Path, content: bytes | str, *, overwrite: bool = False) -> Path:
    """Write a page or a picture; its folder is created if it is missing.

    Args:
        path: of the file.
        content: with `MARK` in it.
        overwrite: whether a file that bispike did not write may be replaced.

    Returns:
        The path.

    Raises:
        UserError: a file that bispike did not write is there, or the path cannot be written.
    """
    target = expect_own(path, overwrite=overwrite)
    make_folder(target.parent)
    marker = read_marker(target.parent)
    if marker is not None and target.name not in marker.files and status_of(target) is None:
        claim(target.parent, RESULTS, [target.name])
    write_atomic(target, content)
    return target


def expect_own(path: str | Path, *, overwrite: bool = False) -> Path:
    """Check that nothing is lost if a file is written to a path; best before the work that makes its content.

    Raises:
        UserError: something is there that bispike did not write.
    """
    target = Path(path)
    found = status_of(target)
    if found is None:
        return target
    if stat.S_ISDIR(found.st_mode):
        raise UserError(f"{target}: expected a path for a file, received a folder.")
    if not stat.S_ISREG(found.st_mode) and not stat.S_ISLNK(found.st_mode):
        raise UserError(f"{target}: expected a path for a file, received a device or a pipe.")
    if overwrite or (stat.S_ISREG(found.st_mode) and (_is_marked(target) or _is_named(target))):
        return target
    what = "is a link" if stat.S_ISLNK(found.st_mode) else "exists, and bispike did not write it"
    raise UserError(f"{target}: {what}. Choose another file, or replace it with --overwrite (overwrite=True).")


def _is_named(target: Path) -> bool:
    marker = read_marker(target.parent)
    return marker is not None and target.name in marker.files


def _is_marked(target: Path) -> bool:
    mark = MARK.encode()
    try:
        with open(target, "rb") as file:
            if mark in file.read(_SEARCHED):
                return True
            file.seek(max(0, os.fstat(file.fileno()).st_size - _SEARCHED))
            return mark in file.read(_SEARCHED)
    except OSError as error:
        raise describe(error, target) from error
