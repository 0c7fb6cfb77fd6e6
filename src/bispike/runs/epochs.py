"""`metrics.jsonl` of a run: one row per finished epoch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..files import parse_json, read_lines
from ..json_values import is_text, list_of, number, optional, record, table_of, whole
from .folder import METRICS

ROW = record(
    {
        "epoch": whole(1),
        "loss": number(),
        "train_accuracy": number(),
        "validation": optional(number()),
        "spike_rate": list_of(number()),
        "layer_losses": table_of(number()),
        "angle": table_of(number()),
        "lr": number(0),
        "seconds": number(0),
        "step_ms": number(0),
        "health": table_of(is_text),
    }
)
"""Check of a row. What a task measures besides stands in the row too."""


def read_metrics(path: str | Path) -> list[dict[str, Any]]:
    """`metrics.jsonl` of a run, one dict per epoch; incomplete lines are left out.

    Raises:
        DamagedError: a complete line is not the row of an epoch.
    """
    file = Path(path) / METRICS
    rows = []
    for place, line in enumerate(read_lines(file), start=1):
        if line:
            row = parse_json(line, f"{file}: line {place}")
            ROW(row, f"{file}: line {place}")
            rows.append(row)
    return rows
