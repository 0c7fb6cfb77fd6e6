"""The results of a study: its files and the table that is shown."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..files import write_atomic
from ..runs.marker import STUDY, claim
from .costs import inference_costs
from .criteria import criteria_of
from .notes import notes_of
from .rows import Measured, TableRow, aggregate, failures, run_rows
from .study import CSV, FILES, JSON, LATEX, MARKDOWN, Outcome
from .study_figures import write_figures
from .tables import as_csv, as_latex, as_markdown, ordered


@dataclass(frozen=True)
class StudyResults:
    """A study for people and programs.

    Args:
        rows: of the table, in the order asked for.
        notes: sentences below it.
        files: paths of what was written, by kind.
        document: everything as plain values.
    """

    rows: list[TableRow]
    notes: list[str]
    files: dict[str, str]
    document: dict[str, Any]


def write_study(
    outcomes: Sequence[Outcome],
    out: str | Path,
    *,
    title: str,
    sort: str = "given",
    note: Callable[[str], None] = lambda message: None,
) -> StudyResults:
    """Measure the cost of the runs, and write tables and figures into the study's folder.

    Args:
        outcomes: of the study.
        out: its folder.
        title: the question; above the figures and first of the notes.
        sort: order of the rows, one of `SORTS`.
        note: receives a line for each measurement that failed.

    Raises:
        UserError: the folder holds files of these names that bispike did not write, or cannot be written.
    """
    folder = Path(out)
    claim(folder, STUDY, FILES)
    firsts = {outcome.cell.row: outcome.cell.config for outcome in reversed(outcomes)}
    criteria = {row: criteria_of(config) for row, config in firsts.items()}
    measured = Measured(inference_costs(outcomes, folder, note=note), criteria)
    rows = ordered(aggregate(outcomes, measured), sort)
    runs = run_rows(outcomes, measured)
    notes = [title, *notes_of(outcomes, rows)]
    document = {
        "rows": runs,
        "table": [asdict(row) for row in rows],
        "failed": failures(outcomes),
        "notes": notes,
    }
    files = {
        "markdown": (folder / MARKDOWN, as_markdown(rows, notes)),
        "latex": (folder / LATEX, as_latex(rows, notes)),
        "csv": (folder / CSV, as_csv(runs)),
        "json": (folder / JSON, json.dumps(document, indent=2) + "\n"),
    }
    for path, text in files.values():
        write_atomic(path, text)
    paths = {kind: str(path) for kind, (path, _) in files.items()}
    return StudyResults(rows, notes, {**paths, **write_figures(outcomes, rows, folder, title=title)}, document)
