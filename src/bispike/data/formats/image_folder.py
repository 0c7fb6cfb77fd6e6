"""Image folders: one folder per class, in `train/`, `val/` and `test/` if such folders exist (see `image_layout`).

Classes are named by their folders, in sorted order. All images are read by one rule, which is decided from the training
part (see `readers.image_rules`) and kept in the schema.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ...errors import ConfigurationError, DataError
from .. import labels as labelling
from ..assemble import assemble
from ..dataset import Dataset, Split
from ..memory_limit import Room
from ..option import MEMORY_LIMIT, TEST_SHARE, Option, one_of
from ..readers.image_files import ENDINGS, Found, composed, ending, files_in, images_below, is_image, named
from ..readers.image_rules import Choice
from ..readers.images import Picture, decode, each_image, learn, one_image, parse_size
from ..readers.pixels import DEEPEST, GROUNDS, Ground
from ..schema import ArraySchema, ImageSchema, Inputs, Schema
from ..schema.units import as_float
from .format import Format
from .image_layout import Layout, class_folders, expect_classes, find_layout

MOST_OTHERS = 100_000
"""Files that are no images, above which the folder of a class is taken for something else, such as a whole disk."""
ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".7z", ".rar")
"""Endings of files that hold other files."""
_SHOWN = 5


@dataclass
class Part:
    """The images of one part of a set.

    Args:
        name: "training", "validation" or "test".
        files: images.
        labels: number of the class of each.
        others: files that are left out, by ending.
        nested: an image in a folder below that of its class, relative to the part; None: there is none.
    """

    name: str
    files: list[Path] = field(default_factory=list)
    labels: list[int] = field(default_factory=list)
    others: Counter[str] = field(default_factory=Counter)
    loose: int = 0
    nested: Path | None = None

    def numbers(self) -> Tensor:
        """Labels, int64 `[N]`."""
        return torch.tensor(self.labels, dtype=torch.int64)


def read(
    path: Path,
    *,
    like: Schema | None = None,
    size: int | str | Sequence[int] | None = None,
    channels: int | None = None,
    depth: int | None = None,
    background: Ground | None = None,
    test_fraction: float = 0.2,
    memory_limit: float | None = None,
) -> Dataset:
    """A data set from a folder of images.

    Args:
        path: folder with one folder per class, or with `train/` (and `val/`, `test/`) that hold these.
        like: schema of a training, by which the images are read; the other options are then those of the training.
        size: height and width every image is scaled to; the most frequent size if not given.
        channels: 1 (grey) or 3 (colour); what the images are where not given.
        depth: bits of the values of images that are stored in more than 8 bits: white is `2**depth - 1`.
        background: "white" or "black", on which transparent pixels are laid.
        test_fraction: share that becomes the test part where there is no folder for it.
        memory_limit: GiB that reading may take (see `data.memory_limit`).

    Raises:
        DataError: no images, an empty class, one class only, images that cannot be decoded, or more than the limit.
    """
    known = () if like is None else like.classes
    layout = find_layout(path, known)
    classes, parts = _find_images(layout, known)
    room = Room.for_files(path, (file for part in parts for file in part.files), memory_limit)
    pictures = {part.name: [Picture.at(file, room) for file in part.files] for part in parts}
    beside = [] if layout.root == layout.train else files_in(layout.root)
    notes = [*layout.notes, *_left_out(parts, beside)]
    if like is None:
        choice = Choice(None if size is None else parse_size(size), channels, depth, background)
        found = learn(pictures["training"], choice, room)
        count, form = sum(map(len, pictures.values())), found.reading.form
        room.expect(count * math.prod(form.shape), f"{count} images of {form.height}x{form.width}")
        schema: Schema = ImageSchema.of(found.reading, tuple(classes))
        notes += found.notes
        stimuli = {"training": found.stimuli}
        rest = [part for part in parts if part.name != "training"]
    else:
        schema, stimuli, rest = like, {}, parts
    for part in rest:
        stimuli[part.name], said = _apply(schema, pictures[part.name], room, f"{part.name} images")
        notes += said
    numbers = {part.name: part.numbers() for part in parts}
    labels = labelling.Labels(numbers["training"], numbers.get("test"), tuple(classes))
    held_out = Split(stimuli["validation"], numbers["validation"]) if "validation" in numbers else None
    return assemble(
        path.resolve().name,
        stimuli["training"],
        labels,
        stimuli.get("test"),
        validation=held_out,
        test_fraction=test_fraction,
        notes=notes,
        schema=schema,
    )


def _apply(schema: Schema, pictures: Sequence[Picture], room: Room, what: str) -> tuple[Tensor, list[str]]:
    """Images as stimuli by the schema of a training, uint8 or float32, and notes."""
    if isinstance(schema, ImageSchema):
        return decode(pictures, schema.reading, room, what)
    found: list[Inputs] = each_image(pictures, schema.of_image, room)
    stimuli = torch.cat([one.stimuli for one in found])
    said = Counter(note.partition(": ")[2] for one in found for note in one.notes)
    return stimuli, [f"{count} of {len(found)} {what}: {note}" for note, count in said.items()]


def _find_images(layout: Layout, known: Sequence[str]) -> tuple[list[str], list[Part]]:
    """Names of the classes, and the images of each part."""
    folders = class_folders(layout.train)
    expect_classes(layout.train, list(folders), known)
    classes = list(known or folders)
    places = {"training": layout.train, "validation": layout.validation, "test": layout.test}
    parts = []
    for name, place in places.items():
        if place is not None:
            parts.append(_part(name, place, classes, every=name == "training" and not known))
    return classes, parts


def _part(name: str, place: Path, classes: Sequence[str], *, every: bool) -> Part:
    """The images of a part; `every`: each class needs at least one."""
    folders = class_folders(place)
    found = {label: images_below(folder, most_others=MOST_OTHERS) for label, folder in folders.items()}
    _expect_known(place, [label for label, one in found.items() if one.images], classes)
    part = Part(name)
    for number, label in enumerate(classes):
        images = found.get(label, Found()).images
        part.files += images
        part.labels += [number] * len(images)
    for one in found.values():
        part.others += one.others
    loose = files_in(place)
    part.loose = sum(map(is_image, loose))
    part.others.update(ending(file) for file in loose if not is_image(file))
    branching = [label for label, one in found.items() if len({file.parent for file in one.images}) > 1]
    part.nested = folders[branching[0]] / min(found[branching[0]].deeper) if branching else None
    empty = [label for label in classes if not found.get(label, Found()).images]
    if not part.files:
        raise DataError(
            f"{place}: no images in the folders {_some(list(folders))}; endings read: {_endings()}.", *_why(part)
        )
    if empty and every:
        holds = found.get(empty[0], Found()).others
        more = f" It holds other files: {named(holds)}." if holds else " Remove the folder if it is no class."
        raise DataError(
            f"{place}: no images of class {_some(empty)}; every class folder needs at least one. "
            f"Endings read: {_endings()}.{more}"
        )
    return part


def _why(part: Part) -> list[str]:
    return [f"{named(part.others)}."] if part.others else []


def _expect_known(place: Path, labels: Sequence[str], classes: Sequence[str]) -> None:
    strange = [label for label in labels if label not in classes]
    if strange:
        raise DataError(
            f"{place}: class folders {_some(strange)} are not in the training part, whose classes are {_some(classes)}."
            " Rename or remove them."
        )


def _left_out(parts: Sequence[Part], beside: Sequence[Path]) -> list[str]:
    """Notes on what lies in the folders, or beside the parts, and is not read, or is read though unexpected."""
    notes = []
    others = Counter(ending(file) for file in beside if not is_image(file))
    for part in parts:
        others += part.others
    if others:
        notes.append(f"{named(others)}.")
    if loose := sum(part.loose for part in parts) + sum(map(is_image, beside)):
        notes.append(
            f"{loose} {'image' if loose == 1 else 'images'} left out, which lie beside the folders of classes."
        )
    nested = next((part.nested for part in parts if part.nested is not None), None)
    if nested is not None:
        notes.append(
            f"images in folders below those of classes, such as {nested.parent.name}/{nested.name}, are read too."
        )
    return notes


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")


def _endings() -> str:
    return " ".join(sorted(ENDINGS))


def instead(path: Path) -> str | None:
    """What to do with a file that is given in place of a folder of images; None: it is neither archive nor image."""
    if path.name.lower().endswith(ARCHIVES):
        return "is an archive. Unpack it, and give the folder with its images or the file in it."
    if is_image(path):
        return "is one image; a data set is a folder with one folder of images per class. Give that folder."
    return None


# ------------------------------------------------------------------ stimuli for a trained network


def read_inputs(path: Path, schema: Schema, *, memory_limit: float | None = None) -> Inputs:
    """The stimulus in one image file, or those of all images in a folder, by the rules of the training."""
    if path.is_dir():
        return _read_folder(path, schema, memory_limit)
    room = Room.of(path, memory_limit)
    return one_image(Picture.at(path, room), schema.of_image, room)


def _read_folder(path: Path, schema: Schema, memory_limit: float | None) -> Inputs:
    """All images below a folder, named by their paths in it; with labels if each lies in a folder of a class."""
    found = images_below(path, most_others=MOST_OTHERS)
    files = [file.relative_to(path) for file in found.images]
    if not files:
        holds = f" It holds other files: {named(found.others)}." if found.others else ""
        raise DataError(f"{path}: is a folder without images.{holds} Name the files, or a folder of images.")
    room = Room.for_files(path, found.images, memory_limit)
    if isinstance(schema, ImageSchema | ArraySchema):
        room.expect_stimuli((len(files), *schema.shape))
    stimuli, notes = _apply(schema, [Picture.at(file, room) for file in found.images], room, "images")
    if found.others:
        notes.append(f"{named(found.others)}.")
    labels = torch.tensor([_label(file, schema.classes) for file in files])
    judged = None if bool((labels == labelling.UNKNOWN).all()) else labels
    names = tuple(file.as_posix() for file in files)
    return Inputs(names, as_float(stimuli), tuple(f"{path.name}: {note}" for note in notes), judged)


def _label(file: Path, classes: Sequence[str]) -> int:
    """Number of the class whose folder holds a file; `UNKNOWN`: there is none."""
    number = {name: i for i, name in enumerate(classes)}
    return next((number[name] for name in composed(file.parts[:-1]) if name in number), labelling.UNKNOWN)


def _check_size(name: str, value: Any) -> str | None:
    try:
        parse_size(value)
    except ConfigurationError as error:
        return str(error)
    return None


def _check_channels(name: str, value: Any) -> str | None:
    return None if value in (1, 3) else f"{name}: expected 1 (grey) or 3 (colour), received {value!r}."


def _check_depth(name: str, value: Any) -> str | None:
    fits = isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= DEEPEST
    return None if fits else f"{name}: expected a number of bits from 1 to {DEEPEST}, received {value!r}."


FORMAT = Format(
    name="image-folder",
    summary="a folder with one folder of images per class",
    read=read,
    options=(
        Option(
            "size", "height and width that images are scaled to; the most frequent size if not given", check=_check_size
        ),
        Option("channels", "1 (grey) or 3 (colour); those of the images if not given", check=_check_channels),
        Option(
            "depth",
            "bits of the values of images stored in more than 8 bits, so that white is 2^depth - 1; 1 for 0..1; by the "
            "largest value of the training part if not given",
            check=_check_depth,
        ),
        Option(
            "background",
            "white or black, on which transparent pixels are laid; the one that contrasts if not given",
            check=one_of(*GROUNDS),
        ),
        TEST_SHARE,
        MEMORY_LIMIT,
    ),
    belongs=Path.is_dir,
    inputs=read_inputs,
    input_folders=True,
    input_endings=("",),  # the content tells what image it is
)
