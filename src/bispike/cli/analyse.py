"""`bispike analyse`: measurements of a run beyond its accuracy."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Group

from ._options import COUNT, FILE, SEED, data_root_option, dataset_option, json_option, run_argument, trust_option
from ._output import Answer, note, table


@click.command("analyse")
@run_argument
@click.option("--out", type=FILE, metavar="DIR", help="Folder of what is written.  [default: RUN]")
@click.option("--samples", type=COUNT, default=1000, show_default=True, metavar="N", help="Test stimuli.")
@click.option("--seed", type=SEED, default=0, show_default=True, help="Seed of random draws.")
@dataset_option
@data_root_option
@trust_option
@json_option
def command(
    run: Path,
    out: Path | None,
    samples: int,
    seed: int,
    dataset: str | None,
    data_root: Path | None,
    trust: bool,  # noqa: FBT001
) -> Answer:
    """Measure similarity of the pathways, angles to the gradient, separability and robustness of a RUN.

    Writes analysis.json and pictures; 'bispike report RUN' shows them too.
    """
    from ..experiments import analysis as analysing
    from ..experiments.analysis_files import check_folder, write_analysis
    from ..experiments.analysis_tables import analysis_tables

    check_folder(out or run)
    found = analysing.analyse_run(
        run, samples=samples, seed=seed, dataset=dataset, data_root=data_root, trust=trust, note=note
    )
    files = write_analysis(found, out or run)
    parts: list[object] = []
    for made in analysis_tables(found):
        parts += [made.title, table(made.head, made.rows, right=made.head[1:]), made.reading, ""]
    names = ", ".join(Path(path).name for path in files.values())
    return Answer({**found, "files": files}, Group(*parts, f"written to {out or run}: {names}"))  # type: ignore[arg-type]
