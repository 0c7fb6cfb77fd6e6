"""A user's own files become stimuli for a trained network: images, arrays, rows of tables.

Each format reads its own files (`Format.inputs`). An image is converted to the channels and the size that the network
was trained on, with a note about it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch

from ..errors import DataError, UserError
from ..spaces import Stimulus
from . import formats
from .readers.inputs import Inputs as Inputs


def read_inputs(paths: Sequence[str | Path], stimulus: Stimulus) -> Inputs:
    """Read files in the order given.

    Args:
        paths: files whose format reads stimuli, such as images, .npy, .npz or .csv.
        stimulus: what the network expects.

    Raises:
        UserError: a file is missing, or no path was given.
        DataError: a file is damaged or does not contain such stimuli.
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
    found = formats.for_inputs(path)
    if found is None or found.inputs is None:
        raise DataError(f"{path}: no format reads stimuli from such a file.")
    try:
        return found.inputs(path, stimulus)
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error}).") from error
