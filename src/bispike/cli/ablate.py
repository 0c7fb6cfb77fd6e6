"""`bispike ablate`: one rule over values of a setting."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ._options import how_options, json_option, key_values, study_options, what_options
from ._output import Answer
from ._study import answer


@click.command("ablate")
@what_options
@click.option("--rule", metavar="R", help="Learning rule; see 'bispike rules'.  [default: bsd]")
@click.option(
    "--over",
    required=True,
    metavar="KEY=V1,V2,...",
    help="The setting and its values; lists in brackets: [64],[128,64].",
)
@study_options
@how_options
@click.argument("more_settings", nargs=-1, metavar="")
@json_option
def command(
    over: str,
    seeds: int,
    jobs: int | None,
    sort: str,
    out: Path | None,
    settings: tuple[str, ...],
    more_settings: tuple[str, ...],
    **options: Any,
) -> Answer:
    """Train with each value of one setting and tabulate the results.

    KEY is a training option (lr, epochs, steps, ...) or anything that --set takes. The same command goes on with an
    ablation that was broken off.
    """
    from ..training import settings as resolving
    from ..training import studies

    request = resolving.Request(options, key_values((*settings, *more_settings)))
    cells = studies.ablate_cells(request, over, seeds)
    config = cells[0].config
    folder = out or resolving.default_study_folder(config, "ablate", config.rule, over.partition("=")[0].strip())
    return answer(cells, folder, jobs, title=over, sort=sort)
