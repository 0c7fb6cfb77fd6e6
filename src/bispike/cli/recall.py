"""`bispike recall`: the stimulus that each concept calls up, sent down the top-down pathway."""

from __future__ import annotations

from pathlib import Path

import click

from ._options import FILE, json_option, run_argument
from ._output import Answer


@click.command("recall")
@run_argument
@click.option("--concept", "concepts", multiple=True, metavar="NAME ...", help="Only these classes.  [default: all]")
@click.argument("more_concepts", nargs=-1, metavar="")
@click.option("--out", type=FILE, metavar="FILE.png", help="The picture.  [default: RUN/recall.png]")
@json_option
def command(run: Path, concepts: tuple[str, ...], more_concepts: tuple[str, ...], out: Path | None) -> Answer:
    """Draw what a trained RUN imagines for each concept."""
    from ..report import picture_files
    from ..training import evaluation
    from ..training.runs import load_run

    trained = load_run(run)
    names, stimuli = evaluation.recall(trained.network, [*concepts, *more_concepts])
    path = picture_files.write_recall(out or run / "recall.png", names, stimuli)
    return Answer({"run": str(run), "concepts": names, "out": str(path)}, f"recalled {len(names)} concepts: {path}")
