"""`bispike ablate`: values of settings, or the rows of a study file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ._options import how_options, json_option, study_options, study_values, what_options
from ._output import Answer
from ._study import answer


@click.command("ablate")
@what_options
@click.option("--rule", metavar="R", help="Learning rule; see 'bispike rules'.  [default: bsd]")
@click.option(
    "--over",
    "overs",
    multiple=True,
    metavar="KEY=V1,V2,...",
    help="A setting and its values; lists in brackets: [64],[128,64]. Given again: all combinations.",
)
@study_options
@how_options
@click.argument("words", nargs=-1, metavar="[FILE.toml]")
@json_option
def command(
    overs: tuple[str, ...],
    seeds: int | None,
    jobs: int | None,
    sort: str,
    validation_only: bool,  # noqa: FBT001
    out: Path | None,
    settings: tuple[str, ...],
    words: tuple[str, ...],
    **options: Any,
) -> Answer:
    """Train with each value of a setting, or each row of a study file, and tabulate the results.

    KEY is a training option (lr, epochs, time_steps, ...) or anything that --set takes. FILE.toml asks a question and
    lists rows that differ in any settings; options given beside it override its [base]. The same command goes on with
    an ablation that was interrupted.
    """
    from ..config import resolve as resolving
    from ..studies import study as studies
    from ..studies.study_file import read_study

    files = [word for word in words if word.endswith(".toml")]
    more = tuple(word for word in words if not word.endswith(".toml"))
    if len(files) + bool(overs) != 1:
        received = ", ".join([*files, *(f"--over {over}" for over in overs)]) or "neither"
        raise click.UsageError(f"expected one study file FILE.toml, or --over KEY=V1,V2,...; received {received}.")
    request = resolving.Request(options, study_values((*settings, *more), validation_only=validation_only))
    if files:
        study = read_study(files[0], request)
        folder = out or resolving.study_file_folder(Path(files[0]))
        return answer(study.cells(seeds), folder, jobs, title=study.question, sort=sort)
    cells = studies.ablate_cells(request, overs, studies.DEFAULT_SEEDS if seeds is None else seeds)
    config = cells[0].config
    keys = [over.partition("=")[0].strip() for over in overs]
    folder = out or resolving.default_study_folder(config, "ablate", config.rule, *keys)
    return answer(cells, folder, jobs, title=" x ".join(overs), sort=sort)
