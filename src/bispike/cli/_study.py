"""What compare and ablate share: run the cells, write the files, show the table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Group

from ._output import Answer, note, table

if TYPE_CHECKING:
    from ..studies.study import Cell


def answer(cells: Sequence[Cell], out: Path, jobs: int | None, *, title: str, sort: str) -> Answer:
    """Run a study in `out`; status 1 if a run failed, 0 otherwise. The table is shown in both cases."""
    from .. import studies as study
    from ..studies.study import run_study

    found = study.write_study(run_study(cells, out, jobs=jobs, note=note), out, title=title, sort=sort, note=note)
    failed = found.document["failed"]
    for failure in failed:
        note(*f"error: {failure['run']}: {failure['message']}".split("\n"))
    heads = study.headings(wide=False, rows=found.rows)
    rows = [study.cells(row, wide=False) for row in found.rows]
    shown = [i for i, _ in enumerate(heads) if any(row[i] for row in rows)]  # empty columns are left out
    made = table([heads[i] for i in shown], [[row[i] for i in shown] for row in rows], right=heads[2:])
    payload = {**found.document, "out": str(out), "files": found.files}
    names = ", ".join(Path(path).name for path in found.files.values())
    lines = [*(f"- {text}" for text in found.notes), "", f"written to {out}: {names}"]
    return Answer(payload, Group(made, "", *lines), 1 if failed else 0)
