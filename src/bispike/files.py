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
import math
import os
import re
import secrets
import stat
from collections.abc import Callable
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
