"""The one reader of tables: text files (CSV and its relatives, also packed) and DataFrames become columns.

A column holds numbers, truth values, dates (of a DataFrame only; dates of files are texts), or texts. Numbers are read
exactly as Python's `float` reads them. Gaps are NaN or None. Nothing is decided here about what columns are for.

    table = read_table_file(Path("iris.csv"))
    table.names                        # ("sepal_length", ...)
    table.numbers("sepal_length")      # float64 [N], NaN where a value is missing; None: not all of them are numbers
    table.texts("species")             # object [N] of str, None where a value is missing
    table.place(0)                     # "iris.csv, line 2"
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

import numpy as np

from .columns import Column as Column
from .dialect import Dialect as Dialect

INDEX_NAMES = frozenset(
    (
        "",
        "index",
        "level_0",
        "unnamed: 0",
        "rownames",
        "row",
        "rowid",
        "row_id",
        "no",
        "no.",
        "nr",
        "x",
        "#",
        "id",
        "idx",
    )
)
"""Headings, in lower case, of a column that only counts the rows."""


@dataclass(frozen=True)
class Table:
    """A table.

    Args:
        source: file or object, for messages.
        columns: by name, in order.
        dialect: how the file is written, all of it known; of a DataFrame nothing but that columns have names.
        lines: int64 `[N]` line of the file that each row begins on; None: no file.
        notes: what was recognised or left out, one sentence each.
    """

    source: object
    columns: dict[str, Column]
    dialect: Dialect = field(default_factory=Dialect)
    lines: np.ndarray | None = None
    notes: tuple[str, ...] = ()

    @classmethod
    def of(cls, frame: Any, *, source: object = "DataFrame") -> Self:
        """The table in a pandas DataFrame, another frame that has `to_pandas`, or a dict of columns or rows (see
        `frames.columns_of_frame`).

        Raises:
            DataError: not a frame, headings in several rows or that occur twice, or values that are no single values.
        """
        from .frames import columns_of_frame  # pandas takes a while to import

        columns, notes = columns_of_frame(frame, source)
        return cls(source, columns, Dialect(header=True), notes=tuple(notes))

    def __len__(self) -> int:
        return 0 if not self.columns else len(self.gaps(next(iter(self.columns))))

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns, in order."""
        return tuple(self.columns)

    def numbers(self, name: str) -> np.ndarray | None:
        """The numbers of a column, float64 `[N]`, NaN as gap; true is 1; None: it holds something else."""
        column = self.columns[name]
        return column.values if column.kind in ("number", "truth", "empty") else None

    def texts(self, name: str) -> np.ndarray:
        """The texts of a column, object `[N]` of str, None as gap; of any kind of column."""
        return self.columns[name].texts

    def dates(self, name: str) -> np.ndarray | None:
        """The dates of a column of a DataFrame, datetime64 `[N]`; None: it holds none (dates of files are texts)."""
        column = self.columns[name]
        return column.values if column.kind == "date" else None

    def gaps(self, name: str) -> np.ndarray:
        """bool `[N]`: where a column has no value."""
        return self.columns[name].gaps

    def line(self, row: int) -> int | None:
        """The line of the file that a row begins on, counted from 1 as an editor counts; None: no file."""
        return None if self.lines is None else int(self.lines[row])

    def place(self, row: int) -> str:
        """Source and line of a row, for messages: "iris.csv, line 7"."""
        line = self.line(row)
        return f"{self.source}, row {row}" if line is None else f"{self.source}, line {line}"

    def at(self, row: int) -> str:
        """The line of a row, for messages: "line 7", or "row 5" (from 0) of a DataFrame."""
        line = self.line(row)
        return f"row {row}" if line is None else f"line {line}"

    def rows(self, chosen: np.ndarray) -> Table:
        """Some rows, given by number (also in another order) or bool `[N]`."""
        columns = {name: column.rows(chosen) for name, column in self.columns.items()}
        return replace(self, columns=columns, lines=None if self.lines is None else self.lines[chosen])

    def without(self, names: Iterable[str], *notes: str) -> Table:
        """The table without some columns, and with further notes."""
        left_out = set(names)
        kept = {name: column for name, column in self.columns.items() if name not in left_out}
        return replace(self, columns=kept, notes=(*self.notes, *notes))

    def counter(self) -> str | None:
        """The column that only counts the rows, 0..N-1 or 1..N: its heading is empty, or "index", "id", "No" and such.

        A column without a heading whose values are all different is one too; None: there is none.
        """
        for name in self.columns:
            if name.lower() in INDEX_NAMES and name != "x" and (name == self.names[0] or name not in ("X", "id", "ID")):
                found = self.columns[name]
                if found.kind == "number" and found.values is not None and self._counts(name, found.values):
                    return name
                if name == "" and found.kind == "text" and len(set(found.texts.tolist())) == len(self) > 1:
                    return name
        return None

    def _counts(self, name: str, values: np.ndarray) -> bool:
        if len(values) < 2 or np.isnan(values).any() or (np.floor(values) != values).any():
            return False
        if name.lower() in ("", "index", "level_0", "unnamed: 0"):
            return len(np.unique(values)) == len(values)
        steps = np.arange(len(values))
        return values[0] in (0, 1) and bool((values - values[0] == steps).all())


def read_table_file(
    path: Path,
    given: Dialect | None = None,
    *,
    like: Dialect | None = None,
    memory_limit: float | None = None,
) -> Table:
    """The table in a text file.

    Args:
        path: the file, also packed by gzip, bzip2, xz or zip (one file in it).
        given: what the user says about how it is written; the rest is recognised.
        like: dialect of the training's file, which decides where this file alone does not.
        memory_limit: GiB that reading may take (see `data.memory_limit`).

    Raises:
        DataError: unreadable, no table, rows of different lengths, columns of one name, decimal marks that cannot be
            told apart, or more than the limit.
        ConfigurationError: an encoding that is not known.
    """
    from .table_parser import parse  # pandas takes a while to import

    columns, dialect, lines, notes = parse(path, given or Dialect(), like, memory_limit)
    return Table(path, columns, dialect, lines, tuple(notes))
