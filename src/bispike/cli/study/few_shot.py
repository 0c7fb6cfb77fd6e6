"""`bispike study few-shot`: new classes from a few examples, and what happens to the classes known before."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from rich.console import Group

from .._options import COUNT, FILE, NOT_NEGATIVE, data_root_option, json_option
from .._output import Answer, note, table


@click.command("few-shot")
@click.option("--dataset", default="mnist", show_default=True, metavar="D", help="Images of known and new classes.")
@click.option(
    "--new", "pairs", multiple=True, default=("8,9",), show_default=True, metavar="A,B", help="May be repeated."
)
@click.option("--split", type=click.Choice(["validation", "test"]), help="Stimuli to test on.  [default: validation]")
@click.option("--seeds", type=COUNT, metavar="N", help="Networks for each choice of new classes.  [default: 3]")
@click.option("--draws", type=COUNT, metavar="N", help="Choices of examples for each network.  [default: 5]")
@click.option("--shots", type=COUNT, metavar="N", help="Examples of each new class.  [default: 10]")
@click.option("--epochs", type=COUNT, metavar="N", help="Of the training on the known classes.  [default: 8]")
@click.option("--shrink", type=NOT_NEGATIVE, metavar="F", help="Of the templates.  [default: 0.3]")
@click.option("--lift", type=NOT_NEGATIVE, metavar="F", help="Of the templates.  [default: 0.1]")
@click.option("--fine-tune-lr", type=NOT_NEGATIVE, metavar="F", help="Of the BSD-trained network.  [default: 0.0001]")
@click.option(
    "--own-fine-tune-lr", type=NOT_NEGATIVE, metavar="F", help="Of the bptt-trained network.  [default: 0.0002]"
)
@click.option("--passes", type=COUNT, metavar="N", help="Of fine-tuning over the examples.  [default: 20]")
@click.option("--out", type=FILE, default=Path("runs/few-shot"), show_default=True, metavar="DIR")
@data_root_option
@json_option
def command(dataset: str, pairs: tuple[str, ...], out: Path, data_root: Path | None, **settings: Any) -> Answer:
    """Train on all but the --new classes, add these from a few examples, and measure old and new classes.

    Writes a JSON file and a figure for each choice of new classes.
    """
    from ...experiments import few_shot

    protocol = few_shot.Protocol(**{name: value for name, value in settings.items() if value is not None})
    choices = [tuple(name.strip() for name in pair.split(",")) for pair in pairs]
    found = few_shot.run_choices(dataset, choices, protocol, out=out, data_root=data_root, note=note)
    shown: list[Any] = []
    for one in found:
        head, rows = few_shot.table_of(one["summary"], one["new"])
        title = f"{protocol.shots} examples of each of {', '.join(one['new'])}; {protocol.split} split; % (spread)"
        shown += [title, "", table(head, rows, right=head[1:]), ""]
    return Answer({"choices": found, "out": str(out)}, Group(*shown, f"written to {out}"))
