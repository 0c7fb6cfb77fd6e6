"""A file system that fails or dies at a chosen call: for promises about what is left after a fault.

    with FaultyDisk(at=3, error=errno.ENOSPC) as disk: ...     # the fourth call fails
    with FaultyDisk(at=3) as disk: ...                          # the process "dies" at the fourth call

Calls that change something are counted: opening a file to write, writing it, syncing, renaming, linking, removing,
making and removing a folder. A process that died does nothing more, so its calls after that one have no effect either.
"""

from __future__ import annotations

import builtins
import io
import os
from collections.abc import Callable
from typing import Any
from unittest import mock

CALLS = ("fsync", "replace", "rename", "link", "unlink", "mkdir", "rmdir")


class Died(BaseException):
    """The process ended at this call."""


class FaultyDisk:
    """While entered, one call fails.

    Args:
        at: number of the call, from 0; None counts only.
        error: number of the error of the operating system; None for the death of the process.
        lasting: whether all later calls fail too, as on a full disk. A death is always lasting.
    """

    def __init__(self, *, at: int | None = None, error: int | None = None, lasting: bool = False) -> None:
        self.at, self.error, self.lasting = at, error, lasting or error is None
        self.calls: list[str] = []
        self._patches: list[Any] = []

    def __enter__(self) -> FaultyDisk:
        for name in CALLS:
            self._patches.append(mock.patch.object(os, name, self._counted(name, getattr(os, name))))
        self._patches.append(mock.patch.object(builtins, "open", self._opening(builtins.open)))
        for patch in self._patches:
            patch.start()
        return self

    def __exit__(self, *error: object) -> None:
        for patch in self._patches:
            patch.stop()

    def meet(self, name: str, what: object) -> None:
        """Count a call, which may fail."""
        place = len(self.calls)
        self.calls.append(f"{name} {what}")
        if self.at is None or place < self.at or (place > self.at and not self.lasting):
            return
        if self.error is None:
            raise Died
        raise OSError(self.error, os.strerror(self.error))

    def _counted(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*arguments: Any, **options: Any) -> Any:
            self.meet(name, arguments[0])
            return call(*arguments, **options)

        return counted

    def _opening(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def opening(file: Any, mode: str = "r", *arguments: Any, **options: Any) -> Any:
            if not set(mode) & set("wxa+"):
                return call(file, mode, *arguments, **options)
            self.meet("open", file)
            opened = call(file, mode, *arguments, **options)
            return _Written(opened, self) if "b" in mode else opened

        return opening


class _Written:
    """A file whose first half is on the disk when writing fails."""

    def __init__(self, file: io.BufferedWriter, disk: FaultyDisk) -> None:
        self._file, self._disk = file, disk

    def write(self, data: bytes) -> int:
        half = len(data) // 2
        self._file.write(data[:half])
        self._file.flush()
        self._disk.meet("write", self._file.name)
        return half + self._file.write(data[half:])

    def __enter__(self) -> _Written:
        return self

    def __exit__(self, *error: object) -> None:
        self._file.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)
