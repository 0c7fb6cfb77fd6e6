"""What is known of a published data set before any of its files is read.

A format module declares the entries it can read; the catalogue gathers them. A new data set is one new entry.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from .dataset import Dataset


@dataclass(frozen=True)
class RemoteFile:
    """A published file.

    Args:
        name: name of the file in the data set's folder.
        urls: places to fetch it from, tried in order.
        checksum: `algorithm:hexadecimal digest`, as published.
        size: bytes, for the reader; the checksum decides.
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
        read: reads the set from its folder, with options by name where it takes any.
        locate: the folder to read within a data set's folder, or None where its files are not there.
        folders: names of the data set's folder under a root; downloads go to the first.
        files: what is downloaded; none where the set comes with an installed package.
        task: what it is used for; sequences take options, so their sizes are those of the defaults.
        by_hand: where to get the files of a set that is not downloaded; empty if it is, or is embedded.
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

    @property
    def embedded(self) -> bool:
        """Whether the set needs no file of its own."""
        return not self.files and not self.by_hand
