"""Tiny ImageNet: 200 classes, 64x64 colour, from the official zip file or its extracted folder.

The labels of the official test images were never published; the annotated `val` part is the test part.
Source: Stanford CS231n course, http://cs231n.stanford.edu/tiny-imagenet-200.zip.
"""

from __future__ import annotations

import zipfile
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch

from ...errors import DataError
from .. import labels as labelling
from ..assemble import assemble
from ..dataset import Dataset
from ..memory_limit import Room
from ..readers.characters import shortened
from ..readers.contents import open_file, read_file
from ..readers.images import Picture, decode
from ..readers.numpy_files import DAMAGE, PACKED
from ..readers.pixels import Form, Reading
from ..schema import ImageSchema
from .entry import DatasetEntry, RemoteFile

TOP = "tiny-imagenet-200"
ARCHIVE = f"{TOP}.zip"
MARKS = ("wnids.txt", "val/val_annotations.txt")
LARGEST_LIST = 1 << 24  # bytes of a list of names that are read; the published ones have 3 million at most
FORM = Form(channels=3, height=64, width=64)


def locate(folder: Path) -> Path | None:
    """The extracted folder, or the zip file."""
    for place in (folder / TOP, folder):
        if all((place / name).is_file() for name in MARKS):
            return place
    return folder / ARCHIVE if (folder / ARCHIVE).is_file() else None


def read(path: Path) -> Dataset:
    """Tiny ImageNet from its folder or zip file."""
    room = Room.of(path)
    if path.is_dir():
        files = {str(file.relative_to(path).as_posix()) for file in path.rglob("*") if file.is_file()}
        return _read(str(path), files, lambda name: read_file(path / name, room), room)
    try:
        with open_file(path) as stream, zipfile.ZipFile(stream) as archive:
            members = {member.filename.removeprefix(f"{TOP}/"): member for member in _members(archive, room)}
            return _read(str(path), set(members), lambda name: archive.read(members[name]), room)
    except DataError:
        raise
    except DAMAGE as error:
        raise DataError(f"{path}: the zip file is truncated or damaged ({error}). Fetch it again.") from error


def _members(archive: zipfile.ZipFile, room: Room) -> list[zipfile.ZipInfo]:
    """The files of the data set in the archive, packed as they are published, each within the limit."""
    found = [one for one in archive.infolist() if one.filename.startswith(f"{TOP}/") and not one.is_dir()]
    for member in found:
        if member.compress_type not in PACKED:
            raise DataError(f"{room.place}: is damaged: {member.filename} is packed in another way than published.")
        room.expect(member.file_size, f"{member.filename}, a file of this size,")
    return found


def _read(place: str, files: set[str], content: Callable[[str], bytes], room: Room) -> Dataset:
    missing = [name for name in MARKS if name not in files]
    if missing:
        raise DataError(f"{place}: no {', '.join(missing)}; expected the layout of {ARCHIVE}.")
    wnids = sorted(set(_text(content, "wnids.txt").split()))
    number = {wnid: i for i, wnid in enumerate(wnids)}
    train = sorted(name for name in files if name.startswith("train/") and name.lower().endswith(".jpeg"))
    train_labels = [_number(number, name.split("/")[1], place) for name in train]
    test, test_labels = [], []
    for line in _text(content, "val/val_annotations.txt").splitlines():
        file, _, rest = line.partition("\t")
        wnid = rest.split("\t")[0]
        test.append(f"val/images/{file}")
        test_labels.append(_number(number, wnid, place))
    absent = sorted(set(test) - files)
    if absent or not train:
        raise DataError(f"{place}: {shortened([*absent, 'train/*/images/*.JPEG'][0])} is missing; extract it again.")
    empty = sorted(set(wnids) - {wnids[label] for label in train_labels})
    if empty:
        raise DataError(
            f"{place}: no training images of class {', '.join(map(shortened, empty[:5]))}; extract it again."
        )
    words = _text(content, "words.txt") if "words.txt" in files else ""
    labels = labelling.Labels(torch.tensor(train_labels), torch.tensor(test_labels), _names(wnids, words))
    if not test:
        raise DataError(f"{place}: {MARKS[1]} names no image; extract it again.")
    pictures = [[Picture(f"{place}: {name}", partial(content, name)) for name in names] for names in (train, test)]
    note = "the annotated validation images are the test part; the official test labels were never published."
    reading = Reading(FORM)
    stimuli, test_stimuli = (decode(part, reading, room)[0] for part in pictures)
    schema = ImageSchema.of(reading, labels.names)
    return assemble("tiny-imagenet", stimuli, labels, test_stimuli, notes=[note], schema=schema)


def _text(content: Callable[[str], bytes], name: str) -> str:
    return content(name)[:LARGEST_LIST].decode("utf-8", "replace")


def _number(number: dict[str, int], wnid: str, place: str) -> int:
    if wnid not in number:
        raise DataError(f"{place}: class {shortened(wnid)} is not in wnids.txt.")
    return number[wnid]


def _names(wnids: list[str], words: str) -> tuple[str, ...]:
    table = dict(line.split("\t", 1) for line in words.splitlines() if "\t" in line)
    short = [table.get(wnid, wnid).split(",")[0].strip() for wnid in wnids]
    count = Counter(short)
    return tuple(name if count[name] == 1 else f"{name} ({wnid})" for name, wnid in zip(short, wnids, strict=True))


ENTRIES = (
    DatasetEntry(
        name="tiny-imagenet",
        summary="photographs of 200 things",
        shape=FORM.shape,
        classes=200,
        sizes=(100000, 10000),
        source=f"Stanford CS231n, http://cs231n.stanford.edu/{ARCHIVE}",
        licence="that of ImageNet: non-commercial research and education",
        read=read,
        locate=locate,
        folders=("tiny-imagenet", "tiny_imagenet", "."),
        files=(
            RemoteFile(
                ARCHIVE,
                tuple(f"{scheme}://cs231n.stanford.edu/{ARCHIVE}" for scheme in ("https", "http")),
                "md5:90528d7ca1a48142e341f4ef8d21d0de",
                248100043,
            ),
        ),
    ),
)
