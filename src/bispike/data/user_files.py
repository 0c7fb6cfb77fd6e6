"""A user's own files and arrays become stimuli for a trained network: images, arrays, tables, events.

Each format reads its own files (`Format.inputs`), and the schema of the training brings their content to the form that
the network was trained on, with notes about what it converted.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from ..errors import ConfigurationError, DataError, UserError
from . import formats
from .assemble import as_array
from .dataset import Dataset, Split
from .formats import npz
from .labels import UNKNOWN as UNKNOWN
from .memory_limit import Room
from .option import MEMORY_LIMIT
from .readers.contents import exists
from .schema import Inputs as Inputs
from .schema import Schema, TableSchema

Source = Any
"""A path, a NumPy array or tensor of one or N stimuli, such arrays by name, an image of Pillow, or a table (DataFrame,
dict of columns or of the values of one row, list of such rows, row of a DataFrame, structured array)."""


def read_inputs(sources: Sequence[Source], schema: Schema, *, memory_limit: float | None = None) -> Inputs:
    """Read files and arrays in the order given.

    Args:
        sources: paths of files whose format reads stimuli, such as images, .npy, .npz or .csv; or arrays, tensors,
            tables, images (see `Source`).
        schema: how the data of the training were read.
        memory_limit: GiB that reading a file may take (see `data.memory_limit`).

    Returns:
        Inputs: of all sources; a label is `UNKNOWN` where its source names no class.

    Raises:
        UserError: a file is missing, no source was given, or the limit is no positive number.
        DataError: a source is damaged or does not contain such stimuli.
    """
    if not len(sources):
        raise UserError("inputs: expected at least one file.")
    if memory_limit is not None and (wrong := MEMORY_LIMIT.problem(memory_limit)):
        raise ConfigurationError(wrong)
    given = {} if memory_limit is None else {MEMORY_LIMIT.name: memory_limit}
    parts = [_read(source, schema, given) for source in sources]
    labels = None
    if any(part.labels is not None for part in parts):
        unknown = [torch.full((len(part.stimuli),), UNKNOWN) for part in parts]
        labels = torch.cat([u if part.labels is None else part.labels for part, u in zip(parts, unknown, strict=True)])
    return Inputs(
        _names(sources, parts),
        torch.cat([part.stimuli for part in parts]),
        _together([note for part in parts for note in part.notes], len(parts)),
        labels,
    )


def _names(sources: Sequence[Source], parts: Sequence[Inputs]) -> tuple[str, ...]:
    """Names of all stimuli; with the path of their source where two sources have the same."""
    seen = Counter(name for part in parts for name in dict.fromkeys(part.names))
    found: list[str] = []
    for source, part in zip(sources, parts, strict=True):
        path = Path(source) if isinstance(source, str | os.PathLike) else None
        for name in part.names:
            if path is None or seen[name] == 1:
                found.append(name)
            elif name.startswith(path.name):
                found.append(f"{path.parent.as_posix()}/{name}")
            else:
                found.append(f"{path.as_posix()}/{name}")
    return tuple(found)


def _together(notes: Sequence[str], sources: int) -> tuple[str, ...]:
    """Each note once; those that differ only in the name before them become one with a count."""
    said = Counter(_text_of(note) for note in dict.fromkeys(notes))
    merged = (
        f"{n} of {sources} sources: {_text_of(note)}" if (n := said[_text_of(note)]) > 1 else note for note in notes
    )
    return tuple(dict.fromkeys(merged))


def _text_of(note: str) -> str:
    """A note without the name of the file before it."""
    return note.partition(": ")[2] or note


def _read(source: Source, schema: Schema, options: dict[str, Any]) -> Inputs:
    if isinstance(source, str | os.PathLike):
        return _read_file(Path(source), schema, options)
    if isinstance(source, Dataset | Split):
        raise DataError(f"array: expected stimuli, received a {type(source).__name__}. Give data.test.stimuli.")
    if isinstance(source, Mapping) and not isinstance(schema, TableSchema):  # also what np.load gives of an .npz file
        try:
            arrays = {str(name): as_array(values, f"array {name!r}") for name, values in source.items()}
        except ValueError as error:
            raise DataError(f"arrays: {error}") from error
        return npz.inputs_of(arrays, Path("arrays"), schema, Room.of(Path("arrays"), options.get(MEMORY_LIMIT.name)))
    kind = type(source).__module__.partition(".")[0]
    if kind == "PIL":
        return schema.of_image(source, "image")
    if _has_names(source, schema):
        from .readers.table import Table

        return schema.of_table(Table.of(source), "table")
    return schema.of_array(as_array(source, "array"), "array")


def _has_names(source: Source, schema: Schema) -> bool:
    """Whether a source in memory is a table: a frame, a dict, dicts of rows, or a row or rows with names of columns."""
    rows = isinstance(source, list | tuple) and len(source) > 0 and all(isinstance(one, Mapping) for one in source)
    if hasattr(source, "columns") or isinstance(source, Mapping) or rows:
        return True
    if not isinstance(schema, TableSchema):
        return False
    named = hasattr(source, "to_frame") and all(isinstance(name, str) for name in source.index[:1])
    return named or bool(getattr(getattr(source, "dtype", None), "names", None))


def _read_file(path: Path, schema: Schema, options: dict[str, Any]) -> Inputs:
    if not exists(path):
        raise UserError(f"{path}: no such file.")
    found = formats.for_inputs(path, schema.kind)
    if found is None and path.is_dir():
        raise UserError(f"{path}: is a folder; name the files in it.")
    if found is None or found.inputs is None:
        raise DataError(f"{path}: no format reads stimuli from such a file.")
    try:
        return found.inputs(path, schema, **options)
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error}).") from error
