"""The folder of an associative memory: checkpoints of safetensors and JSON, as a run and a learner have them.

Settings and tensors become valid together, when the JSON that names the tensors is replaced. A save that is killed
leaves the memory that was there.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from torch import Tensor

from ..errors import CheckpointError
from ..json_values import list_of, number, record, whole
from ..runs import checkpoint
from ..runs.checkpoint import Checkpoint
from ..runs.marker import MEMORY

_SETTINGS = record(
    {
        "stimulus": list_of(whole(1, 2**31)),
        "concept": list_of(whole(1, 2**31)),
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
Memory = TypeVar("Memory")


def write(folder: str | Path, stored: int, settings: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> None:
    """Write a memory.

    Args:
        folder: created if it is missing.
        stored: number of pairs that were stored.
        settings: with the shapes "stimulus" and "concept".
        tensors: by name.

    Raises:
        UserError: the folder holds something else, or cannot be written.
    """
    target = Path(folder)
    checkpoint.claim_folder(target, MEMORY)
    checkpoint.save(target, Checkpoint(0, 0, stored, dict(tensors), dict(settings), {"kind": MEMORY}))


def read(folder: str | Path, build: Callable[[Checkpoint, str], Memory]) -> Memory:
    """The memory that `write` wrote.

    Args:
        folder: of the memory.
        build: makes it from a checkpoint whose values are sound settings, and the name of the folder for messages.

    Raises:
        CheckpointError: the folder has none, or it is damaged.
    """

    def use(saved: Checkpoint) -> Memory:
        if saved.identity.get("kind") != MEMORY:
            raise CheckpointError(f"{folder}: expected the folder of an associative memory, received another one.")
        _SETTINGS(saved.values, f"{folder}: settings")
        return build(saved, str(folder))

    found = checkpoint.restore(Path(folder), use, note=_warn)
    if found is None:
        raise CheckpointError(f"{folder}: is not the folder of an associative memory (it has no {checkpoint.LATEST}).")
    return found


def _warn(message: str) -> None:
    warnings.warn(message, stacklevel=6)
