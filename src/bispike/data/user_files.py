"""A user's own files become stimuli for a trained network: images, arrays, rows of tables.

Each format reads its own files (`Format.inputs`). An image is converted to the channels and the size that the network
was trained on, with a note about it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from ..errors import ConfigurationError, DataError, UserError
from ..spaces import Stimulus
from . import formats
from .option import MEMORY_LIMIT
from .readers.contents import exists
from .readers.inputs import Inputs as Inputs


def read_inputs(paths: Sequence[str | Path], stimulus: Stimulus, *, memory_limit: float | None = None) -> Inputs:
    """Read files in the order given.

    Args:
        paths: files whose format reads stimuli, such as images, .npy, .npz or .csv.
        stimulus: what the network expects.
        memory_limit: GiB that reading a file may take (see `data.memory_limit`).

    Raises:
        UserError: a file is missing, no path was given, or the limit is no positive number.
        DataError: a file is damaged or does not contain such stimuli.
    """
    if not paths:
        raise UserError("inputs: expected at least one file.")
    if memory_limit is not None and (wrong := MEMORY_LIMIT.problem(memory_limit)):
        raise ConfigurationError(wrong)
    given = {} if memory_limit is None else {MEMORY_LIMIT.name: memory_limit}
    parts = [_read(Path(path), stimulus, given) for path in paths]
    return Inputs(
        tuple(name for part in parts for name in part.names),
        torch.cat([part.stimuli for part in parts]),
        tuple(note for part in parts for note in part.notes),
    )


def _read(path: Path, stimulus: Stimulus, options: dict[str, Any]) -> Inputs:
    if not exists(path):
        raise UserError(f"{path}: no such file.")
    if path.is_dir():
        raise UserError(f"{path}: is a folder; name the files in it.")
    found = formats.for_inputs(path)
    if found is None or found.inputs is None:
        raise DataError(f"{path}: no format reads stimuli from such a file.")
    try:
        return found.inputs(path, stimulus, **options)
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error}).") from error
