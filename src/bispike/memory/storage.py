"""The folder of an associative memory: `memory.safetensors` with the tensors, `memory.json` with the settings."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from ..errors import CheckpointError
from ..files import write_atomic, write_json
from ..runs.checkpoint import read_tensors, serialise
from ..runs.marker import MEMORY, claim

TENSORS, SETTINGS = "memory.safetensors", "memory.json"
KIND = "associative memory"


def write(folder: str | Path, values: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> None:
    """Write settings and tensors, each file through a temporary one beside it."""
    target = Path(folder)
    claim(target, MEMORY, (TENSORS, SETTINGS))
    write_atomic(target / TENSORS, serialise(dict(tensors)))
    write_json(target / SETTINGS, {"kind": KIND, **values})


def read_settings(folder: str | Path) -> dict[str, Any]:
    """The settings that `write` wrote.

    Raises:
        CheckpointError: the folder has none, or they are damaged or of another kind of memory.
    """
    path = Path(folder) / SETTINGS
    if not path.is_file():
        raise CheckpointError(f"{folder}: is not the folder of an associative memory (it has no {SETTINGS}).")
    try:
        values = json.loads(path.read_text())
    except ValueError as error:
        raise CheckpointError(f"{path}: is damaged ({error}).") from error
    if values.pop("kind", None) != KIND:
        raise CheckpointError(f"{path}: expected the settings of an associative memory, received others.")
    return values


def read_weights(folder: str | Path, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Tensor]:
    """The tensors that `write` wrote.

    Args:
        folder: folder of the memory.
        shapes: expected shapes by name.

    Raises:
        CheckpointError: the file is damaged, or a tensor is missing or has another shape.
    """
    path = Path(folder) / TENSORS
    tensors = read_tensors(path)
    for name, shape in shapes.items():
        if name not in tensors or tuple(tensors[name].shape) != shape:
            raise CheckpointError(f"{path}: does not fit {SETTINGS} beside it ({name}).")
    return tensors
