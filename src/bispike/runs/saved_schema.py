"""How the data of a run were read, in its folder: `schema.json`."""

from __future__ import annotations

from pathlib import Path

from ..data import schema as schemas
from ..data.schema import Schema
from ..errors import CheckpointError
from ..files import read_json, write_json
from .folder import SCHEMA


def write_schema(folder: Path, schema: Schema | None) -> None:
    """Write a schema into the folder of a run; nothing where it is not known."""
    if schema is not None:
        write_json(folder / SCHEMA, schemas.to_dict(schema))


def read_schema(folder: str | Path) -> Schema | None:
    """The schema of a run; None if its data set had none.

    Raises:
        DamagedError: the file is damaged.
    """
    path = Path(folder) / SCHEMA
    return schemas.from_dict(read_json(path), str(path)) if path.is_file() else None


def expect_schema(schema: Schema | None, folder: object) -> Schema:
    """The schema of a run, by which files of a user are read.

    Raises:
        CheckpointError: the run has none.
    """
    if schema is None:
        raise CheckpointError(
            f"{folder}: expected a run that says how its data were read ({SCHEMA}), found none: its data set was made "
            "without a schema, or the file was removed. Train again with a data set of bispike.data."
        )
    return schema
