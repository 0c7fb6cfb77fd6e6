"""Where a run comes from: made by this user on this machine, or by somebody else.

The settings of a run name files and folders. Those that the user gave are opened when the run is used again; those that
somebody else gave are not, unless the user asks for it (`runs.source`). A run is the user's own if its marker holds

    HMAC-SHA256(key, id of the run, its data set, folder of data sets and options of the data)

with a random key that lies in the user's state folder and that nobody else can read.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import os
import secrets
import stat
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..errors import BispikeError
from .marker import RUN, read_marker, write_marker

VARIABLE = "XDG_STATE_HOME"
KEY = "origin.key"
KEY_BYTES = 32
SIGNED = ("dataset", "data_root", "data_options")
"""The settings of a run that lead to files."""


@dataclass(frozen=True)
class Origin:
    """Where a run comes from.

    Args:
        is_own: whether this user made it on this machine, with the settings that it has now.
        reason: why it is not known to be; empty if it is.
    """

    is_own: bool
    reason: str = ""


def sign(folder: str | Path, settings: Mapping[str, Any]) -> str:
    """Note in the marker of a run that this user made it.

    Args:
        folder: of the run, with its marker.
        settings: of the run, by name.

    Returns:
        Why it cannot be noted, as a sentence without its end; empty if it is.

    Raises:
        BispikeError: the marker cannot be written.
    """
    marker, key = read_marker(folder), _key(create=True)
    if isinstance(key, str):
        return key
    if marker is None:
        return ""
    signature = _signature(key, marker.id, settings)
    if marker.origin != signature:
        write_marker(Path(folder), replace(marker, origin=signature))
    return ""


def origin_of(folder: str | Path | None, settings: Mapping[str, Any]) -> Origin:
    """Where a run comes from.

    Args:
        folder: of the run; None: it was made in this process.
        settings: of the run, by name.
    """
    if folder is None:
        return Origin(is_own=True)
    try:
        marker = read_marker(folder)
    except BispikeError as error:
        return Origin(is_own=False, reason=str(error))
    key = _key(create=False)
    if isinstance(key, str):
        return Origin(is_own=False, reason=key)
    if marker is None or marker.kind != RUN or not marker.origin:
        return Origin(is_own=False, reason="its marker names no origin")
    if not hmac.compare_digest(marker.origin.encode(), _signature(key, marker.id, settings).encode()):
        return Origin(is_own=False, reason="it was made elsewhere, or its settings were changed afterwards")
    return Origin(is_own=True)


def _signature(key: bytes, run: str, settings: Mapping[str, Any]) -> str:
    named = {name: settings.get(name) or None for name in SIGNED}
    content = json.dumps([run, named], sort_keys=True, default=str)
    return hmac.new(key, content.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()


# ------------------------------------------------------------------ the key


def _key(*, create: bool) -> bytes | str:
    """The user's key; a sentence that says why there is none."""
    root = os.environ.get(VARIABLE) or "~/.local/state"
    try:
        path = Path(root).expanduser() / "bispike" / KEY
        if create and not os.path.lexists(path):
            _create(path)
        return _read(path)
    except (OSError, RuntimeError) as error:  # RuntimeError: a user without a home folder
        why = getattr(error, "strerror", None) or error
        return f"there is no key of this user in {root}/bispike ({why})"


def _create(path: Path) -> None:
    """A new key; of several processes at once, one makes it."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    unfinished = path.with_name(f".{KEY}-{secrets.token_hex(8)}")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(secrets.token_bytes(KEY_BYTES))
            stream.flush()
            os.fsync(stream.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(unfinished, path)
    finally:
        unfinished.unlink()


def _read(path: Path) -> bytes:
    """The key in a file that only this user can read and write.

    Raises:
        OSError: there is none, or it is not private.
    """
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    with os.fdopen(descriptor, "rb") as stream:
        found = os.fstat(stream.fileno())
        private = os.name == "nt" or (found.st_uid == os.geteuid() and not found.st_mode & 0o077)
        if not stat.S_ISREG(found.st_mode) or not private:
            raise PermissionError(f"{path} is not a private file of this user")
        key = stream.read(KEY_BYTES + 1)
    if len(key) != KEY_BYTES:
        raise PermissionError(f"{path} holds no key; remove it")
    return key
