"""Checkpoints that stay valid if the process is killed at any moment.

    checkpoint/step-00001234-1f2e3d4c.safetensors    all tensors; the name ends with the start of its SHA-256
    checkpoint/latest.json                           position, plain values, checksum of the tensors
    checkpoint/previous.json                         the checkpoint before, which names its own tensors

The tensors are written and synced first; then `latest.json` is replaced, which makes the checkpoint valid. Files of
tensors that neither JSON file names are left over from a kill and are removed. Nothing is a pickle.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import platform
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor, nn

from .._version import __version__
from ..errors import CheckpointError
from ..files import describe, make_folder, remove_unfinished, write_atomic, write_json

FORMAT = 2
LATEST, PREVIOUS = "latest.json", "previous.json"
_TENSORS = re.compile(r"step-\d{8,}-[0-9a-f]{8}\.safetensors")
_PLAIN = ("epoch", "step", "updates", "values", "identity")  # the fields without tensors
_ENTRY = "entry"  # their name among the tensors in `to_bytes`


@dataclass
class Checkpoint:
    """A training between two steps.

    Args:
        epoch: index of the current epoch.
        step: number of its finished steps.
        updates: number of finished steps in all epochs.
        tensors: by "network/...", "rule/...", "optimizer/..." and "best/..." names.
        values: plain values, as JSON represents them.
        identity: settings, network, rule and fingerprint of the data, which must agree when the training resumes.
    """

    epoch: int
    step: int
    updates: int
    tensors: dict[str, Tensor]
    values: dict[str, Any]
    identity: dict[str, Any] = field(default_factory=dict)

    def group(self, name: str) -> dict[str, Tensor]:
        """The tensors of one group, such as "network", by their names in it."""
        prefix = f"{name}/"
        return {key.removeprefix(prefix): value for key, value in self.tensors.items() if key.startswith(prefix)}


def versions() -> dict[str, str]:
    """Versions on which a result may depend beside the settings."""
    return {"bispike": __version__, "torch": torch.__version__, "python": platform.python_version()}


def save(folder: Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint into the checkpoint folder; the latest one so far becomes the previous one."""
    make_folder(folder)
    content = serialise(checkpoint.tensors)
    digest = hashlib.sha256(content).hexdigest()
    name = f"step-{checkpoint.updates:08d}-{digest[:8]}.safetensors"
    write_atomic(folder / name, content)
    entry = {"format": FORMAT, "file": name, "sha256": digest, "versions": versions()}
    entry |= {key: getattr(checkpoint, key) for key in _PLAIN}
    latest = folder / LATEST
    if latest.exists():
        write_atomic(folder / PREVIOUS, latest.read_bytes())
    write_json(latest, entry)
    remove_leftovers(folder)


def to_bytes(checkpoint: Checkpoint) -> bytes:
    """A checkpoint as bytes, for another process."""
    entry = json.dumps({key: getattr(checkpoint, key) for key in _PLAIN}).encode()
    return serialise({**checkpoint.tensors, _ENTRY: torch.frombuffer(bytearray(entry), dtype=torch.uint8)})


def from_bytes(content: bytes) -> Checkpoint:
    """The checkpoint that `to_bytes` turned into bytes."""
    tensors = _parse(content)
    entry = json.loads(tensors.pop(_ENTRY).numpy().tobytes())
    return Checkpoint(tensors=tensors, **entry)


def load(folder: Path, *, note: Callable[[str], None] = lambda message: None) -> Checkpoint | None:
    """The latest intact checkpoint; None if there is none yet.

    Args:
        folder: the checkpoint folder.
        note: receives a message if the latest checkpoint is damaged and the previous one is used.

    Raises:
        CheckpointError: all checkpoints are damaged, or one has another format.
    """
    problems = []
    for name in (LATEST, PREVIOUS):
        if not (folder / name).exists():
            continue
        try:
            checkpoint = _load(folder, name)
        except _Damaged as damage:
            problems.append(str(damage))
            continue
        for problem in problems:
            note(f"{problem} Resuming from the checkpoint before it.")
        return checkpoint
    if problems:
        raise CheckpointError(
            f"{' '.join(problems)} No intact checkpoint is left: restore the file from a copy, or begin again "
            "with --overwrite (overwrite=True)."
        )
    return None


def remove_leftovers(folder: Path) -> None:
    """Remove unfinished files of a killed process, and tensors that no checkpoint names."""
    remove_unfinished(folder, is_own)
    named = set()
    for name in (LATEST, PREVIOUS):
        try:
            named.add(json.loads((folder / name).read_text(encoding="utf-8"))["file"])
        except FileNotFoundError:
            continue
        except (ValueError, KeyError, TypeError):
            return  # damaged: leave all files, so that a person can look at them
    for path in folder.glob("step-*.safetensors"):
        if path.name not in named and is_own(path.name):
            with contextlib.suppress(OSError):  # the checkpoint is complete; the next one tries again
                path.unlink()


def own_files(folder: Path) -> list[str]:
    """The names in a checkpoint folder that `save` gives; [] if there is no folder."""
    try:
        return [name for name in os.listdir(folder) if is_own(name)]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise describe(error, folder) from error


def is_own(name: str) -> bool:
    """Whether a name in a checkpoint folder is one that `save` gives."""
    return name in (LATEST, PREVIOUS) or _TENSORS.fullmatch(name) is not None


def serialise(tensors: dict[str, Tensor]) -> bytes:
    """Tensors as the bytes of a safetensors file."""
    return save_tensors({name: value.detach().cpu().contiguous() for name, value in tensors.items()})


def read_tensors(path: Path) -> dict[str, Tensor]:
    """The tensors of a safetensors file.

    Raises:
        CheckpointError: missing or damaged.
    """
    try:
        return _parse(path.read_bytes())
    except FileNotFoundError as error:
        raise CheckpointError(
            f"{path}: expected the weights of the run, found no such file. Restore it from a copy."
        ) from error
    except OSError as error:
        raise describe(error, path) from error
    except (SafetensorError, ValueError) as error:
        raise CheckpointError(
            f"{path}: expected a safetensors file, received a damaged or another one ({error}). Restore it from a copy."
        ) from error


def load_weights(network: nn.Module, weights: dict[str, Tensor], source: object) -> None:
    """Copy weights into a network.

    Raises:
        CheckpointError: names or shapes differ.
    """
    try:
        network.load_state_dict(weights)
    except RuntimeError as error:
        lines = str(error).splitlines()
        detail = "; ".join(line.strip() for line in lines[1:4]) or str(error)
        raise CheckpointError(f"{source}: the weights do not fit this network: {detail}") from error


class _Damaged(Exception):
    """A checkpoint that cannot be read; the previous one may be intact."""


def _load(folder: Path, name: str) -> Checkpoint:
    path = folder / name
    try:
        entry = json.loads(path.read_text(encoding="utf-8"))
        written = entry["format"]
    except (ValueError, KeyError, TypeError) as error:
        raise _Damaged(f"{path}: is damaged (not the JSON of a checkpoint).") from error
    except OSError as error:
        raise describe(error, path) from error
    if written != FORMAT:
        raise CheckpointError(
            f"{path}: expected checkpoint format {FORMAT}, which bispike {__version__} reads; received checkpoint "
            f"format {written}, written by bispike {entry.get('versions', {}).get('bispike', '?')}. "
            "Resume with that version."
        )
    try:
        tensors = folder / entry["file"]
        content = tensors.read_bytes()
        if hashlib.sha256(content).hexdigest() != entry["sha256"]:
            raise _Damaged(f"{tensors}: is damaged (its checksum differs from the one in {name}).")
        return Checkpoint(
            entry["epoch"],
            entry["step"],
            entry["updates"],
            _parse(content),
            entry["values"],
            entry["identity"],
        )
    except FileNotFoundError as error:
        raise _Damaged(f"{tensors}: is missing.") from error
    except OSError as error:
        raise describe(error, tensors) from error
    except (KeyError, TypeError, SafetensorError) as error:
        raise _Damaged(f"{path}: is damaged ({error}).") from error


def _parse(content: bytes) -> dict[str, Tensor]:
    # A copy is aligned as any other tensor is; kernels may round differently at another alignment.
    return {name: value.clone() for name, value in load_tensors(content).items()}
