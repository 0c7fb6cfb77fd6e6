"""The folder of an associative memory: `memory.safetensors` with the tensors, `memory.json` with the settings."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from ..errors import CheckpointError
from ..files import read_json, write_atomic, write_json
from ..restoring import fit_tensors
from ..runs.checkpoint import read_tensors, serialise
from ..runs.marker import MEMORY, claim
from ..schema import list_of, number, record, whole

TENSORS, SETTINGS = "memory.safetensors", "memory.json"
KIND = "associative memory"
_SETTINGS = record(
    {
        "stimulus": list_of(whole(1, 2**31)),
        "concept": list_of(whole(1, 2**31)),
        "stored": whole(),
        "time_steps": whole(1),
        "rate": number(),
        "passes": whole(1),
        "flipped": number(),
        "flipped_concept": number(),
        "hidden": number(),
        "seed": whole(-(2**63), 2**63 - 1),
    },
    others=False,
)


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
    values = read_json(path)
    if values is None:
        raise CheckpointError(f"{folder}: is not the folder of an associative memory (it has no {SETTINGS}).")
    if values.pop("kind", None) != KIND:
        raise CheckpointError(f"{path}: expected the settings of an associative memory, received others.")
    _SETTINGS(values, str(path))
    return values


def read_weights(folder: str | Path, expected: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors that `write` wrote.

    Args:
        folder: folder of the memory.
        expected: tensors of the expected shapes and types by name; values do not count.

    Raises:
        DamagedError: the file is damaged, or a tensor does not fit.
    """
    path = Path(folder) / TENSORS
    tensors = read_tensors(path)
    fit_tensors(tensors, expected, f"{path} (beside {SETTINGS})")
    return tensors
