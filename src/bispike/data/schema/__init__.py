"""How the data of a training were read, so that files in use mean the same: one class per kind of data.

A data set carries its schema, a run's folder holds it as `schema.json`, and a saved learner holds it too. What is
decided by looking at a file (units, columns, bins) is decided once, from the training part, and kept here.
"""

from __future__ import annotations

from typing import Any

from ...json_values import expect, is_table
from .array_schema import ArraySchema as ArraySchema
from .events_schema import EventsSchema as EventsSchema
from .image_schema import ImageSchema as ImageSchema
from .schema import Inputs as Inputs
from .schema import Schema as Schema
from .series_schema import SeriesSchema as SeriesSchema
from .table_schema import TableSchema as TableSchema
from .text_schema import TextSchema as TextSchema
from .units import Units as Units

FORMAT = 1
registry: dict[str, type[Schema]] = {}
"""The classes of schemas by their kind."""


def register(kind: type[Schema]) -> type[Schema]:
    """Add a class of schemas, so that the folder of a run may hold one."""
    registry[kind.kind] = kind
    return kind


register(ArraySchema)
register(ImageSchema)
register(EventsSchema)
register(SeriesSchema)
register(TextSchema)
register(TableSchema)


def to_dict(schema: Schema) -> dict[str, Any]:
    """A schema as plain values, for JSON."""
    return {"format": FORMAT, "kind": schema.kind, **schema.to_dict()}


def from_dict(values: Any, place: str) -> Schema:
    """The schema that `to_dict` gave.

    Args:
        values: from a file, not trusted.
        place: the file, for messages.

    Raises:
        DamagedError: the values are no schema.
    """
    is_table(values, place)
    given = dict(values)
    kind, version = given.pop("kind", None), given.pop("format", None)
    expect(version == FORMAT, f"{place}: format", str(FORMAT), version)
    expect(isinstance(kind, str) and kind in registry, f"{place}: kind", f"one of {', '.join(registry)}", kind)
    return registry[kind].from_dict(given, place)
