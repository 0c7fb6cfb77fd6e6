"""A user's own files become stimuli for a trained network: images, .npy and .npz arrays, .csv rows.

An image is converted to the channels and the size that the network was trained on, and a note says so. An
array may hold one stimulus or many; its axes must fit. Values are read as in training: uint8 is divided by
255, the rest by the rules of `bispike.data.arrays`.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ..errors import DataError, UserError
from ..spaces import Stimulus
from .arrays import Layout
from .dataset import as_float
from .formats.images import Form, Picture, decode, survey
from .formats.npz import load_arrays

ARRAY_NAMES = ("x", "x_test", "stimuli", "arr_0")  # where an .npz with several arrays may keep the stimuli


@dataclass(frozen=True)
class Inputs:
    """Stimuli with the place that each came from.

    Args:
        names: file name, with the row where a file holds several (`digits.npy[3]`), counted from 0.
        stimuli: float32 `[N, *stimulus.shape]` in the units of training.
        notes: what was changed on the way, a sentence each.
    """

    names: tuple[str, ...]
    stimuli: Tensor
    notes: tuple[str, ...] = ()


def read_inputs(paths: Sequence[str | Path], stimulus: Stimulus) -> Inputs:
    """Read files in the order given.

    Args:
        paths: images of any format that Pillow reads, .npy, .npz or .csv files.
        stimulus: what the network expects.

    Raises:
        UserError: a file is missing, or no path was given.
        DataError: a file is damaged or does not hold such stimuli.
    """
    if not paths:
        raise UserError("inputs: expected at least one file.")
    parts = [_read(Path(path), stimulus) for path in paths]
    return Inputs(
        tuple(name for part in parts for name in part.names),
        torch.cat([part.stimuli for part in parts]),
        tuple(note for part in parts for note in part.notes),
    )


def _read(path: Path, stimulus: Stimulus) -> Inputs:
    if not path.exists():
        raise UserError(f"{path}: no such file.")
    if path.is_dir():
        raise UserError(f"{path}: is a folder; name the files in it.")
    kind = path.suffix.lower()
    try:
        if kind in (".npy", ".npz"):
            return _rows(path, _load_array(path), stimulus)
        if kind in (".csv", ".tsv", ".txt"):
            return _rows(path, _load_csv(path), stimulus)
        return _image(path, stimulus)
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error}).") from error


def _load_array(path: Path) -> np.ndarray:
    arrays = load_arrays(path)
    known = [name for name in ARRAY_NAMES if name in arrays]
    if not known and len(arrays) != 1:
        raise DataError(f"{path}: expected one array, or one named 'x'; found {', '.join(arrays) or 'nothing'}.")
    return arrays[known[0] if known else next(iter(arrays))]


def _load_csv(path: Path) -> np.ndarray:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: is not a text file in UTF-8 ({error.reason}).") from error
    delimiter = "\t" if path.suffix.lower() == ".tsv" else ","
    lines = [(number, row) for number, row in enumerate(csv.reader(text.splitlines(), delimiter=delimiter), 1) if row]
    if lines and not any(_number(cell) is not None for cell in lines[0][1]):
        lines = lines[1:]  # a heading
    if not lines:
        raise DataError(f"{path}: holds no row of numbers.")
    values = []
    for number, row in lines:
        read = [_number(cell) for cell in row]
        if len(row) != len(lines[0][1]):
            raise DataError(f"{path}, line {number}: expected {len(lines[0][1])} values, received {len(row)}.")
        if None in read:
            raise DataError(f"{path}, line {number}: {row[read.index(None)]!r} is not a number.")
        values.append([value for value in read if value is not None])
    return np.array(values, dtype=np.float64)


def _number(cell: str) -> float | None:
    try:
        return float(cell)
    except ValueError:
        return None


def _rows(path: Path, array: np.ndarray, stimulus: Stimulus) -> Inputs:
    shape = stimulus.shape
    if array.dtype.kind not in "buif":
        raise DataError(f"{path}: expected numbers, received dtype {array.dtype}.")
    order, single = _fit(path, array, shape)
    rows = array[None] if single else array
    if len(rows) == 0:
        raise DataError(f"{path}: holds no stimulus.")
    if order == "flat":
        rows, order = rows.reshape(-1, *shape), "channels-first"
    what = str(path)
    stimuli = as_float(Layout.of(rows, order=order, what=what).apply(rows, what=what))
    finite = torch.isfinite(stimuli)
    if not bool(finite.all()):
        where = (~finite).nonzero()[0].tolist()
        raise DataError(f"{path}: holds values that are not finite (NaN or infinite), the first at {where}.")
    names = (path.name,) if single or len(rows) == 1 else tuple(f"{path.name}[{i}]" for i in range(len(rows)))
    return Inputs(names, stimuli)


def _fit(path: Path, array: np.ndarray, shape: tuple[int, ...]) -> tuple[str, bool]:
    """Layout of the array with a batch axis, and whether it is a single stimulus without that axis."""
    size = math.prod(shape)
    choices: dict[tuple[int, ...], str]
    if len(shape) == 1:
        choices = {shape: "features"}
    else:
        channels, height, width = shape
        choices = {shape: "channels-first", (height, width, channels): "channels-last", (size,): "flat"}
        if channels == 1:
            choices[(height, width)] = "grey"
    if array.shape in choices:
        return choices[array.shape], True
    if array.shape[1:] in choices:
        return choices[array.shape[1:]], False
    expected = " or ".join(f"[{', '.join(map(str, axes))}]" for axes in choices)
    raise DataError(
        f"{path}: expected a stimulus of shape {expected}, or N of them on a first axis; received {list(array.shape)}."
    )


def _image(path: Path, stimulus: Stimulus) -> Inputs:
    if len(stimulus.shape) != 3 or stimulus.shape[0] not in (1, 3):
        raise DataError(
            f"{path}: expected .npy, .npz or .csv, for the network takes stimuli of shape "
            f"{list(stimulus.shape)}, not images."
        )
    form = Form(*stimulus.shape)
    try:
        found, _ = survey([Picture.at(path)])
        pixels = decode([Picture.at(path)], form)
    except DataError as error:
        raise DataError(f"{path}: is not a readable image, .npy, .npz or .csv file.") from error
    notes = []
    if (found.height, found.width) != (form.height, form.width):
        sizes = f"{found.width}x{found.height} to {form.width}x{form.height}"
        notes.append(f"{path.name}: scaled from {sizes} pixels (width x height), as the network expects.")
    if found.channels > form.channels:
        notes.append(f"{path.name}: converted from colour to grey, as the network expects.")
    return Inputs((path.name,), as_float(pixels), tuple(notes))
