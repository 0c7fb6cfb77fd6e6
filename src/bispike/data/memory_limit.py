"""How much memory a file may ask for: what it declares is compared with a limit before anything is allocated.

A small file can declare, or unpack to, any amount. By default reading may take

    limit = min(64 · size on the disk, 8 GiB), at least 0.25 GiB

of memory for what a file holds; copies on the way to a data set come on top, a few times as much. The option
`memory_limit` of each format raises the limit.
"""

from __future__ import annotations

import math
import os
import stat
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import DataError

GIB = 2**30
FLOOR = GIB // 4
"""What every file may take, in bytes."""
CEILING = 8 * GIB
"""What no file may take by itself, in bytes."""
PER_BYTE = 64
"""What a file may take for each of its bytes on the disk; files of numbers and texts shrink 2 to 20 times."""
PER_ROW = 64
"""Bytes of a stimulus besides its values: its label, and its place in lists of rows."""
PER_CHANNEL = 128
"""Bytes of the mean and the deviation of a channel, and of its name."""
PER_DECISION = 8
"""Bytes of an entry of a confusion matrix."""


@dataclass(frozen=True)
class Room:
    """The memory that one file or folder may take.

    Args:
        place: the file or folder, for messages.
        limit: bytes.
    """

    place: object
    limit: int

    @classmethod
    def of(cls, path: Path, memory_limit: float | None = None) -> Room:
        """The room of a file, or of a folder with all its files.

        Args:
            path: the file or folder.
            memory_limit: GiB; from the size on the disk where not given.
        """
        return cls.for_files(path, path.rglob("*") if path.is_dir() else [path], memory_limit)

    @classmethod
    def for_files(cls, place: object, files: Iterable[Path], memory_limit: float | None = None) -> Room:
        """The room of several files that are read together; arguments as for `of`."""
        if memory_limit is not None:
            return cls(place, int(memory_limit * GIB))
        return cls(place, max(FLOOR, min(CEILING, PER_BYTE * sum(map(_on_disk, files)))))

    @classmethod
    def in_memory(cls, place: object, memory_limit: float | None = None) -> Room:
        """The room of data that are in memory already: as much as a user's own program may ask for."""
        return cls(place, CEILING if memory_limit is None else int(memory_limit * GIB))

    def expect(self, needed: int, what: str) -> None:
        """Refuse what would take more than the limit.

        Args:
            needed: bytes.
            what: what takes them, as the subject of a sentence ("2000000 columns").

        Raises:
            DataError: it is more than the limit.
        """
        if needed > self.limit:
            raise DataError(f"{self.place}: {what} would take {amount(needed)} of memory, {self._excess(needed)}")

    def expect_stimuli(self, shape: Sequence[int], *, bytes_each: int = 4) -> None:
        """Refuse stimuli that would take more than the limit, with the lists that are kept per row and per channel.

        Args:
            shape: axes, the first one counts stimuli; any other one may turn out to be that of the channels.
            bytes_each: of a value in the data set.

        Raises:
            DataError: they would take more than the limit.
        """
        rows, channels = next(iter(shape), 0), max(shape[1:], default=0)
        needed = bytes_each * math.prod(shape) + PER_ROW * rows + PER_CHANNEL * channels
        self.expect(needed, f"{' x '.join(map(str, shape))} values")

    def expect_classes(self, classes: int) -> None:
        """Refuse more classes than a table of all decisions has room for.

        Raises:
            DataError: it would take more than the limit.
        """
        self.expect(PER_DECISION * classes**2, f"a confusion matrix of {classes} classes")

    def excess(self, what: str) -> DataError:
        """The error for something that turned out to be larger than the limit while it was read.

        Args:
            what: as in `expect`.
        """
        return DataError(
            f"{self.place}: {what} would take more memory than the limit allows, {self._excess(2 * self.limit)}"
        )

    def _excess(self, needed: int) -> str:
        more = math.ceil(needed / GIB)  # whole GiB are easily typed, and enough
        return (
            f"and the limit is {amount(self.limit)}. The file may be damaged or hostile; if you trust it, raise the "
            f"limit, in GiB: memory_limit={more} (--set memory_limit={more} of 'train', --memory-limit {more} of the "
            "other commands)."
        )


def amount(size: int) -> str:
    """Bytes for people."""
    return f"{size / GIB:,.2f} GiB" if size >= GIB / 100 else f"{size / 2**20:.2f} MiB"


def _on_disk(path: Path) -> int:
    """Bytes of an ordinary file on the disk; holes of a sparse file do not count. 0 for everything else."""
    try:
        found = path.stat()
    except (OSError, ValueError):
        return 0
    if not stat.S_ISREG(found.st_mode):
        return 0
    blocks = getattr(found, "st_blocks", None)  # in units of 512 bytes; not on every system
    return found.st_size if blocks is None or os.name == "nt" else min(found.st_size, 512 * blocks)
