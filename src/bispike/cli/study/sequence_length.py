"""`bispike study sequence-length`: memory and time of a training step against the length of the sequences."""

from __future__ import annotations

from pathlib import Path

import click

from .._options import FILE, json_option
from .._output import Answer, table


@click.command("sequence-length")
@click.option("--rules", default="bsd,e-prop,bptt", show_default=True, metavar="A,B,C", help="Learning rules.")
@click.option("--lengths", default="32,128,512", show_default=True, metavar="N,N,...", help="Positions of a sequence.")
@click.option("--out", type=FILE, metavar="DIR", help="Folder for sequences.json.  [default: no file]")
@json_option
def command(rules: str, lengths: str, out: Path | None) -> Answer:
    """Measure memory and time of a training step on random sequences of several lengths, on one thread."""
    from ...bench import sequence_length

    rows = sequence_length.measure_all(rules.split(","), [_length(text) for text in lengths.split(",")], out=out)
    shown = table(sequence_length.HEADINGS, sequence_length.cells(rows), right=sequence_length.HEADINGS[1:])
    return Answer({"rows": rows, "out": None if out is None else str(out)}, shown)


def _length(text: str) -> int:
    if not text.strip().isdigit() or int(text) < 1:
        raise click.BadParameter(f"expected whole numbers of at least 1, received {text!r}.", param_hint="'--lengths'")
    return int(text)
