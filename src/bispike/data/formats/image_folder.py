"""Image folders: one folder per class, in `train/` and `test/` (or `val/`) if such folders exist.

    photos/cat/1.png            photos/train/cat/1.png
    photos/dog/2.jpg            photos/test/cat/9.png

Classes are named by their folders, in sorted order.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from ...errors import ConfigurationError, DataError
from .. import labels as labelling
from ..assemble import assemble
from ..dataset import Dataset
from ..memory_limit import Room
from ..option import MEMORY_LIMIT, TEST_SHARE, Option
from ..readers.images import ENDINGS, Form, Picture, decode, parse_size, survey
from ..schema import ArraySchema, Inputs, Schema
from .format import Format

TRAIN_NAMES = ("train", "training")
MOST_OTHERS = 100_000
"""Files that are no images, above which the folder of a class is taken for something else, such as a whole disk."""
TEST_NAMES = ("test", "testing", "val", "valid", "validation")


def read(
    path: Path,
    *,
    like: Schema | None = None,
    size: int | str | Sequence[int] | None = None,
    channels: int | None = None,
    test_fraction: float = 0.2,
    memory_limit: float | None = None,
) -> Dataset:
    """A data set from a folder of images.

    Args:
        path: folder with one folder per class, or with `train/` (and `test/` or `val/`) that hold these.
        size: height and width every image is scaled to; the most frequent size if not given.
        channels: 1 (grey) or 3 (colour); what the images are where not given.
        test_fraction: share that becomes the test part where there is no folder for it.
        memory_limit: GiB that reading may take (see `data.memory_limit`).

    Raises:
        DataError: no images, an empty class, one class only, images that cannot be decoded, or more than the limit.
    """
    parts = _parts(path)
    classes = _classes(parts[0])
    found = [_files(part, classes) for part in parts]
    room = Room.for_files(path, (file for files, _ in found for file in files), memory_limit)
    pictures = [[Picture.at(file, room) for file in files] for files, _ in found]
    form, notes = _form(pictures[0], room, size, channels)
    count = sum(map(len, pictures))
    room.expect(count * math.prod(form.shape), f"{count} images of {form.height}x{form.width} (choose a smaller size?)")
    stimuli = [decode(part, form, room) for part in pictures]
    numbers = [torch.tensor(labels, dtype=torch.int64) for _, labels in found]
    labels = labelling.Labels(numbers[0], numbers[1] if len(numbers) > 1 else None, tuple(classes))
    test = stimuli[1] if len(stimuli) > 1 else None
    return assemble(path.resolve().name, stimuli[0], labels, test, test_fraction=test_fraction, notes=notes)


def _parts(path: Path) -> list[Path]:
    folders = {folder.name.lower(): folder for folder in _folders(path)}
    train = next((folders[name] for name in TRAIN_NAMES if name in folders), None)
    test = next((folders[name] for name in TEST_NAMES if name in folders), None)
    if train is None:
        return [path]
    return [train] if test is None else [train, test]


def _classes(part: Path) -> list[str]:
    classes = [folder.name for folder in _folders(part)]
    if not classes:
        loose = any(_is_image(file) for file in part.iterdir())
        likely = "its images are not in folders" if loose else "it contains no folders"
        raise DataError(f"{part}: expected one folder of images per class, but {likely}.")
    if len(classes) == 1:
        raise DataError(f"{part}: expected at least 2 class folders, found only {classes[0]!r}.")
    return classes


def _files(part: Path, classes: Sequence[str]) -> tuple[list[Path], list[int]]:
    """The image files of a part, and the number of the class of each."""
    strange = sorted({folder.name for folder in _folders(part)} - set(classes))
    if strange:
        raise DataError(f"{part}: class folders {', '.join(strange)} are not in the training part.")
    found: list[Path] = []
    labels: list[int] = []
    empty = []
    for number, name in enumerate(classes):
        files = sorted(_images(part / name))
        if not files:
            empty.append(name)
        found += files
        labels += [number] * len(files)
    if not found:
        raise DataError(f"{part}: no images in the folders {', '.join(classes)}; endings read: {_endings()}.")
    if empty:
        raise DataError(
            f"{part}: no images of class {', '.join(empty)}; every class folder needs at least one. "
            f"Endings read: {_endings()}."
        )
    return found, labels


def _images(folder: Path) -> Iterator[Path]:
    """The images of a class, also in folders below its own.

    Raises:
        DataError: it has so many other files that it is no folder of images.
    """
    others = 0
    for place, _, names in os.walk(folder):
        for file in map(Path(place).joinpath, names):
            if _is_image(file):
                yield file
                continue
            others += 1
            if others > MOST_OTHERS:
                raise DataError(
                    f"{folder}: expected the images of a class, received more than {MOST_OTHERS:,} files of other "
                    "kinds. Name the folder whose folders are the classes."
                )


def _form(
    pictures: Sequence[Picture], room: Room, size: int | str | Sequence[int] | None, channels: int | None
) -> tuple[Form, list[str]]:
    form, others = survey(pictures, room)
    notes = []
    if size is not None:
        height, width = parse_size(size)
        form = Form(form.channels, height, width)
    elif others:
        notes.append(
            f"{others} of {len(pictures)} training images had another size than {form.height}x{form.width} "
            "(height x width) and were scaled; give a size to choose it."
        )
    return Form(channels or form.channels, form.height, form.width), notes


def _folders(path: Path) -> list[Path]:
    try:
        return sorted(item for item in path.iterdir() if item.is_dir() and not item.name.startswith((".", "__")))
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error}).") from error


def _is_image(file: Path) -> bool:
    return file.suffix.lower() in ENDINGS and not file.name.startswith(".") and file.is_file()


def _endings() -> str:
    return " ".join(sorted(ENDINGS))


def read_inputs(path: Path, schema: Schema, *, memory_limit: float | None = None) -> Inputs:
    """The stimulus in one image file, scaled to the size and converted to the channels that the network expects."""
    shape = schema.shape if isinstance(schema, ArraySchema) else ()
    if len(shape) != 3 or shape[0] not in (1, 3):
        raise DataError(
            f"{path}: expected stimuli of shape {list(shape)}, as in an .npy, .npz or .csv file; the network "
            "takes no images, and no other format reads such a file."
        )
    form = Form(*shape)
    room = Room.of(path, memory_limit)
    picture = Picture.at(path, room)
    try:
        found, _ = survey([picture], room)
        pixels = decode([picture], form, room)
    except DataError as error:
        raise DataError(
            f"{path}: is not a readable image, and no other format reads such a file ({' '.join(str(error).split())})."
        ) from error
    notes = []
    if (found.height, found.width) != (form.height, form.width):
        sizes = f"{found.width}x{found.height} to {form.width}x{form.height}"
        notes.append(f"{path.name}: scaled from {sizes} pixels (width x height), as the network expects.")
    if found.channels > form.channels:
        notes.append(f"{path.name}: converted from colour to grey, as the network expects.")
    return replace(schema.of_array(pixels.numpy()[0], path), notes=tuple(notes))


def _check_size(name: str, value: Any) -> str | None:
    try:
        parse_size(value)
    except ConfigurationError as error:
        return str(error)
    return None


def _check_channels(name: str, value: Any) -> str | None:
    return None if value in (1, 3) else f"{name}: expected 1 (grey) or 3 (colour), received {value!r}."


FORMAT = Format(
    name="image-folder",
    summary="a folder with one folder of images per class",
    read=read,
    options=(
        Option(
            "size", "height and width that images are scaled to; the most frequent size if not given", check=_check_size
        ),
        Option("channels", "1 (grey) or 3 (colour); those of the images if not given", check=_check_channels),
        TEST_SHARE,
        MEMORY_LIMIT,
    ),
    belongs=Path.is_dir,
    inputs=read_inputs,
    input_endings=("",),  # the content tells what image it is
)
