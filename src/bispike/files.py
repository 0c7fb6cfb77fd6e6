"""Files that are either complete or not there.

A file is written to a temporary name beside its target, synced, and renamed; the folder is synced after that. A
process that is killed at any moment leaves the old file or the new one, never a half. What goes wrong is said with
the path: a folder that cannot be written is the caller's mistake, a full disk is not.
"""

from __future__ import annotations

import errno
import json
import math
import os
import re
import stat
from pathlib import Path
from typing import Any

from .errors import BispikeError, DamagedError, UserError, WorkError

MOST_TEXT = 64 << 20
"""Largest file of text, in bytes, that is read whole."""
MOST_NESTED = 64
"""Deepest nesting of values in JSON."""
MOST_WHOLE = 2**63
"""Bound of whole numbers in JSON: beyond it they fit neither a tensor nor a file name."""
_STRING_OR_BRACKET = re.compile(r'"(?:[^"\\]|\\.)*+"|[\[\]{}]', re.DOTALL)
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
        text = read_bytes(path, most=MOST_TEXT).decode(errors="replace")
    except FileNotFoundError:
        return []
    return text.split("\n")[:-1]


def read_bytes(path: str | Path, *, most: int | None = None, follow_link: bool = True) -> bytes:
    """The content of a file. What is not a file (a folder, a pipe, a device) is refused before it is read.

    Args:
        path: the file.
        most: largest size in bytes; None: any.
        follow_link: whether a symbolic link may stand for the file.

    Raises:
        FileNotFoundError: there is nothing at this path.
        DamagedError: it is no file, a link that may not stand for one, or larger than `most`.
        UserError, WorkError: the system cannot read it.
    """
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
    try:
        if not follow_link and os.path.islink(path):
            raise DamagedError(f"{path}: expected a file of its own, received a symbolic link.")
        descriptor = os.open(path, flags | (0 if follow_link else getattr(os, "O_NOFOLLOW", 0)))
        with open(descriptor, "rb") as file:
            found = os.fstat(descriptor)
            if not stat.S_ISREG(found.st_mode):
                raise DamagedError(f"{path}: expected a file, received a pipe or a device.")
            content = file.read() if most is None or found.st_size <= most else None
    except (FileNotFoundError, NotADirectoryError) as error:
        raise FileNotFoundError(error.errno, error.strerror, str(path)) from error
    except OSError as error:
        if error.errno in (errno.EISDIR, errno.ELOOP, errno.ENXIO):
            raise DamagedError(f"{path}: expected a file, received a folder, a pipe or links in a circle.") from error
        raise describe(error, Path(path)) from error
    if content is None:
        raise DamagedError(f"{path}: expected at most {most} bytes, received {found.st_size}.")
    return content


def read_json(path: str | Path) -> dict[str, Any] | None:
    """The object in a file of JSON; None if there is no such file.

    Raises:
        DamagedError: it is no file, too large, or no sound JSON object (see `parse_json`).
        UserError, WorkError: the system cannot read it.
    """
    try:
        content = read_bytes(path, most=MOST_TEXT)
    except FileNotFoundError:
        return None
    return parse_json(content, str(path))


def parse_json(content: bytes | str, source: str) -> dict[str, Any]:
    """One JSON object, of which nothing can surprise later code: it has no NaN, no key twice, no number beyond 64 bits.

    Args:
        content: the text.
        source: names it in messages.

    Raises:
        DamagedError: the text is not a sound JSON object.
    """
    try:
        text = content if isinstance(content, str) else content.decode()
        _check_nesting(text)
        value = json.loads(
            text,
            object_pairs_hook=_unique,
            parse_constant=_no_constant,
            parse_float=_finite,
            parse_int=_bounded,
        )
        if "\\u" in text:
            json.dumps(value, ensure_ascii=False).encode()  # half of a pair of surrogates is no character
    except ValueError as error:  # of JSON and of Unicode too
        raise DamagedError(f"{source}: is damaged: expected sound JSON, received other text ({error}).") from error
    if not isinstance(value, dict):
        raise DamagedError(f"{source}: is damaged: expected a JSON object, received {type(value).__name__}.")
    return value


def _check_nesting(text: str) -> None:
    """Raise a ValueError if values are nested so deeply that code which walks through them would fail."""
    if text.count("[") + text.count("{") <= MOST_NESTED:
        return
    depth = 0
    for match in _STRING_OR_BRACKET.finditer(text):
        if match[0] in "[{":
            depth += 1
            if depth > MOST_NESTED:
                raise ValueError(f"values are nested more than {MOST_NESTED} deep")
        elif match[0] in "]}":
            depth -= 1


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key stands twice in one object")
    return found


def _no_constant(text: str) -> float:
    raise ValueError(f"{text} is no number of JSON")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError("a number is too large")
    return value


def _bounded(text: str) -> int:
    value = int(text) if len(text) < 25 else MOST_WHOLE
    if not -MOST_WHOLE <= value < MOST_WHOLE:
        raise ValueError("a whole number is too large")
    return value


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
