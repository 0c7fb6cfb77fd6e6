"""Checkpoints that stay valid if the process is killed at any moment.

    checkpoint/step-00001234-1f2e3d4c.safetensors    all tensors; the name ends with the start of its SHA-256
    checkpoint/latest.json                           position, plain values, checksum of the tensors
    checkpoint/previous.json                         the checkpoint before, which names its own tensors

The tensors are written and synced first; then `latest.json` is replaced, which makes the checkpoint valid. Files of
tensors that neither JSON file names are left over from a kill and are removed. Nothing is a pickle.

What is read is not trusted: `latest.json` names only files of its own folder, and a checkpoint that is damaged or does
not fit what it is restored into gives way to the one before it.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import platform
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor, nn

from .._version import __version__
from ..errors import CheckpointError, DamagedError
from ..files import MOST_TEXT, describe, make_folder, read_bytes, read_json, remove_unfinished, write_atomic, write_json
from ..json_values import is_table, is_text, record, whole
from ..restoring import LEAST, fit_tensors
from .marker import claim, read_marker

FORMAT = 2
LATEST, PREVIOUS = "latest.json", "previous.json"
_PLAIN = ("epoch", "step", "updates", "values", "identity")  # the fields without tensors
_ENTRY = "entry"  # their name among the tensors in `to_bytes`
_FILE = re.compile(r"step-[0-9]{8,}-[0-9a-f]{8}\.safetensors")
_CHECK = record(
    {
        "file": is_text,
        "sha256": is_text,
        "epoch": whole(),
        "step": whole(),
        "updates": whole(),
        "values": is_table,
        "identity": is_table,
    }
)
T = TypeVar("T")


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
        entry: name of the JSON file that it was read from.
    """

    epoch: int
    step: int
    updates: int
    tensors: dict[str, Tensor]
    values: dict[str, Any]
    identity: dict[str, Any] = field(default_factory=dict)
    entry: str = field(default=LATEST, compare=False)

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
    with contextlib.suppress(FileNotFoundError, DamagedError):
        write_atomic(folder / PREVIOUS, read_bytes(folder / LATEST, most=MOST_TEXT))
    write_json(folder / LATEST, entry)
    remove_leftovers(folder)


def keep_only(folder: Path, saved: Checkpoint) -> None:
    """Make a checkpoint the latest one, so that no damaged one takes the place of a sound one at the next save."""
    if saved.entry != LATEST:
        write_atomic(folder / LATEST, read_bytes(folder / saved.entry, most=MOST_TEXT))
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
    """The latest intact checkpoint; None if there is none yet. Arguments and errors as for `restore`."""
    return restore(folder, lambda saved: saved, note=note)


def restore(
    folder: Path, use: Callable[[Checkpoint], T], *, note: Callable[[str], None] = lambda message: None
) -> T | None:
    """What the latest sound checkpoint is turned into; None if there is none yet.

    Args:
        folder: the checkpoint folder.
        use: restores a checkpoint. A DamagedError means that it does not fit, so that the one before it is tried; then
            nothing may have been changed.
        note: receives a message if the latest checkpoint is damaged and the previous one is used.

    Raises:
        CheckpointError: all checkpoints are damaged, or one has another format.
    """
    problems: list[str] = []
    for name in (LATEST, PREVIOUS):
        try:
            saved = _load(folder, name)
            if saved is None:
                continue
            used = use(saved)
        except DamagedError as damage:
            problems.append(str(damage))
            continue
        for problem in problems:
            note(f"{problem} Resuming from the checkpoint before it.")
        return used
    if problems:
        raise DamagedError(
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
            entry = read_json(folder / name)
            if entry is not None:
                record({"file": is_text})(entry, name)
                named.add(entry["file"])
        except DamagedError:
            return  # leave all files, so that a person can look at them
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


def claim_folder(folder: Path, kind: str) -> None:
    """Mark a folder that holds checkpoints and nothing else, or check that it is one of this kind.

    Raises:
        UserError: it is of another kind, or holds files of these names that bispike did not write.
    """
    present = [] if read_marker(folder) else own_files(folder)
    claim(folder, kind, (LATEST, PREVIOUS, *present))


def is_own(name: str) -> bool:
    """Whether a name in a checkpoint folder is one that `save` gives."""
    return name in (LATEST, PREVIOUS) or _FILE.fullmatch(name) is not None


def serialise(tensors: dict[str, Tensor]) -> bytes:
    """Tensors as the bytes of a safetensors file."""
    return save_tensors({name: value.detach().cpu().contiguous() for name, value in tensors.items()})


def read_tensors(path: Path) -> dict[str, Tensor]:
    """The tensors of a safetensors file.

    Raises:
        DamagedError: missing or damaged.
        UserError, WorkError: the system cannot read it.
    """
    try:
        content = read_bytes(path)
    except FileNotFoundError as error:
        raise DamagedError(
            f"{path}: expected the weights of the run, found no such file. Restore it from a copy."
        ) from error
    return _parse(content, path)


def load_weights(network: nn.Module, weights: Mapping[str, Tensor], source: object) -> None:
    """Copy weights into a network.

    Raises:
        DamagedError: names, shapes or types differ, or values are not finite; no weight was changed.
    """
    expect_weights(network.state_dict(), weights, source)
    network.load_state_dict(weights)


def expect_weights(expected: Mapping[str, Tensor], weights: Mapping[str, Tensor], source: object) -> None:
    """Check that weights can be loaded in place of those of a network, as `load_weights` does.

    Raises:
        DamagedError: names, shapes or types differ, or values are not finite.
    """
    fit_tensors(weights, expected, f"{source}: weights", least=LEAST)


def _load(folder: Path, name: str) -> Checkpoint | None:
    path = folder / name
    entry = read_json(path)
    if entry is None:
        return None
    record({"format": whole()})(entry, str(path))
    if entry["format"] != FORMAT:
        versions = entry.get("versions")
        writer = versions.get("bispike", "?") if isinstance(versions, dict) else "?"
        raise CheckpointError(
            f"{path}: expected checkpoint format {FORMAT}, which bispike {__version__} reads; received checkpoint "
            f"format {entry['format']}, written by bispike {writer}. Resume with that version."
        )
    _CHECK(entry, str(path))
    if not _FILE.fullmatch(entry["file"]):
        raise DamagedError(
            f"{path}: file: expected the name of tensors in its own folder (step-N-HASH.safetensors), received "
            f"{entry['file']!r}."
        )
    tensors = folder / entry["file"]
    try:
        content = read_bytes(tensors, follow_link=False)
    except FileNotFoundError as error:
        raise DamagedError(f"{tensors}: is missing.") from error
    if hashlib.sha256(content).hexdigest() != entry["sha256"]:
        raise DamagedError(f"{tensors}: is damaged (its checksum differs from the one in {name}).")
    plain = {key: entry[key] for key in _PLAIN}
    return Checkpoint(tensors=_parse(content, tensors), entry=name, **plain)


def _parse(content: bytes, source: object = "received tensors") -> dict[str, Tensor]:
    # A copy is aligned as any other tensor is; kernels may round differently at another alignment.
    try:
        return {name: value.clone() for name, value in load_tensors(content).items()}
    except (SafetensorError, ValueError, KeyError, RuntimeError, OverflowError, TypeError) as error:
        raise DamagedError(
            f"{source}: expected a safetensors file, received a damaged or another one ({error}). Restore it from a "
            "copy."
        ) from error
