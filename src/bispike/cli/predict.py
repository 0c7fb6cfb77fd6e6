"""`bispike predict`: what a run makes of a user's own files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Group

from ._options import COUNT, FILE, NOT_NEGATIVE, SEED, json_option, memory_limit_option, run_argument
from ._output import Answer, brief, note, table

if TYPE_CHECKING:
    from ..runs.prediction import Predictions


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
    """Decide the class of each INPUT: images, .npy or .npz arrays, tables, events.

    Files are read as the data of the training were. The shares are the softmax of the network's scores; where a file
    names the classes, the decisions are judged. A run on texts continues each text file; a run on a series forecasts
    what follows the last row of each table.
    """
    from ..experiments.kinds import Kind, kind_of
    from ..runs.run import load_run

    trained = load_run(run)
    for line in trained.notes:
        note(f"note: {line}")
    kind = kind_of(trained.network)
    given = options if kind is Kind.TEXT else {} if kind is Kind.SERIES else {"best": best}
    found = trained.predict(*inputs, memory_limit=memory_limit, **given)
    for line in found.notes:
        note(f"note: {line}")
    if kind is Kind.SERIES:
        return _series(run, found)
    return _texts(run, found) if kind is Kind.TEXT else _decisions(run, found, best)


def _decisions(run: Path, found: Predictions, best: int) -> Answer:
    judged = ["class"] if found.judged else []
    shown = [
        (
            brief(row["input"]),
            brief(row["label"]),
            *[brief(row.get("true", "")) for _ in judged],
            "  ".join(f"{brief(name)} {100 * share:.1f} %" for name, share in row["best"]),
        )
        for row in found.rows
    ]
    values: dict[str, Any] = {"run": str(run), "rows": found.rows, "notes": found.notes}
    text: Any = table(["input", "decision", *judged, f"best {best}"], shown)
    if found.judged:
        values |= {"judged": found.judged, "correct": found.correct, "accuracy": found.accuracy}
        text = Group(
            text, f"{found.correct} of {found.judged} decisions are right ({100 * found.correct / found.judged:.2f} %)"
        )
    return Answer(values, text)


def _texts(run: Path, found: Predictions) -> Answer:
    lines = [line for row in found.rows for line in (f"{row['input']}:", *row["written"].split("\n"), "")]
    return Answer({"run": str(run), "rows": found.rows, "notes": found.notes}, Group(*lines[:-1]))


def _series(run: Path, found: Predictions) -> Answer:
    lines = [
        (row["input"], row["time"] or f"row {row['rows']} + {row['ahead']}", name, f"{value:.6g}")
        for row in found.rows
        for name, value in row["values"].items()
    ]
    timed = all(row["time"] for row in found.rows)
    shown = table(["input", "time" if timed else "of", "quantity", "forecast"], lines, right=["forecast"])
    return Answer({"run": str(run), "rows": found.rows, "notes": found.notes}, shown)
