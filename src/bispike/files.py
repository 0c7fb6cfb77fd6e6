"""Files that are either complete or not there.

A file is written to a temporary name beside its target, synced, and renamed; the folder is synced after that. A
process that is killed at any moment leaves the old file or the new one, never a half. What goes wrong is said with
the path: a folder that cannot be written is the caller's mistake, a full disk is not.
"""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path
from typing import Any

from .errors import BispikeError, UserError, WorkError

TEMPORARY = ".writing-"  # prefix of unfinished files; swept at the next start


def write_atomic(path: str | Path, content: bytes | str) -> None:
    """Write a whole file so that it appears complete or not at all.

    Args:
        path: the target; its folder must exist.
        content: text is stored as UTF-8.

    Raises:
        UserError: the folder is missing or may not be written.
        WorkError: the disk is full or failed; the old file, if any, is untouched.
    """
    target = Path(path)
    data = content.encode() if isinstance(content, str) else content
    temporary = target.with_name(f"{TEMPORARY}{os.getpid()}-{target.name}")
    try:
        with open(temporary, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, target)
        sync_folder(target.parent)
    except OSError as error:
        raise describe(error, target) from error
    finally:
        if temporary.exists():
            temporary.unlink()


def write_json(path: str | Path, value: Any) -> None:
    """Write plain values as readable JSON; numbers keep every bit, NaN is refused."""
    write_atomic(path, json.dumps(value, indent=2, allow_nan=False) + "\n")


def append_line(path: str | Path, line: str) -> None:
    """Append one line and sync it."""
    try:
        with open(path, "a", encoding="utf-8") as file:
            file.write(line.rstrip("\n") + "\n")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise describe(error, Path(path)) from error


def read_lines(path: str | Path) -> list[str]:
    """The complete lines of a file; a last line without its end (a killed append) is left out. [] if missing."""
    try:
        text = Path(path).read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return []
    except OSError as error:
        raise describe(error, Path(path)) from error
    return text.split("\n")[:-1]


def make_folder(path: str | Path) -> Path:
    """Create a folder and its parents; an existing one is fine."""
    folder = Path(path)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise describe(error, folder) from error
    return folder


def remove_unfinished(folder: str | Path) -> None:
    """Remove what killed writes left in a folder."""
    for path in Path(folder).glob(f"{TEMPORARY}*"):
        path.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Make a rename durable. Systems that cannot open a folder sync the rename themselves."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
    finally:
        os.close(descriptor)


def describe(error: OSError, path: Path) -> BispikeError:
    """The error of the family that fits an operating system's error, naming the path."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EIO):
        return WorkError(f"{path}: {error.strerror}. What was there before is untouched; free some space and resume.")
    if error.errno in (errno.ENOTDIR, errno.EEXIST):
        return UserError(f"{path}: a file stands where a folder is expected.")
    if error.errno == errno.ENOENT:
        return UserError(f"{path}: no such file or folder.")
    return UserError(f"{path}: cannot be read or written ({error.strerror}); choose a folder that you may write.")
