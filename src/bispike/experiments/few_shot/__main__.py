"""`python -m bispike.experiments.few_shot`: run the few-shot experiment, print its table, write JSON and a picture."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path
from typing import Any

import click
import torch
from rich.console import Console
from rich.table import Table

from ... import data
from ...errors import BispikeError
from ...files import make_folder, write_json
from ...training.environment import deterministic
from .account import summarise
from .experiment import Protocol, run_experiment
from .figure import forgetting


@click.command()
@click.option("--dataset", default="mnist", show_default=True)
@click.option(
    "--new", "pairs", multiple=True, default=("8,9",), show_default=True, help="New classes; may be repeated."
)
@click.option("--split", type=click.Choice(["validation", "test"]), default="validation", show_default=True)
@click.option("--seeds", default=3, show_default=True, help="Networks trained for each choice of new classes.")
@click.option("--draws", default=5, show_default=True, help="Choices of examples for each network.")
@click.option("--shots", default=10, show_default=True, help="Examples of each new class.")
@click.option("--epochs", default=8, show_default=True)
@click.option("--shrink", default=0.3, show_default=True)
@click.option("--lift", default=0.1, show_default=True)
@click.option("--fine-tune-lr", default=Protocol.fine_tune_lr, show_default=True)
@click.option("--own-fine-tune-lr", default=Protocol.own_fine_tune_lr, show_default=True)
@click.option(
    "--passes", default=Protocol.passes, show_default=True, help="Passes of bptt fine-tuning over the examples."
)
@click.option("--out", type=click.Path(path_type=Path), default=Path("runs/few-shot"), show_default=True)
def main(dataset: str, pairs: tuple[str, ...], out: Path, **settings: Any) -> None:
    """Train on the other classes, teach the NEW ones from a few examples, and count what was won and lost."""
    protocol = Protocol(**settings)
    console = Console(stderr=True)
    try:
        loaded = data.load(dataset)
        make_folder(out)
        for pair in pairs:
            new = tuple(name.strip() for name in pair.split(","))
            with deterministic(torch.device("cpu"), threads=1):
                rows = run_experiment(loaded, new, protocol, out=out, note=console.print)
            _write(out / f"{protocol.split}-{'-'.join(new)}", rows, new, protocol)
    except BispikeError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(error.exit_status)


def _write(stem: Path, rows: list[dict[str, Any]], new: tuple[str, ...], protocol: Protocol) -> None:
    """The table to the terminal; rows and summary as JSON, and the picture, beside each other."""
    summaries = summarise(rows)
    Console(width=110).print(_table(summaries, new, protocol))
    settings = dataclasses.asdict(protocol)
    write_json(stem.with_suffix(".json"), {"new": list(new), "protocol": settings, "summary": summaries, "rows": rows})
    figure = forgetting(summaries, new, shots=protocol.shots)
    figure.savefig(stem.with_suffix(".png"), dpi=160, facecolor="white")
    click.echo(f"wrote {stem.with_suffix('.json')} and {stem.with_suffix('.png')}")


def _table(summaries: list[dict[str, Any]], new: tuple[str, ...], protocol: Protocol) -> Table:
    title = (
        f"{protocol.shots} examples of each of {', '.join(new)}; {protocol.split} split; old before, after; % (spread)"
    )
    table = Table(title=title, padding=(0, 1, 0, 0))
    for column in ("way", "runs", "new", "before", "after", "lost", *new):
        table.add_column(column, justify="left" if column == "way" else "right", no_wrap=True)
    for entry in summaries:
        table.add_row(
            entry["way"],
            str(entry["runs"]),
            _percent(entry, "new"),
            _percent(entry, "old_before"),
            _percent(entry, "old_after"),
            _percent(entry, "old_loss"),
            *[f"{100 * entry['classes'][name]['after']:.1f}" for name in new],
        )
    return table


def _percent(entry: dict[str, Any], key: str) -> str:
    return f"{100 * entry[key]:.1f} ({100 * entry[key + '_spread']:.1f})"


if __name__ == "__main__":
    main()
