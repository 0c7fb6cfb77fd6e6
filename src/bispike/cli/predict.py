"""`bispike predict`: what a run takes a user's own files for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ._options import FILE, json_option, run_argument
from ._output import Answer, note, table


@click.command("predict")
@run_argument
@click.argument("inputs", type=FILE, nargs=-1, required=True, metavar="INPUT...")
@click.option("--best", type=int, default=3, show_default=True, metavar="N", help="Classes to show for each.")
@json_option
def command(run: Path, inputs: tuple[Path, ...], best: int) -> Answer:
    """Decide what each INPUT is: images, .npy or .npz arrays, rows of .csv files.

    The shares are the softmax of the network's scores.
    """
    from ..data.inputs import read_inputs
    from ..training import evaluation
    from ..training.runs import load_run

    trained = load_run(run)
    given = read_inputs(inputs, trained.network.stimulus)
    for line in given.notes:
        note(f"note: {line}")
    rows: list[dict[str, Any]] = [
        {"input": name, "label": ranking[0][0], "share": ranking[0][1], "best": [list(pair) for pair in ranking]}
        for name, ranking in zip(given.names, evaluation.decide(trained.network, given.stimuli, best=best), strict=True)
    ]
    shown = [
        (row["input"], row["label"], "  ".join(f"{name} {100 * share:.1f} %" for name, share in row["best"]))
        for row in rows
    ]
    payload = {"run": str(run), "rows": rows, "notes": list(given.notes)}
    return Answer(payload, table(["input", "decision", f"best {best}"], shown))
