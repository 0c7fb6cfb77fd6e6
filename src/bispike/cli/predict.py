"""`bispike predict`: what a run makes of a user's own files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from rich.console import Group

from ._options import COUNT, FILE, NOT_NEGATIVE, SEED, json_option, memory_limit_option, run_argument
from ._output import Answer, brief, note, table


@click.command("predict")
@run_argument
@click.argument("inputs", type=FILE, nargs=-1, required=True, metavar="INPUT...")
@click.option("--characters", type=COUNT, default=200, show_default=True, metavar="N", help="Length of a continuation.")
@click.option(
    "--temperature", type=NOT_NEGATIVE, default=0.7, show_default=True, help="Of drawn characters; 0: most likely."
)
@click.option("--seed", type=SEED, default=0, show_default=True, metavar="S", help="Of drawn characters.")
@click.option("--best", type=COUNT, default=3, show_default=True, metavar="N", help="Classes to show for each.")
@memory_limit_option
@json_option
def command(run: Path, inputs: tuple[Path, ...], best: int, memory_limit: float | None, **options: Any) -> Answer:
    """Decide the class of each INPUT: images, .npy or .npz arrays, rows of .csv files.

    The shares are the softmax of the network's scores. A run on texts continues each text file; a run on a series
    forecasts what follows the last row of each table.
    """
    from ..experiments import predict
    from ..experiments.kinds import Kind, kind_of
    from ..runs.run import load_run

    trained = load_run(run)
    for line in trained.notes:
        note(f"note: {line}")
    kind = kind_of(trained.network)
    if kind is Kind.TEXT:
        return _texts(run, predict.continue_texts(trained, inputs, memory_limit=memory_limit, **options))
    if kind is Kind.SERIES:
        return _series(run, *predict.forecast_series(trained, inputs, memory_limit=memory_limit))
    rows, notes = predict.decide(trained, inputs, best=best, memory_limit=memory_limit)
    return _decisions(run, rows, notes, best)


def _decisions(run: Path, rows: list[dict[str, Any]], notes: list[str], best: int) -> Answer:
    for line in notes:
        note(f"note: {line}")
    shown = [
        (
            row["input"],
            brief(row["label"]),
            "  ".join(f"{brief(name)} {100 * share:.1f} %" for name, share in row["best"]),
        )
        for row in rows
    ]
    return Answer({"run": str(run), "rows": rows, "notes": notes}, table(["input", "decision", f"best {best}"], shown))


def _texts(run: Path, rows: list[dict[str, Any]]) -> Answer:
    lines = [line for row in rows for line in (f"{row['input']}:", *row["written"].split("\n"), "")]
    return Answer({"run": str(run), "rows": rows, "notes": []}, Group(*lines[:-1]))


def _series(run: Path, rows: list[dict[str, Any]], notes: list[str]) -> Answer:
    for line in notes:
        note(f"note: {line}")
    lines = [
        (row["input"], row["time"] or f"row {row['rows']} + {row['ahead']}", name, f"{value:.6g}")
        for row in rows
        for name, value in row["values"].items()
    ]
    timed = all(row["time"] for row in rows)
    shown = table(["input", "time" if timed else "of", "quantity", "forecast"], lines, right=["forecast"])
    return Answer({"run": str(run), "rows": rows, "notes": notes}, shown)
