"""The lock of a folder: one process at a time works in it, on one machine or on several.

Two means work together. `flock` on the folder ends with the process, however that ends, but some network file systems
do not have it, or have it for one machine only. The file `.bispike.lock` names the machine and the process, and its
time is renewed while they work. A lock is stale, and is taken over, if its process is gone from this machine, or if it
was not renewed for some minutes. All times are those of the file system, so the clocks of machines may differ.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import platform
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

from ..errors import BispikeError, CheckpointError, DamagedError, UserError, WorkError
from ..files import describe, make_folder, parse_json, read_bytes, status_of, temporary_name

try:
    import fcntl
except ImportError:  # systems without POSIX locks
    fcntl = None  # type: ignore[assignment]

LOCK = ".bispike.lock"
RENEW_SECONDS = 20.0
STALE_SECONDS = 300.0
POLL_SECONDS = 0.05
_LARGEST = 4096  # bytes of a lock file
_NO_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EXDEV}


@dataclass(frozen=True)
class Holder:
    """The process that holds a lock.

    Args:
        host: name of its machine.
        system: what differs between machines and between restarts of one machine; "" where that is unknown.
        space: where the number of the process is counted: containers count for themselves.
        process: its number.
        began: when it began, in the units of the system; "" where that is unknown.
        launch: the launch of several processes that it belongs to; "" for a process of its own.
        token: drawn for each lock.
    """

    host: str
    system: str
    space: str
    process: int
    began: str
    launch: str
    token: str = field(default_factory=lambda: secrets.token_hex(8))

    def __str__(self) -> str:
        return f"process {self.process} on {self.host}"


class FolderLock:
    """A lock that is held.

    Args:
        folder: what is locked.
        descriptor: of the folder; a child process that inherits it holds the lock too. None without `flock`.
        holder: this process.
    """

    def __init__(self, folder: Path, descriptor: int | None, holder: Holder) -> None:
        self.folder, self.descriptor, self.holder = folder, descriptor, holder
        self._file = folder / LOCK
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._renew, name="bispike lock", daemon=True)

    def keep(self) -> None:
        """Renew the lock from now on.

        Raises:
            WorkError: the system allows no more threads.
        """
        try:
            self._thread.start()
        except RuntimeError as error:
            raise WorkError(
                f"{self.folder}: its lock cannot be renewed, because the system allows no more threads ({error}). End "
                "other processes, or raise the limit (ulimit -u)."
            ) from error

    def check(self) -> None:
        """Check that no other process took the lock over, as it may while this one sleeps for minutes.

        Raises:
            CheckpointError: one did.
        """
        found = _read(self._file)
        if found is None and _create(self._file, self.holder):  # removed by hand
            return
        if found is None or found.token != self.holder.token:
            raise CheckpointError(
                f"{self.folder}: {found or 'another process'} works in this folder now, because this process did not "
                f"answer for {STALE_SECONDS / 60:.0f} minutes. This process writes nothing more; what it saved before "
                "is intact."
            )

    def release(self) -> None:
        """Give the lock back."""
        self._ended.set()
        if self._thread.ident is not None:
            self._thread.join()
        with contextlib.suppress(OSError, BispikeError):
            found = _read(self._file)
            if found is not None and found.token == self.holder.token:
                os.unlink(self._file)

    def _renew(self) -> None:
        while not self._ended.wait(RENEW_SECONDS):
            with contextlib.suppress(OSError):
                os.utime(self._file)


@contextlib.contextmanager
def locked(
    out: str | Path, *, patience: float = 0.0, note: Callable[[str], None] = lambda message: None
) -> Iterator[FolderLock]:
    """Create the folder and lock it; while entered, no other process can work in it.

    Args:
        out: the folder.
        patience: seconds to wait while another process holds the lock.
        note: receives a line if there is something to wait for, or if a stale lock is taken over.

    Raises:
        CheckpointError: another process still holds the lock.
        UserError: the folder cannot be made, or holds a file of the lock's name that is no lock.
        WorkError: the system allows no more threads.
    """
    folder = make_folder(out)
    descriptor = _opened(folder)
    try:
        lock = FolderLock(folder, descriptor, _acquire(folder, descriptor, patience, note))
        try:
            lock.keep()
            yield lock
        finally:
            lock.release()
    finally:
        if descriptor is not None:
            os.close(descriptor)


def wait_until_free(folder: Path, note: Callable[[str], None]) -> None:
    """Wait for a process that is about to end, as those of a study that was killed are.

    Raises:
        CheckpointError: it works for longer than a lock stays valid after its end.
    """
    if status_of(folder / LOCK) is not None:
        with locked(folder, patience=STALE_SECONDS + RENEW_SECONDS, note=note):
            pass


def _acquire(folder: Path, descriptor: int | None, patience: float, note: Callable[[str], None]) -> Holder:
    ours, path = _this_process(), folder / LOCK
    deadline = time.monotonic() + patience
    works: bool | None = False  # whether this process has the lock of the system; None: the system has none here
    waiting = False
    while True:
        if works is False:
            works = _try_system_lock(descriptor)
        if works is not False:
            if _create(path, ours):
                return ours
            found = _read(path)
            if found is None:
                continue
            if _is_stale(path, found, ours, alone=works is True):
                if found.system != ours.system:
                    note(f"{folder}: the lock of {found} was not renewed for minutes and is taken over.")
                _remove_stale(path, found)
                continue
        if time.monotonic() >= deadline:
            raise CheckpointError(_busy(folder, _read(path), ours))
        if not waiting:
            note(f"waiting for another process in {folder} to end")
            waiting = True
        time.sleep(POLL_SECONDS)


def _busy(folder: Path, found: Holder | None, ours: Holder) -> str:
    who = "another process" if found is None else f"another process ({found})"
    elsewhere = found is not None and found.system != ours.system
    hint = f" If that one is gone, its lock ends {STALE_SECONDS / 60:.0f} minutes after its end." if elsewhere else ""
    return f"{folder}: {who} is training into this folder. Wait for its end, or choose another folder.{hint}"


# ---------------------------------------------------------------------- the lock of the system


def _opened(folder: Path) -> int | None:
    if fcntl is None:
        return None
    try:
        return os.open(folder, os.O_RDONLY)
    except OSError as error:
        raise describe(error, folder) from error


def _try_system_lock(descriptor: int | None) -> bool | None:
    if descriptor is None:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks, or without those of folders
        return None
    return True


# ---------------------------------------------------------------------- the lock file


def _create(path: Path, holder: Holder) -> bool:
    """Create the lock file with its content at once; False if there is one already."""
    aside = path.with_name(temporary_name(LOCK))
    try:
        with open(aside, "xb") as file:
            file.write(json.dumps(asdict(holder)).encode())
        try:
            os.link(aside, path)
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            with open(path, "xb") as file:
                file.write(aside.read_bytes())
    except FileExistsError:
        return False
    except OSError as error:
        raise describe(error, path) from error
    finally:
        with contextlib.suppress(OSError):
            os.unlink(aside)
    return True


def _read(path: Path) -> Holder | None:
    """Who holds the lock file; None if there is none.

    Raises:
        UserError: it is no lock file.
    """
    if status_of(path) is None:
        return None
    try:
        content = read_bytes(path, most=_LARGEST, follow_link=False)
        if not content:  # killed between its creation and its content, where files have one name only
            return Holder("an unknown machine", "", "", 0, "", "", "")
        holder = Holder(**parse_json(content, str(path)))
        if not all(isinstance(value, kind) for value, kind in zip(asdict(holder).values(), _KINDS, strict=True)):
            raise TypeError("other types")
    except FileNotFoundError:
        return None
    except (DamagedError, TypeError) as error:
        raise UserError(
            f"{path}: expected the lock of a folder, received another file. Move it away, or choose another folder."
        ) from error
    return holder


_KINDS = (str, str, str, int, str, str, str)


def _is_stale(path: Path, found: Holder, ours: Holder, *, alone: bool) -> bool:
    """Whether the process that made a lock file has ended.

    Args:
        path: of the lock file.
        found, ours: its holder and this process.
        alone: whether this process has the lock of the system, which no process of this machine has beside it.
    """
    here = found.system == ours.system and (ours.system != "" or found.host == ours.host)
    if alone and (here or (found.launch == ours.launch != "")):
        return True
    if here and found.space == ours.space and os.name == "posix":
        return not _is_alive(found)
    return _is_old(path)


def _is_old(path: Path) -> bool:
    """Whether a lock file was not renewed for minutes, by the clock of its file system."""
    probe = path.with_name(temporary_name(LOCK))
    try:
        with open(probe, "xb"):
            now = os.stat(probe).st_mtime
        return abs(now - os.stat(path).st_mtime) > STALE_SECONDS
    except FileNotFoundError:
        return False
    except OSError as error:
        raise describe(error, path) from error
    finally:
        with contextlib.suppress(OSError):
            os.unlink(probe)


def _remove_stale(path: Path, judged: Holder) -> None:
    """Remove a stale lock file; if meanwhile another process did and made its own, that one stays."""
    found = _read(path)
    if found is None or found.token != judged.token:
        return
    aside = path.with_name(temporary_name(LOCK))
    try:
        os.rename(path, aside)
        moved = _read(aside)
        if moved is not None and moved.token != judged.token:
            with contextlib.suppress(OSError):
                os.link(aside, path)
    except FileNotFoundError:
        return
    except OSError as error:
        raise describe(error, path) from error
    finally:
        with contextlib.suppress(OSError):
            os.unlink(aside)


# ---------------------------------------------------------------------- processes


def _this_process() -> Holder:
    environment = os.environ
    several = "RANK" in environment and "WORLD_SIZE" in environment
    launch = ":".join(environment.get(name, "") for name in ("TORCHELASTIC_RUN_ID", "MASTER_ADDR", "MASTER_PORT"))
    return Holder(
        host=platform.node(),
        system=_text("/proc/sys/kernel/random/boot_id"),
        space=_space(),
        process=os.getpid(),
        began=_began(os.getpid()) or "",
        launch=launch if several else "",
    )


def _is_alive(holder: Holder) -> bool:
    try:
        os.kill(holder.process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        pass  # it is there, of another user
    began = _began(holder.process)
    return began is None or began == holder.began


def _began(process: int) -> str | None:
    """When a process began; "ended" for one that only waits to be collected, None where that is unknown."""
    words = _text(f"/proc/{process}/stat").rpartition(")")[2].split()
    if len(words) < 20:
        return None
    return "ended" if words[0] in "ZX" else words[19]


def _space() -> str:
    try:
        return os.readlink("/proc/self/ns/pid")
    except OSError:
        return ""


def _text(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""
