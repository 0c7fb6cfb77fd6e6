"""What a run on a series forecasts of a user's own tables."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..arguments import checked
from ..runs.run import Run, horizon_and_inputs
from ..tasks import forecast
from .kinds import sequence_network


@checked
def forecast_series(run: Run, inputs: Sequence[Path], *, memory_limit: float | None = None) -> list[dict[str, Any]]:
    """What a run on a series forecasts after the last row of each table, which is read like the training data.

    Returns:
        One row per table: "input", "rows" (of the table), "ahead" (rows between its last one and the forecast),
        "values" by quantity.
    """
    ahead, columns = horizon_and_inputs(run)
    options = run.config.data_options
    reading = {name: options[name] for name in ("missing", "delimiter") if name in options}
    rows = []
    for path in inputs:
        found = forecast(
            sequence_network(run.network), path, inputs=columns, ahead=ahead, memory_limit=memory_limit, **reading
        )
        values = dict(zip(found.names, found.values.tolist(), strict=True))
        rows.append({"input": str(path), "rows": found.rows, "ahead": ahead, "values": values})
    return rows
