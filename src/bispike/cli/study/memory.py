"""`bispike study memory`: the associative memory beside Kosko's BAM and a modern Hopfield network."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Group

from .._options import COUNT, FILE, json_option
from .._output import Answer, table


@click.command("memory")
@click.option("--out", type=FILE, default=Path("runs/memory"), show_default=True, metavar="DIR")
@click.option("--seeds", type=COUNT, default=3, show_default=True, metavar="N", help="Memories of each kind.")
@click.option("--passes", type=COUNT, default=30, show_default=True, metavar="N", help="How often each pair is shown.")
@click.option("--dataset", metavar="D", help="Images for replay and completion, such as mnist.")
@click.option("--run", type=FILE, metavar="RUN", help="A trained network that completes unseen images.")
@json_option
def command(out: Path, seeds: int, passes: int, dataset: str | None, run: Path | None) -> Answer:
    """Measure how many pairs an associative memory stores, beside Kosko's BAM and a modern Hopfield network.

    Capacity, robustness and replay are measured on random patterns; with --dataset also replay and completion of
    images, with --run completion by a trained network. Writes memory.json and figures.
    """
    from ...experiments import memory

    found = memory.measure_memories(out, seeds=seeds, passes=passes, dataset=dataset, run=run)
    head, rows = memory.capacity_table(found)
    lines = memory.sentences(found)
    shown = Group(memory.CAPTION, "", table(head, rows, right=head), "", *lines, "", f"written to {out}")
    return Answer({**found, "out": str(out)}, shown)
