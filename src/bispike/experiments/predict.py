"""What a run on a series forecasts of a user's own tables."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..arguments import checked
from ..data.memory_limit import Room
from ..data.schema import SeriesSchema
from ..runs.run import Run
from ..runs.saved_schema import expect_schema
from ..tasks import forecast
from .kinds import sequence_network


@checked
def forecast_series(
    run: Run, inputs: Sequence[Path], *, memory_limit: float | None = None
) -> tuple[list[dict[str, Any]], list[str]]:
    """What a run on a series forecasts after the last row of each table, which is read as in training.

    Returns:
        One row per table: "input", "rows" (of the table), "ahead" (rows between its last one and the forecast), "time"
        (that the forecast is for; None where the table has no times), "values" by quantity; and notes on how the tables
        were read.

    Raises:
        CheckpointError: the run does not say how its data were read.
        DataError: a table cannot be read, or does not fit.
    """
    schema = expect_schema(run.schema, run.path)
    if not isinstance(schema, SeriesSchema):
        raise schema.refusal(inputs[0], "a series")
    rows, notes = [], []
    for path in inputs:
        table = schema.read(path, memory_limit=memory_limit)
        series = schema.series(table, Room.of(path, memory_limit), name=str(path), needed=schema.inputs)
        found = forecast(sequence_network(run.network), series, schema)
        values = dict(zip(found.names, found.values.tolist(), strict=True))
        rows.append(
            {"input": str(path), "rows": found.rows, "ahead": found.ahead, "time": found.time, "values": values}
        )
        notes += [note if len(inputs) == 1 else f"{path}: {note}" for note in found.notes]
    return rows, notes
