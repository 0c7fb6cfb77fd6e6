"""What compare and ablate share: run the cells, write the files, show the table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Group

from ._output import Answer, note, table

if TYPE_CHECKING:
    from ..training.studies import Cell


def answer(cells: Sequence[Cell], out: Path, jobs: int | None, *, title: str) -> Answer:
    """Run a study in `out`; status 1 if a run failed, 0 otherwise."""
    from ..report import picture_files
    from ..training import study_table
    from ..training.studies import run_study

    outcomes = run_study(cells, out, jobs=jobs, note=note)
    rows = study_table.aggregate(outcomes)
    files = study_table.write_tables(outcomes, out)
    files["picture"] = str(picture_files.write_study(out / "accuracy.png", rows, title=title))
    failed = study_table.failures(outcomes)
    for failure in failed:
        note(f"error: {failure['run']}: {failure['message']}")
    shown = table(study_table.HEADINGS, map(study_table.cells, rows), right=study_table.HEADINGS[1:-1])
    payload = {**study_table.document(outcomes), "out": str(out), "files": files}
    return Answer(
        payload,
        Group(shown, f"\nwritten to {out}: {', '.join(Path(p).name for p in files.values())}"),
        1 if failed else 0,
    )
