"""The marker of a folder that bispike writes: which of the files in it are bispike's own.

    bispike.json    {"writer": "bispike", "kind": "run", "format": 1, "id": "5f2c...", "files": ["config.toml", ...]}

It is written before the files that it names. What it does not name belongs to somebody else, and a folder without a
marker belongs to somebody else entirely: such files are neither replaced nor removed. The `id` is drawn once for each
run, study, learner or memory.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..arguments import with_article
from ..errors import CheckpointError, DamagedError, UserError
from ..files import is_link, make_folder, parse_json, read_bytes, status_of, write_json

MARKER = "bispike.json"
FORMAT = 1
RUN, STUDY, LEARNER, MEMORY, RESULTS = "run", "study", "learner", "associative memory", "results"
KINDS = (RUN, STUDY, LEARNER, MEMORY, RESULTS)
"""`RESULTS` are files that a verb writes into any folder, also into that of a run."""
_WRITER = "bispike"
_LARGEST = 2**20  # bytes


@dataclass(frozen=True)
class Marker:
    """What a marker says.

    Args:
        kind: of the folder, one of `KINDS`.
        id: 32 hexadecimal digits, drawn once.
        files: names in the folder that bispike wrote or is about to write, without their folder.
        origin: what says which user made a run (`runs.origin`); empty if nothing does.
    """

    kind: str
    id: str
    files: frozenset[str]
    origin: str = ""


def read_marker(folder: str | Path) -> Marker | None:
    """The marker of a folder; None if the folder has none, or one that bispike did not write.

    Raises:
        CheckpointError: a later version of bispike wrote it.
    """
    path = Path(folder) / MARKER
    values = _read(path)
    if values is None or values.get("writer") != _WRITER or values.get("kind") not in KINDS:
        return None
    number, names = values.get("format"), values.get("files")
    if type(number) is not int or not isinstance(values.get("id"), str) or not isinstance(names, list):
        return None
    if number > FORMAT:
        raise CheckpointError(
            f"{path}: expected format {FORMAT} or earlier, received {number}: a later version of bispike wrote this "
            "folder. Use that version."
        )
    origin = values.get("origin", "")
    own = frozenset(name for name in names if is_name(name))
    return Marker(values["kind"], values["id"], own, origin if isinstance(origin, str) else "")


def mark(folder: str | Path, kind: str, files: Iterable[str]) -> Marker:
    """Mark a folder as a new one of its kind, under a new id.

    Raises:
        BispikeError: the marker cannot be written.
    """
    return write_marker(Path(folder), Marker(kind, secrets.token_hex(16), frozenset(files)))


def write_marker(folder: Path, marker: Marker) -> Marker:
    """Write the marker of a folder.

    Raises:
        BispikeError: it cannot be written.
    """
    values = {"writer": _WRITER, "kind": marker.kind, "format": FORMAT, "id": marker.id, "files": sorted(marker.files)}
    write_json(folder / MARKER, values | ({"origin": marker.origin} if marker.origin else {}))
    return marker


def claim(folder: str | Path, kind: str, files: Iterable[str]) -> Marker:
    """Create or open a folder for files that are about to be written, and name them in its marker.

    Args:
        folder: created if it is missing.
        kind: of the folder. `RESULTS` may also be written into a folder of another kind.
        files: their names.

    Raises:
        UserError: as for `check_claim`, or the folder cannot be written.
    """
    names = frozenset(files)
    marker = check_claim(folder, kind, names)
    target = make_folder(folder)
    if marker is None:
        return mark(target, kind, names)
    return marker if names <= marker.files else write_marker(target, replace(marker, files=marker.files | names))


def check_claim(folder: str | Path, kind: str, files: Iterable[str]) -> Marker | None:
    """Check that `claim` will succeed, before the work whose results are to be written. Nothing is changed.

    Returns:
        The marker of the folder; None if it has none.

    Raises:
        UserError: the folder is of another kind, or one of the files is there and bispike did not write it.
    """
    target, names = Path(folder), frozenset(files)
    marker = read_marker(target)
    if marker is not None and kind not in (marker.kind, RESULTS):
        raise UserError(
            f"{target}: expected the folder of {_a(kind)}, received that of {_a(marker.kind)}. Choose another folder."
        )
    own = frozenset() if marker is None else marker.files
    checked = names | {MARKER} if marker is None else names
    foreign = sorted(name for name in checked if _is_foreign(target / name, own=name in own))
    if foreign:
        raise UserError(
            f"{target}: holds {', '.join(foreign)}, which bispike did not write. Choose another folder, or move "
            f"{'it' if len(foreign) == 1 else 'them'} away."
        )
    return marker


def _a(kind: str) -> str:
    """A kind of folder with its article; results are many."""
    return kind if kind == RESULTS else with_article(kind)


def _is_foreign(path: Path, *, own: bool) -> bool:
    """Whether bispike did not write what stands at a path: it never writes links."""
    return is_link(path) if own else status_of(path) is not None


def is_name(value: object) -> bool:
    """Whether a value is the plain name of a file, without a folder."""
    return isinstance(value, str) and value not in ("", ".", "..") and not set(value) & {"/", "\\", "\0"}


def _read(path: Path) -> dict[str, Any] | None:
    """A JSON object from a small regular file; None for everything else, also for a link."""
    if status_of(path) is None:
        return None
    try:
        return parse_json(read_bytes(path, most=_LARGEST, follow_link=False), str(path))
    except (FileNotFoundError, DamagedError):
        return None
