"""Files of events in folders or zip archives: which belong to which part and class. Nothing is unpacked to the disk.

gestures/wave/1.npy         N-MNIST/Train/0/00002.bin        Train.zip and Test.zip, or one zip with both
"""

from __future__ import annotations

import io
import os
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import IO, Self

import numpy as np

from ...errors import DataError
from ..memory_limit import PER_ROW, Room
from .characters import shortened
from .contents import open_file, read_file
from .event_files import ENDINGS, FOREIGN, Events, foreign, of_content
from .numpy_files import DAMAGE, PACKED
from .part_names import role_of, roles_of

PER_MEMBER = 1000
"""Bytes of the description of a file in an archive."""
ENCRYPTED = 1
"""Flag of a file in an archive that needs a password."""


@dataclass(frozen=True)
class Entry:
    """A file of events.

    Args:
        folders: that it lies in, from the place that the user named.
        name: of the file.
        read: gives its bytes.
    """

    folders: tuple[str, ...]
    name: str
    read: Callable[[Room], bytes]

    @property
    def path(self) -> str:
        """Its place below the one that the user named."""
        return "/".join((*self.folders, self.name))


@dataclass
class EventTree:
    """The files of events below a place; used as a context, since archives stay open.

    Args:
        place: folder or archive.
        room: what it may take.
        entries: files of events, sorted.
        folders: all folders, also empty ones.
        others: number of files of other kinds by ending.
    """

    place: Path
    room: Room
    entries: list[Entry] = field(default_factory=list)
    folders: set[tuple[str, ...]] = field(default_factory=set)
    others: Counter[str] = field(default_factory=Counter)
    _open: ExitStack = field(default_factory=ExitStack)

    def __enter__(self) -> Self:
        try:
            if self.place.is_dir():
                self._walk()
            else:
                self._unzip(self._open.enter_context(open_file(self.place)), (), self.place, depth=0)
        except BaseException:
            self._open.close()
            raise
        self.entries.sort(key=lambda entry: (entry.folders, entry.name))
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def _walk(self) -> None:
        archives: list[tuple[tuple[str, ...], Path]] = []
        for place, names, files in os.walk(self.place):
            names[:] = sorted(name for name in names if not _hidden(name))
            folders = Path(place).relative_to(self.place).parts
            self.folders |= {(*folders, name) for name in names}
            for name in files:
                path = Path(place) / name
                if _hidden(name):
                    continue
                if path.suffix.lower() == ".zip":
                    if path.stem not in names:  # else it is unpacked already
                        archives.append((folders, path))
                elif _ending(name) in (*ENDINGS, *FOREIGN):
                    self.entries.append(Entry(folders, name, partial(read_file, path)))
                else:
                    self.others[_ending(name) or "without ending"] += 1
        for folders, path in archives:
            if self.entries and role_of(path.stem) is None:
                self.others[".zip"] += 1
                continue
            self._unzip(self._open.enter_context(open_file(path)), (*folders, path.stem), path, depth=0)

    def _unzip(self, stream: IO[bytes], above: tuple[str, ...], place: object, *, depth: int) -> None:
        """Add the files of an archive."""
        try:
            archive = self._open.enter_context(zipfile.ZipFile(stream))
            members = archive.infolist()
        except DAMAGE as error:
            raise DataError(f"{place}: the archive is truncated or damaged ({error}). Fetch it again.") from error
        self.room.expect(PER_MEMBER * len(members), f"an archive of {len(members)} files")
        found: list[Entry] = []
        inner: list[tuple[tuple[str, ...], zipfile.ZipInfo]] = []
        folders: set[tuple[str, ...]] = set()
        for member in members:
            parts = _inside(member, place)
            if any(map(_hidden, parts)) or not parts:
                continue
            folders |= {parts[:i] for i in range(1, len(parts) + member.is_dir())}
            if member.is_dir():
                continue
            if member.flag_bits & ENCRYPTED:
                raise DataError(f"{place}: {shortened(member.filename)} is encrypted. Unpack it with its password.")
            if member.compress_type not in PACKED:
                raise DataError(
                    f"{place}: {shortened(member.filename)} is packed in a way that is not read. Unpack it, and name "
                    "the folder."
                )
            ending = _ending(parts[-1])
            if ending == ".zip" and depth == 0:
                inner.append((parts, member))
            elif ending in (*ENDINGS, *FOREIGN):
                found.append(Entry(parts[:-1], parts[-1], _reader(archive, member, place)))
            else:
                self.others[ending or "without ending"] += 1
        # Train.zip holds Train/, or the classes themselves
        shared = _shared([entry.folders for entry in found]) if above and found else 0
        self.entries += [replace(entry, folders=(*above, *entry.folders[shared:])) for entry in found]
        self.folders |= {(*above, *names[shared:]) for names in folders if len(names) > shared}
        for parts, member in inner:
            content = _reader(archive, member, place)(self.room)
            name = parts[-1][: -len(".zip")]
            self._unzip(io.BytesIO(content), (*above, *parts[:-1], name), f"{place}/{member.filename}", depth=1)

    # ------------------------------------------------------------------ parts and classes

    def left_out(self) -> list[str]:
        """A note on files of other kinds."""
        if not self.others:
            return []
        kinds = ", ".join(f"{ending} ({count:,})" for ending, count in sorted(self.others.items())[:5])
        return [f"{sum(self.others.values()):,} files of other kinds were left out: {shortened(kinds)}."]

    def expect_readable(self) -> None:
        """Refuse a tree without files that are read.

        Raises:
            DataError: there are none.
        """
        read = [entry for entry in self.entries if _ending(entry.name) in ENDINGS]
        if not read and self.entries:
            raise foreign(f"{self.place}/{self.entries[0].path}", self.entries[0].name)
        if not read:
            raise DataError(f"{self.place}: no recordings of events; endings read: {' '.join(ENDINGS)}.")
        for entry in self.entries:
            if _ending(entry.name) in FOREIGN:
                self.others[_ending(entry.name)] += 1
        self.entries = read

    def parts(self) -> tuple[dict[str, list[tuple[str, Entry]]], list[str]]:
        """Files with their classes by part ("train", "validation", "test"), the training part first; and notes.

        Raises:
            DataError: files that lie in no folder of a class, classes without files, or folders of unclear parts.
        """
        self.expect_readable()
        shared = _shared([entry.folders for entry in self.entries])
        below = [replace(entry, folders=entry.folders[shared:]) for entry in self.entries]
        loose = [entry.path for entry in below if not entry.folders]
        if loose:
            raise DataError(
                f"{self.place}: expected one folder of recordings per class, but {shortened(loose[0])} lies in none."
            )
        named: dict[str, list[Entry]] = {}
        for entry in below:
            named.setdefault(entry.folders[0], []).append(entry)
        notes = self.left_out()
        parts = self._named_parts(named, notes)
        if not parts:
            self._expect_filled({*named}, self._prefix(shared))
            return {"train": [(entry.folders[0], entry) for entry in below]}, notes
        for name in parts.values():
            classes = {entry.folders[1] for entry in named[name]}
            self._expect_filled(classes, (*self._prefix(shared), name))
        return {role: [(entry.folders[1], entry) for entry in named[name]] for role, name in parts.items()}, notes

    def _named_parts(self, named: dict[str, list[Entry]], notes: list[str]) -> dict[str, str]:
        """Folders by their part, of those that hold folders of classes; none if the folders are the classes."""
        deep = [name for name, entries in named.items() if all(len(entry.folders) > 1 for entry in entries)]
        roles = roles_of(deep)
        found: dict[str, str] = {}
        for role in ("train", "validation", "test"):
            names = [name for name in roles if roles[name] == role]
            if len(names) > 1:
                raise DataError(
                    f"{self.place}: {shortened(', '.join(names))} could each be the {role} part. Keep one of them, or "
                    "rename the other."
                )
            found |= dict.fromkeys([role], names[0]) if names else {}
        if found and "train" not in found and len(found) == len(named):
            raise DataError(
                f"{self.place}: found {', '.join(found.values())} but no folder for training. Call it 'train', or "
                "rename these folders if they are classes."
            )
        if "train" not in found:
            for name, entries in named.items():
                inner = sorted({entry.folders[1] for entry in entries if len(entry.folders) > 1})
                if len(inner) > 1 and set(map(role_of, inner)) >= {"train"} and None not in map(role_of, inner):
                    raise DataError(
                        f"{self.place}/{name}: holds {', '.join(inner)}, so the test recordings would be learned. "
                        f"Expected parts above classes: train/{name}, test/{name}."
                    )
            return {}
        if "test" not in found and "validation" in found:
            found["test"] = found.pop("validation")
            notes.append(f"no folder is called 'test', so {found['test']!r} is the test part.")
        unused = [name for name in named if name not in found.values()]
        if unused:
            count = sum(len(named[name]) for name in unused)
            notes.append(f"{count:,} recordings in {shortened(', '.join(unused))} were left out.")
        return found

    def _prefix(self, shared: int) -> tuple[str, ...]:
        return self.entries[0].folders[:shared]

    def _expect_filled(self, classes: set[str], above: tuple[str, ...]) -> None:
        """Refuse a folder beside those of the classes that has no recordings."""
        depth = len(above)
        beside = {names[depth] for names in self.folders if len(names) == depth + 1 and names[:depth] == above}
        empty = sorted(name for name in beside - classes if role_of(name) is None)
        if empty:
            raise DataError(
                f"{self.place}: no recordings of class {shortened(', '.join(empty))}; every class folder needs at "
                f"least one. Endings read: {' '.join(ENDINGS)}."
            )


@dataclass
class RecordingFiles:
    """The events of files, one file after the other; may be gone through several times.

    Args:
        place: that the user named.
        files: with their classes; None: not known.
        room: of each file.
        columns: order of the columns of arrays `[E, 4]`.
    """

    place: Path
    files: Sequence[tuple[str | None, Entry]]
    room: Room
    columns: str | None = None

    def __iter__(self) -> Iterator[Events]:
        for label, entry in self.files:
            name = entry.path if self.place.is_dir() else f"{self.place.name}/{entry.path}"
            content = entry.read(self.room)
            found = of_content(content, f"{self.place}/{entry.path}", name, self.room, columns=self.columns)
            self.room.expect(PER_ROW * found.count, f"{found.count} recordings in {entry.path}")
            yield replace(found, labels=None if label is None else np.array([label] * found.count))


def _hidden(name: str) -> bool:
    return name.startswith((".", "__"))


def _ending(name: str) -> str:
    return Path(name).suffix.lower()


def _inside(member: zipfile.ZipInfo, place: object) -> tuple[str, ...]:
    """Folders and name of a file in an archive.

    Raises:
        DataError: it names a place outside of the archive.
    """
    name = member.filename.replace("\\", "/")
    parts = tuple(part for part in name.split("/") if part not in ("", "."))
    if name.startswith("/") or ".." in parts or ":" in parts[:1]:
        raise DataError(
            f"{place}: the archive names a place outside of it ({shortened(name)}); it is damaged or hostile. Fetch it "
            "again."
        )
    return parts


def _reader(archive: zipfile.ZipFile, member: zipfile.ZipInfo, place: object) -> Callable[[Room], bytes]:
    def read(room: Room) -> bytes:
        room.expect(member.file_size, f"{shortened(member.filename)}, a file of this size,")
        try:
            with archive.open(member) as stream:
                return stream.read(member.file_size)
        except DAMAGE as error:
            raise DataError(
                f"{place}: {shortened(member.filename)} is truncated or damaged ({error}). Fetch the archive again."
            ) from error

    return read


def _shared(folders: Sequence[tuple[str, ...]]) -> int:
    """How many folders all files share, from the top; a single folder is a class."""
    least, most = min(folders), max(folders)
    shared = next((i for i, (a, b) in enumerate(zip(least, most, strict=False)) if a != b), min(len(least), len(most)))
    return max(0, min(shared, min(map(len, folders)) - 1))
