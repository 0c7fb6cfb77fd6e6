"""`bispike robustness`: several runs on damaged stimuli and with lost spikes."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click
from rich.console import Group

from ._options import COUNT, FILE, SEED, data_root_option, dataset_option, json_option, trust_option
from ._output import Answer, note, table


@click.command("robustness")
@click.argument("runs", nargs=-1, required=True, type=FILE, metavar="RUN...")
@click.option("--out", type=FILE, metavar="DIR", help="Folder of the results.  [default: runs/robustness]")
@click.option(
    "--split", type=click.Choice(["test", "validation"]), default="test", show_default=True, help="Stimuli to damage."
)
@click.option("--samples", type=COUNT, default=1000, show_default=True, metavar="N", help="Stimuli of the split.")
@click.option("--seed", type=SEED, default=0, show_default=True, help="Seed of random draws.")
@dataset_option
@data_root_option
@trust_option
@json_option
def command(
    runs: tuple[Path, ...],
    out: Path | None,
    split: str,
    samples: int,
    seed: int,
    dataset: str | None,
    data_root: Path | None,
    trust: bool,  # noqa: FBT001
) -> Answer:
    """Compare the accuracy of RUNs on damaged stimuli and with lost spikes.

    Runs that differ only in their seed share one row. Writes robustness.json, .md and .png.
    """
    from ..config.folders import RUNS
    from ..experiments import robustness

    folder = out or Path(RUNS) / "robustness"
    robustness.check_folder(folder)
    rows, measured = robustness.robust_rows(
        runs, split=split, samples=samples, seed=seed, dataset=dataset, data_root=data_root, trust=trust, note=note
    )
    files = robustness.write_robustness(rows, measured, folder, split=split)
    heads = robustness.headings(rows)
    lines = [robustness.cells(row, rows) for row in rows]
    lost = next(i for i, head in enumerate(heads) if head.startswith("loss"))
    last = len(heads) - 1
    made = []  # one table for damaged stimuli and one for lost spikes, so that both fit a terminal
    for columns in ([*range(lost), last - 1], [0, *range(lost, last - 1), last]):
        shown = [heads[i] for i in columns]
        made.append(table(shown, [[line[i] for i in columns] for line in lines], right=shown[1:]))
    names = ", ".join(Path(path).name for path in files.values())
    payload = {"split": split, "rows": [asdict(row) for row in rows], "runs": measured, "files": files}
    below = (robustness.reading(measured, split), "", f"written to {folder}: {names}")
    return Answer(payload, Group(made[0], "", made[1], "", *below))
