"""Files that are either complete or not there.

A file is written to a temporary name beside its target, synced, and renamed; the folder is synced after that. A
process that is killed at any moment leaves the old file or the new one, never a half. What goes wrong is said with
the path: a folder that cannot be written is the caller's mistake, a full disk is not.

The temporary name of NAME is `.bispike-<process>-<random>-NAME.part`. Nobody else gives such names, and only those are
removed whose NAME belongs to the folder's owner.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import re
import secrets
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .errors import BispikeError, UserError, WorkError

_TEMPORARY = re.compile(r"\.bispike-\d+-[0-9a-f]{8}-(.+)\.part", re.DOTALL)
_LONGEST = 255  # bytes of a name in the usual file systems
_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS, errno.ESTALE}
_BUSY = {errno.EMFILE, errno.ENFILE, errno.ENOMEM}
UNTOUCHED = "What was there before is untouched"


def write_atomic(path: str | Path, content: bytes | str) -> None:
    """Write a whole file so that it appears complete or not at all.

    Args:
        path: the target; its folder must exist.
        content: text is stored as UTF-8.

    Raises:
        UserError: the folder is missing or may not be written.
        WorkError: the disk is full or failed; the old file, if any, is untouched.
    """
    target = _checked(path)
    data = content.encode() if isinstance(content, str) else content
    temporary = target.with_name(temporary_name(target.name))
    left, renamed = UNTOUCHED, False
    try:
        with open(temporary, "xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, target)
        renamed = True
        left = "It was written, but may be lost if the power fails now"
        sync_folder(target.parent)
    except OSError as error:
        raise describe(error, target, left=left) from error
    finally:
        if not renamed:
            with contextlib.suppress(OSError):  # the disk that failed may fail again; the next start removes it
                os.unlink(temporary)


def temporary_name(name: str) -> str:
    """A name for an unfinished file that is to be called `name`; a very long name is shortened in it."""
    head, tail = f".bispike-{os.getpid()}-{secrets.token_hex(4)}-", ".part"
    kept = os.fsencode(name)[: _LONGEST - len(head) - len(tail)]
    return f"{head}{os.fsdecode(kept)}{tail}"


def final_name(temporary: str) -> str | None:
    """The name that an unfinished file was to get; None for a name that `temporary_name` did not give."""
    found = _TEMPORARY.fullmatch(temporary)
    return found and found[1]


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
    folder = _checked(path)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise describe(error, folder) from error
    return folder


def remove_unfinished(folder: str | Path, owns: Callable[[str], bool]) -> None:
    """Remove what killed writes left in a folder; what cannot be removed stays for the next time.

    Args:
        folder: where; it may be missing.
        owns: whether a name is one of the folder's own files. The unfinished files of others stay.
    """
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            final = final_name(entry.name)
            if final is not None and owns(final) and entry.is_file(follow_symlinks=False):
                with contextlib.suppress(OSError):
                    os.unlink(entry.path)


def remove_file(path: str | Path) -> None:
    """Remove a file, or a link but not what it leads to; a missing one is fine.

    Raises:
        BispikeError: it cannot be removed.
    """
    try:
        os.unlink(path)
    except FileNotFoundError:
        return
    except OSError as error:
        raise describe(error, Path(path), left="It is still there") from error


def status_of(path: str | Path) -> os.stat_result | None:
    """What stands at a path, without following a link; None if nothing does.

    Raises:
        BispikeError: the system cannot tell.
    """
    try:
        return os.lstat(_checked(path))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise describe(error, Path(path)) from error


def is_link(path: str | Path) -> bool:
    """Whether a symbolic link stands at a path."""
    found = status_of(path)
    return found is not None and stat.S_ISLNK(found.st_mode)


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


def describe(error: OSError, path: Path, *, left: str = UNTOUCHED) -> BispikeError:
    """The error of the family that fits an operating system's error, naming the path.

    Args:
        error: of the operating system.
        path: what it is about.
        left: what remains there, as the beginning of a sentence.
    """
    number, text = error.errno, error.strerror or str(error) or type(error).__name__
    if number in _DISK:
        return WorkError(f"{path}: {text}. {left}; free some space, or repair the disk, and resume.")
    if number == errno.EFBIG:
        return WorkError(f"{path}: {text}. {left}; raise the limit of the size of files (ulimit -f) and resume.")
    if number in _BUSY:
        return WorkError(f"{path}: {text}. {left}; close other programs, or raise the limit (ulimit -n), and resume.")
    if number == errno.ENAMETOOLONG:
        return UserError(f"{_short(path)}: the name is too long for the file system; choose a shorter one.")
    if number == errno.ELOOP:
        return UserError(f"{path}: its symbolic links lead in a circle; choose another path.")
    if number == errno.EISDIR:
        return UserError(f"{path}: a folder stands where a file is expected.")
    if number in (errno.ENOTDIR, errno.EEXIST):
        return UserError(f"{path}: a file stands where a folder is expected.")
    if number == errno.ENOENT:
        return UserError(f"{path}: no such file or folder.")
    return UserError(f"{path}: cannot be read, written or removed ({text}); choose a folder that you may write.")


def _short(path: Path) -> str:
    text = str(path)
    return text if len(text) <= 120 else f"{text[:80]}...{text[-30:]}"


def _checked(path: str | Path) -> Path:
    if "\0" in str(path):
        raise UserError(f"{str(path)!r}: expected a path, received a text with a zero byte in it.")
    return Path(path)
