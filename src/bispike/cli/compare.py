"""`bispike compare`: the same network and data under several rules."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ._options import json_option, study_options, training_options
from ._output import Answer
from ._study import answer


@click.command("compare")
@click.option("--rules", required=True, metavar="A,B,C", help="Learning rules, or 'all'; see 'bispike rules'.")
@study_options
@training_options("rule", "seed", "threads")
@click.argument("more_settings", nargs=-1, metavar="")
@json_option
def command(
    rules: str,
    seeds: int | None,
    jobs: int | None,
    sort: str,
    validation_only: bool,  # noqa: FBT001
    out: Path | None,
    settings: tuple[str, ...],
    more_settings: tuple[str, ...],
    **options: Any,
) -> Answer:
    """Train the same network under several rules and tabulate the results.

    Each run is a folder of its own in DIR. The same command resumes an interrupted comparison.
    An option of --set applies to the rules that know it.
    """
    from ..config.folders import default_study_folder
    from ..config.resolve import Request
    from ..studies import study as studies

    request = Request.of(options, (*settings, *more_settings, *(["test=false"] if validation_only else [])))
    names = studies.rule_names(rules)
    cells = studies.compare_cells(request, names, studies.DEFAULT_SEEDS if seeds is None else seeds)
    folder = out or default_study_folder(cells[0].config, "compare")
    return answer(cells, folder, jobs, title=f"rules: {rules}", sort=sort)
