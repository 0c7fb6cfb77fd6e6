"""`bispike predict`: what a run takes a user's own files for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..nn import SequenceForecaster
from ._options import FILE, json_option, run_argument
from ._output import Answer, note, table

if TYPE_CHECKING:
    from ..runs.run import Run

CONTEXT = 1000  # characters that are read before a network writes on


@click.command("predict")
@run_argument
@click.argument("inputs", type=FILE, nargs=-1, required=True, metavar="INPUT...")
@click.option("--characters", type=int, default=200, show_default=True, metavar="N", help="To write on (text).")
@click.option("--temperature", type=float, default=0.7, show_default=True, help="Of drawn characters; 0: likeliest.")
@click.option("--seed", type=int, default=0, show_default=True, metavar="S", help="Of drawn characters.")
@click.option("--best", type=int, default=3, show_default=True, metavar="N", help="Classes to show for each.")
@json_option
def command(run: Path, inputs: tuple[Path, ...], characters: int, temperature: float, seed: int, best: int) -> Answer:
    """Decide what each INPUT is: images, .npy or .npz arrays, rows of .csv files.

    The shares are the softmax of the network's scores. A run on texts writes on from the end of each text file; one on
    a series says what follows the last row of each table.
    """
    from ..data.user_files import read_inputs
    from ..runs.run import load_run
    from ..training import evaluation

    trained = load_run(run)
    if isinstance(trained.network, SequenceNetwork):
        return _go_on(trained, inputs, characters=characters, temperature=temperature, seed=seed)
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


def _go_on(run: Run, inputs: tuple[Path, ...], *, characters: int, temperature: float, seed: int) -> Answer:
    """What follows texts or tables, which are read as those of the training were."""
    from ..data.readers.characters import read_characters
    from ..nn import SequenceNetwork
    from ..runs.run import horizon_and_inputs
    from ..tasks import continue_text, forecast

    network = run.network
    assert isinstance(network, SequenceNetwork)
    rows: list[dict[str, Any]] = []
    options = run.config.data_options
    if not isinstance(network, SequenceForecaster):
        for path in inputs:
            text = read_characters(path, encoding=options.get("encoding", "utf-8"))
            written = continue_text(network, text[-CONTEXT:], characters, temperature=temperature, seed=seed)
            rows.append({"input": str(path), "written": written})
        shown = "\n\n".join(f"{row['input']}:\n{row['written']}" for row in rows)
        return Answer({"run": str(run.path), "rows": rows, "notes": []}, shown)
    ahead, columns = horizon_and_inputs(run)
    reading = {name: options[name] for name in ("missing", "delimiter") if name in options}
    for path in inputs:
        found = forecast(network, path, inputs=columns, ahead=ahead, **reading)
        values = dict(zip(found.names, found.values.tolist(), strict=True))
        rows.append({"input": str(path), "rows": found.rows, "ahead": ahead, "values": values})
    lines = [
        (row["input"], f"row {row['rows']} + {row['ahead']}", name, f"{value:.6g}")
        for row in rows
        for name, value in row["values"].items()
    ]
    payload = {"run": str(run.path), "rows": rows, "notes": []}
    return Answer(payload, table(["input", "of", "quantity", "forecast"], lines, right=["forecast"]))
