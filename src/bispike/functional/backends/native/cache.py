"""The folder of compiled libraries: private, and nothing in it is loaded without being looked at.

Loading a library runs its code. The folder and the file must therefore belong to the user or to root, nobody else may
write to them, and links are not followed. The name of a file holds the SHA-256 of its content: a file that was cut or
exchanged is no library. (The hash alone would protect nobody: who can write the file can name it, too.) A library is
loaded through the descriptor that was checked, so that no other file can take its place in between.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

LARGEST = 64 << 20  # bytes of a library
ABANDONED = 3600  # seconds after which the folder of a compilation belongs to a process that was killed
_WRITABLE, _SHARED = 0o022, 0o077  # permissions of others: to write, to do anything


class UnsafeFolder(OSError):
    """A folder that somebody else could write to, or a link."""


@dataclass(frozen=True)
class Library:
    """A library that was checked. Its descriptor stays open as long as it is loaded.

    Args:
        path: of the file.
        descriptor: of the file.
    """

    path: Path
    descriptor: int

    @property
    def address(self) -> str:
        """What the loader opens: the file of the descriptor, or where the system has no names for those, the path."""
        name = f"/proc/self/fd/{self.descriptor}"
        return name if os.path.exists(name) else str(self.path)


@dataclass(frozen=True)
class Folder:
    """An open folder that only the user, or root, can write to.

    Args:
        path: of the folder.
        descriptor: of the folder.
    """

    path: Path
    descriptor: int

    def find(self, key: str) -> Library | None:
        """The library of a key. Files of that key that are no sound libraries are removed, where that is allowed."""
        for name in sorted(os.listdir(self.descriptor)):
            if name.startswith(f"kernels-{key}-"):
                found = self._checked(name)
                if found is not None:
                    return found
                with contextlib.suppress(OSError):
                    os.unlink(name, dir_fd=self.descriptor)
        return None

    def keep(self, made: Path, key: str) -> Library:
        """Move a compiled library from `workplace` to its name: complete, or not at all.

        Raises:
            OSError: it cannot be moved, or is not what was moved.
        """
        made.chmod(0o700)
        name = f"kernels-{key}-{_digest(made.read_bytes())}.so"
        os.replace(made, self.path / name)
        found = self._checked(name)
        if found is None:
            raise UnsafeFolder(f"{self.path / name} was changed by somebody else")
        return found

    @contextlib.contextmanager
    def workplace(self) -> Iterator[Path]:
        """A folder of its own for one compilation; what killed processes left there is removed."""
        for left in self.path.glob("compiling-*"):
            with contextlib.suppress(OSError):
                if time.time() - left.lstat().st_mtime > ABANDONED:
                    shutil.rmtree(left)
        with tempfile.TemporaryDirectory(prefix="compiling-", dir=self.path) as folder:
            yield Path(folder)

    def _checked(self, name: str) -> Library | None:
        """The file of a name, if it is a library that the user or root has written as it is."""
        reading = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC  # a pipe is not waited for
        try:
            descriptor = os.open(name, reading, dir_fd=self.descriptor)
        except OSError:
            return None
        state = os.fstat(descriptor)
        if stat.S_ISREG(state.st_mode) and _is_trusted(state) and 0 < state.st_size <= LARGEST:
            with open(descriptor, "rb", closefd=False) as file:
                if name.endswith(f"-{_digest(file.read())}.so"):
                    return Library(self.path / name, descriptor)
        os.close(descriptor)
        return None


@contextlib.contextmanager
def open_folder(path: Path) -> Iterator[Folder]:
    """The folder of compiled libraries; it is made if it is missing, and made private if it is the user's.

    Raises:
        OSError: it cannot be made or opened.
        UnsafeFolder: it is a link, or somebody else owns it or may write to it.
    """
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    if path.is_symlink():
        raise UnsafeFolder("it is a link")
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    folder, state = Folder(path, descriptor), os.fstat(descriptor)
    try:
        if state.st_uid == os.geteuid() and state.st_mode & _SHARED:
            with contextlib.suppress(OSError):  # a read-only disk
                os.fchmod(descriptor, 0o700)
            if state.st_mode & _WRITABLE:
                _empty(folder)  # who could write here until now?
        if not _is_trusted(os.fstat(descriptor)):
            raise UnsafeFolder("somebody else owns it or may write to it")
        yield folder
    finally:
        os.close(descriptor)


def places() -> Iterator[Path]:
    """Where compiled libraries may lie: in the user's cache folder, or else in the folder for temporary files."""
    chosen = os.environ.get("XDG_CACHE_HOME", "")
    root = Path(chosen) if os.path.isabs(chosen) else Path(os.path.expanduser("~"), ".cache")
    if root.is_absolute():
        yield root / "bispike" / "native"
    yield Path(tempfile.gettempdir()) / f"bispike-{os.geteuid()}"


def _empty(folder: Folder) -> None:
    for name in os.listdir(folder.descriptor):
        if name.startswith("kernels-"):
            os.unlink(name, dir_fd=folder.descriptor)


def _is_trusted(state: os.stat_result) -> bool:
    """Whether only the user and root could have written to a file or folder."""
    return state.st_uid in (0, os.geteuid()) and not state.st_mode & _WRITABLE


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:32]
