"""The description of a published data set, which is known before any of its files is read.

A module of this folder declares one or several entries; `published/__init__.py` gathers them. A new data set is one
new entry.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...errors import ConfigurationError
from ..dataset import Dataset
from ..option import Option, problems


@dataclass(frozen=True)
class RemoteFile:
    """A published file.

    Args:
        name: name of the file in the data set's folder.
        urls: places to fetch it from, tried in order; those of https stand first.
        checksum: `algorithm:hexadecimal digest`, as published.
        size: bytes; a download of another size is refused.
    """

    name: str
    urls: tuple[str, ...]
    checksum: str
    size: int


@dataclass(frozen=True)
class DatasetEntry:
    """A published data set.

    Args:
        name: what users type.
        summary: one line.
        shape: axes of one stimulus.
        classes: number of classes C.
        sizes: number of training and test stimuli.
        source: where it comes from, with the reference.
        licence: under what terms its authors give it.
        read: reads the set from its folder, with `options` by keyword.
        locate: the folder to read within a data set's folder, or None where its files are missing.
        folders: names of the data set's folder under a root; downloads go to the first.
        files: what is downloaded; none where the set comes with an installed package.
        task: what it is used for.
        by_hand: where to get the files of a set that is not downloaded; empty if it is, or is embedded.
        options: keywords of `read`; where there are any, `sizes` are those of the defaults.
        shared_layout: whether other sets have files of the same names, so that the name of the folder decides.
    """

    name: str
    summary: str
    shape: tuple[int, ...]
    classes: int
    sizes: tuple[int, int]
    source: str
    licence: str
    read: Callable[..., Dataset]
    locate: Callable[[Path], Path | None]
    folders: tuple[str, ...] = ()
    files: tuple[RemoteFile, ...] = ()
    task: str = "classification"
    by_hand: str = ""
    options: tuple[Option, ...] = ()
    shared_layout: bool = False

    @property
    def embedded(self) -> bool:
        """Whether the set needs no file of its own."""
        return not self.files and not self.by_hand

    def recognises(self, path: Path) -> bool:
        """Whether a user's path is a folder of this set, or the one file in which it is published."""
        if self.embedded:
            return False
        if path.is_dir():
            named = not self.shared_layout or path.resolve().name in self.folders
            return named and self.locate(path) is not None
        return self.task == "classification" and [path.name] == [file.name for file in self.files]

    def load(self, place: Path, **options: Any) -> Dataset:
        """The set in a folder or file, with options and without a comparison of its sizes.

        Raises:
            ConfigurationError: another task, unknown options or wrong values, all of them together.
            DataError: damaged or unsound files.
        """
        self.check(options)
        return self.read(place, **{name: value for name, value in options.items() if name != "task"})

    def check(self, given: Mapping[str, Any]) -> None:
        """Check options before any file is read.

        Raises:
            ConfigurationError: another task, unknown options or wrong values, all of them together.
        """
        options = dict(given)
        task = options.pop("task", self.task)
        if task != self.task:
            raise ConfigurationError(f"data set {self.name!r} is for the task {self.task!r}, received {task!r}.")
        if options and not self.options:
            raise ConfigurationError(f"data set {self.name!r} takes no options, received {', '.join(sorted(options))}.")
        if wrong := problems(self.options, options, of=self.name):
            raise ConfigurationError(wrong)
