"""The result of a study as a table: a line a row with the mean over seeds, and the files that hold it.

The spread is the sample standard deviation over seeds (n - 1 in the denominator); with one seed it is
unknown and stays empty.
"""

from __future__ import annotations

import csv
import io
import json
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from .files import write_atomic
from .studies import Outcome

AVERAGED = ("validation", "train_seconds", "step_ms", "peak_memory_mb")


@dataclass(frozen=True)
class TableRow:
    """One row of a study over its seeds.

    Args:
        row: the rule, or the value of the setting.
        metric: name of what is measured on the test split.
        mean, spread: of the metric over the finished seeds; None where there are none (mean) or one (spread).
        values: the metric of each finished seed.
        seeds: the finished seeds.
        failed: number of seeds that failed.
        validation, train_seconds, step_ms, peak_memory_mb: means over the finished seeds, None where unknown.
        spike_rate: mean firing rate of each stage.
        parameters: of the network, None where no seed finished.
    """

    row: str
    metric: str
    mean: float | None
    spread: float | None
    values: list[float]
    seeds: list[int]
    failed: int
    validation: float | None
    train_seconds: float | None
    step_ms: float | None
    peak_memory_mb: float | None
    spike_rate: list[float]
    parameters: int | None


def aggregate(outcomes: Sequence[Outcome]) -> list[TableRow]:
    """A line for each row of the study, in the order of the study."""
    rows: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        rows.setdefault(outcome.cell.row, []).append(outcome)
    return [_table_row(name, members) for name, members in rows.items()]


def run_rows(outcomes: Sequence[Outcome]) -> list[dict[str, Any]]:
    """The summary of each finished run, with its row and an empty place for the criteria."""
    return [
        {**outcome.summary, "row": outcome.cell.row, "criteria": None}
        for outcome in outcomes
        if outcome.summary is not None
    ]


def failures(outcomes: Sequence[Outcome]) -> list[dict[str, Any]]:
    """What failed and why."""
    return [
        {
            "run": str(outcome.path),
            "row": outcome.cell.row,
            "seed": outcome.cell.config.seed,
            "message": outcome.failure,
        }
        for outcome in outcomes
        if outcome.summary is None
    ]


def document(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Everything about a study as plain values."""
    table = [asdict(row) for row in aggregate(outcomes)]
    return {"rows": run_rows(outcomes), "table": table, "failed": failures(outcomes)}


HEADINGS = (
    "row",
    "test %",
    "spread",
    "seeds",
    "validation %",
    "train s",
    "step ms",
    "memory MB",
    "spike rates",
)


def cells(row: TableRow) -> list[str]:
    """A table row as texts under HEADINGS; unknown values are empty."""
    return [
        row.row,
        _number(row.mean, 100, 2),
        _number(row.spread, 100, 2),
        f"{len(row.seeds)}" + (f" ({row.failed} failed)" if row.failed else ""),
        _number(row.validation, 100, 2),
        _number(row.train_seconds, 1, 1),
        _number(row.step_ms, 1, 2),
        _number(row.peak_memory_mb, 1, 1),
        " ".join(f"{rate:.2f}" for rate in row.spike_rate),
    ]


def as_markdown(table: Sequence[TableRow]) -> str:
    """The table as Markdown."""
    lines = ["| " + " | ".join(HEADINGS) + " |", "|---" + "|---:" * (len(HEADINGS) - 1) + "|"]
    lines += ["| " + " | ".join(text.replace("|", "\\|") for text in cells(row)) + " |" for row in table]
    return "\n".join(lines) + "\n"


def as_csv(rows: Sequence[Mapping[str, Any]]) -> str:
    """A line a run; lists and tables become JSON inside their cell."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(names)
    for row in rows:
        values = [row.get(name) for name in names]
        writer.writerow([json.dumps(v) if isinstance(v, list | dict) else "" if v is None else v for v in values])
    return text.getvalue()


def write_tables(outcomes: Sequence[Outcome], out: str | Path) -> dict[str, str]:
    """Write `table.md`, `runs.csv` and `results.json` into the study's folder; returns the paths by kind."""
    folder = Path(out)
    files = {
        "markdown": (folder / "table.md", as_markdown(aggregate(outcomes))),
        "csv": (folder / "runs.csv", as_csv(run_rows(outcomes))),
        "json": (folder / "results.json", json.dumps(document(outcomes), indent=2) + "\n"),
    }
    for path, text in files.values():
        write_atomic(path, text)
    return {kind: str(path) for kind, (path, _) in files.items()}


def _table_row(name: str, members: Sequence[Outcome]) -> TableRow:
    done = [member.summary for member in members if member.summary is not None]
    values = [float(summary["test"]) for summary in done]
    rates = [summary["spike_rate"] for summary in done]
    return TableRow(
        row=name,
        metric=str(done[0]["metric"]) if done else "",
        mean=statistics.fmean(values) if values else None,
        spread=statistics.stdev(values) if len(values) > 1 else None,
        values=values,
        seeds=[int(summary["seed"]) for summary in done],
        failed=len(members) - len(done),
        spike_rate=[statistics.fmean(stage) for stage in zip(*rates, strict=True)],
        parameters=done[0]["parameters"] if done else None,
        **{key: _mean([summary.get(key) for summary in done]) for key in AVERAGED},
    )


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return statistics.fmean(known) if known else None


def _number(value: float | None, factor: float, digits: int) -> str:
    return "" if value is None else f"{value * factor:.{digits}f}"
