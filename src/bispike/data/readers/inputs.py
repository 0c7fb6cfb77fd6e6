"""Stimuli from one file of a user, for a network that is trained: their shapes must fit what the network expects.

An array may hold one stimulus or many. Values are read as in training: uint8 is divided by 255, the rest by the
rules of `bispike.data.arrays`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ...errors import DataError
from ...spaces import Stimulus
from ..arrays import Layout
from ..dataset import as_float


@dataclass(frozen=True)
class Inputs:
    """Stimuli with the name of the file and row that each came from.

    Args:
        names: file name, with the row where a file holds several (`digits.npy[3]`), counted from 0.
        stimuli: float32 `[N, *stimulus.shape]` in the units of training.
        notes: what was converted, one sentence each.
    """

    names: tuple[str, ...]
    stimuli: Tensor
    notes: tuple[str, ...] = ()


def from_array(path: Path, array: np.ndarray, stimulus: Stimulus) -> Inputs:
    """Stimuli in an array.

    Args:
        path: where it came from, for names and messages.
        array: one stimulus `[*shape]`, or N of them `[N, *shape]`; images also with their channels last, or flat.
        stimulus: what the network expects.

    Raises:
        DataError: another shape, no numbers, or values that are not finite.
    """
    shape = stimulus.shape
    if array.dtype.kind not in "buif":
        raise DataError(f"{path}: expected numbers, received dtype {array.dtype}.")
    order, single = _layout(path, array, shape)
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


def _layout(path: Path, array: np.ndarray, shape: tuple[int, ...]) -> tuple[str, bool]:
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
