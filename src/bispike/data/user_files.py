"""A user's own files become stimuli for a trained network: images, arrays, rows of tables.

Each format reads its own files (`Format.inputs`), and the schema of the training brings their content to the form that
the network was trained on, with notes about what it converted.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from ..errors import ConfigurationError, DataError, UserError
from . import formats
from .option import MEMORY_LIMIT
from .readers.contents import exists
from .schema import Inputs as Inputs
from .schema import Schema


def read_inputs(paths: Sequence[str | Path], schema: Schema, *, memory_limit: float | None = None) -> Inputs:
    """Read files in the order given.

    Args:
        paths: files whose format reads stimuli, such as images, .npy, .npz or .csv.
        schema: how the data of the training were read.
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
    parts = [_read(Path(path), schema, given) for path in paths]
    labels = [part.labels for part in parts if part.labels is not None]
    return Inputs(
        tuple(name for part in parts for name in part.names),
        torch.cat([part.stimuli for part in parts]),
        tuple(dict.fromkeys(note for part in parts for note in part.notes)),
        torch.cat(labels) if len(labels) == len(parts) else None,
    )


def _read(path: Path, schema: Schema, options: dict[str, Any]) -> Inputs:
    if not exists(path):
        raise UserError(f"{path}: no such file.")
    found = formats.for_inputs(path)
    if found is None and path.is_dir():
        raise UserError(f"{path}: is a folder; name the files in it.")
    if found is None or found.inputs is None:
        raise DataError(f"{path}: no format reads stimuli from such a file.")
    try:
        return found.inputs(path, schema, **options)
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error}).") from error
