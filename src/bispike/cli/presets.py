"""`bispike presets`: complete settings under a name, for `--preset`, and a check of the accuracy that they reach."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from ._options import COUNT, FILE, data_root_option, json_option
from ._output import Answer, note, table


@click.group("presets", invoke_without_command=True)
@json_option
@click.pass_context
def command(context: click.Context) -> Answer | None:
    """List the presets, one line each, or check the accuracy that they reach."""
    return context.invoke(list_presets) if context.invoked_subcommand is None else None


@command.command("list")
@json_option
def list_presets() -> Answer:
    """List the presets, one line each."""
    from ..config.presets import describe, registry

    rows = [describe(name) for name in registry]
    shown = [(row["name"], _range(row["expected"]), row["summary"]) for row in rows]
    return Answer({"presets": rows}, table(["preset", "expected %", "what it trains"], shown))


@command.command("check")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--all", "every", is_flag=True, help="All presets whose data sets are present.")
@click.option("--seeds", type=COUNT, default=3, show_default=True, metavar="N", help="Runs of each preset.")
@click.option("--jobs", type=COUNT, metavar="N", help="Runs at a time, one thread each.  [default: all cores]")
@click.option("--out", type=FILE, metavar="DIR", help="Folder of the runs.  [default: runs/presets]")
@data_root_option
@json_option
def check(
    names: tuple[str, ...],
    every: bool,  # noqa: FBT001
    seeds: int,
    jobs: int | None,
    out: Path | None,
    data_root: Path | None,
) -> Answer:
    """Train presets by NAME and compare the mean test accuracy with the expected range; status 1 if one is outside.

    The same command resumes an interrupted check.
    """
    from ..config.folders import RUNS
    from ..studies import preset_check
    from ..studies import study as studies

    if bool(names) == every:
        raise click.UsageError("expected names of presets, or --all; received both." if names else "name a preset.")
    chosen = preset_check.present_presets(data_root) if every else names
    cells = preset_check.check_cells(chosen, seeds, data_root=data_root)
    folder = out or Path(RUNS) / "presets"
    outcomes = studies.run_study(cells, folder, jobs=jobs, note=note)
    for outcome in outcomes:
        if outcome.failure:
            note(*f"error: {outcome.path}: {outcome.failure}".split("\n"))
    found = preset_check.check_outcomes(outcomes)
    heads = [
        "preset",
        "expected %",
        *(f"seed {seed}" for seed in dict.fromkeys(c.config.seed for c in cells)),
        "mean %",
    ]
    rows = [[row.preset, _range(row.expected), *map(_percent, (*row.values, row.mean)), row.verdict] for row in found]
    payload = {"presets": [asdict(row) for row in found], "out": str(folder)}
    text = table([*heads, "verdict"], rows, right=heads[2:])
    return Answer(payload, text, 0 if all(row.sound for row in found) else 1)


def _range(expected: tuple[float, float] | None) -> str:
    return "" if expected is None else f"{100 * expected[0]:.1f} to {100 * expected[1]:.1f}"


def _percent(share: float | None) -> str:
    return "" if share is None else f"{100 * share:.2f}"
