"""The table of a study as text: for a terminal, Markdown, LaTeX (booktabs) and CSV. Unknown values are empty."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..escaping import for_csv, for_latex, for_markdown, markdown_row, printable
from .criteria import marks
from .rows import TableRow, with_deciding_data

SORTS = ("given", "accuracy")


@dataclass(frozen=True)
class Column:
    """One column: its heading, its text in a row; where room is short a shorter heading, or no column at all."""

    heading: str
    text: Callable[[TableRow], str]
    wide: bool = False
    short: str = ""


def _number(key: str, factor: float = 1.0, digits: int = 0) -> Callable[[TableRow], str]:
    def text(row: TableRow) -> str:
        value = getattr(row, key)
        return "" if value is None else f"{value * factor:.{digits}f}"

    return text


def _significant(key: str, factor: float) -> Callable[[TableRow], str]:
    """Three significant digits, without exponents."""

    def text(row: TableRow) -> str:
        value = getattr(row, key)
        if value is None:
            return ""
        scaled = value * factor
        return f"{scaled:.0f}" if scaled >= 100 else f"{scaled:.3g}"

    return text


def _metric(key: str) -> Callable[[TableRow], str]:
    """An accuracy in percent, an error as it is."""

    def text(row: TableRow) -> str:
        return _number(key, *((1, 5) if row.metric == "mse" else (100, 2)))(row)

    return text


def _seeds(row: TableRow) -> str:
    done = len(row.seeds)
    return f"{done} of {done + row.failed}" if row.failed else f"{done}"


def _spread(row: TableRow) -> str:
    """Of the test accuracy; of the validation accuracy where the test data were not used."""
    return _metric("spread" if row.mean is not None else "validation_spread")(row)


COLUMNS = (
    Column("row", lambda row: row.row),
    Column("activity", lambda row: row.activity, short="emits"),
    Column("validation %", _metric("validation"), short="val %"),
    Column("test %", _metric("mean")),
    Column("± sd", _spread),
    Column("seeds", _seeds),
    Column("train s", _number("train_seconds", digits=1), wide=True),
    Column("step ms", _number("step_ms", digits=2), short="ms"),
    Column("memory MB", _number("peak_memory_mb"), short="MB"),
    Column("synaptic operations (thousands)", _significant("synaptic_operations", 1e-3), short="k ops"),
    Column("energy nJ", _significant("energy_nj", 1), short="nJ"),
    Column("energy nJ, zeros skipped", _significant("energy_nj_nonzero", 1), wide=True),
    Column("criteria", lambda row: marks(row.criteria)),
    Column("firing rates", lambda row: " ".join(f"{rate:.2f}" for rate in row.spike_rate), wide=True),
)


def headings(*, wide: bool, rows: Sequence[TableRow] = ()) -> list[str]:
    """Headings of the columns, of all or of those for a terminal; `rows` decide what the metric is called."""
    heads = [
        column.heading if wide else column.short or column.heading for column in COLUMNS if wide or not column.wide
    ]
    errors = any(row.metric == "mse" for row in rows)
    return [head.replace("%", "MSE") if errors else head for head in heads]


def cells(row: TableRow, *, wide: bool) -> list[str]:
    """A table row as texts under `headings`."""
    return [column.text(row) for column in COLUMNS if wide or not column.wide]


def ordered(rows: Sequence[TableRow], by: str) -> list[TableRow]:
    """The rows as the study has them, or the most accurate first and rows without a result last."""
    if by == "given":
        return list(rows)
    sign = 1.0 if any(row.metric == "mse" for row in rows) else -1.0
    means = [row.mean for row in with_deciding_data(rows)]
    places = sorted(range(len(rows)), key=lambda place: (means[place] is None, sign * (means[place] or 0.0)))
    return [rows[place] for place in places]


def as_markdown(rows: Sequence[TableRow], notes: Sequence[str] = ()) -> str:
    """The table as Markdown, with the notes below it."""
    heads = headings(wide=True, rows=rows)
    lines = [markdown_row(heads), "|---" * 2 + "|---:" * (len(heads) - 2) + "|"]
    lines += [markdown_row(cells(row, wide=True)) for row in rows]
    listed = [f"- {for_markdown(' '.join(note.split()))}" for note in notes]
    return "\n".join([*lines, *(["", *listed] if listed else [])]) + "\n"


def as_latex(rows: Sequence[TableRow], notes: Sequence[str] = ()) -> str:
    """The table as a `tabular` for the package booktabs; the notes are comments above it."""
    heads = headings(wide=True, rows=rows)
    lines = [f"% {printable(' '.join(note.split()))}" for note in ["Needs \\usepackage{booktabs}.", *notes]]
    lines += [f"\\begin{{tabular}}{{ll{'r' * (len(heads) - 2)}}}", "\\toprule", _latex_row(heads), "\\midrule"]
    lines += [_latex_row(cells(row, wide=True)) for row in rows]
    return "\n".join([*lines, "\\bottomrule", "\\end{tabular}"]) + "\n"


def _latex_row(texts: Sequence[str]) -> str:
    # A bracket or a star that opens a row would be taken for an argument of the \\ before it.
    return " & ".join(f"{{{t[0]}}}{for_latex(t[1:])}" if t[:1] in ("[", "*") else for_latex(t) for t in texts) + " \\\\"


def as_csv(rows: Sequence[Mapping[str, Any]]) -> str:
    """One line per run; lists and tables become JSON inside their cell, and no text is a formula."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(map(for_csv, names))
    for row in rows:
        writer.writerow([_csv_cell(row.get(name)) for name in names])
    return text.getvalue()


def _csv_cell(value: Any) -> Any:
    if isinstance(value, list | dict):
        return json.dumps(value)
    return for_csv(value) if isinstance(value, str) else "" if value is None else value
