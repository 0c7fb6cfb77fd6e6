"""`bispike report`: one HTML page that shows what runs learned, see, do and recall."""

from __future__ import annotations

from pathlib import Path

import click

from ._options import FILE, data_root_option, dataset_option, json_option, trust_option
from ._output import Answer


@click.command("report")
@click.argument("runs", type=FILE, nargs=-1, required=True, metavar="RUN...")
@click.option("--out", type=FILE, metavar="FILE.html", help="The page.  [default: RUN/report.html for one run]")
@click.option("--overwrite", is_flag=True, help="Replace FILE even if it is not a report.")
@dataset_option
@data_root_option
@trust_option
@json_option
def command(
    runs: tuple[Path, ...],
    out: Path | None,
    overwrite: bool,  # noqa: FBT001
    dataset: str | None,
    data_root: Path | None,
    trust: bool,  # noqa: FBT001
) -> Answer:
    """Write a self-contained HTML report of one or several RUNs."""
    from .. import report

    if out is None and len(runs) > 1:
        raise click.UsageError("several runs: expected --out FILE.html, the file of the report.")
    path = report.write_report(
        runs, out or runs[0] / "report.html", dataset=dataset, data_root=data_root, overwrite=overwrite, trust=trust
    )
    return Answer({"runs": [str(run) for run in runs], "out": str(path)}, f"report: {path}")
