"""Columns of a table: what all cells of one have in common."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .cells import TRUTH, all_odd, is_gap, number, oddity, plain

LARGEST_WHOLE = 1e16


@dataclass
class Column:
    """One column.

    Args:
        kind: "number", "truth" (true or false), "date" (of a DataFrame), "text", or "empty".
        values: float64 `[N]` with NaN as gap (number, truth), datetime64 `[N]` (date), None (text).
        written: gives the texts, object `[N]`, None as gap.
        mark: percent sign or currency beside every number, or "".
        odd: row of the first cell that is no number although most others are, or -1.
        fault: what that cell holds.
    """

    kind: str
    values: np.ndarray | None
    written: Callable[[], np.ndarray]
    mark: str = ""
    odd: int = -1
    fault: str = ""
    _texts: np.ndarray | None = field(default=None, repr=False)

    @property
    def texts(self) -> np.ndarray:
        """The texts of the cells without spaces around them, object `[N]`; None where a value is missing."""
        if self._texts is None:
            self._texts = self.written()
        return self._texts

    @property
    def gaps(self) -> np.ndarray:
        """bool `[N]`: where no value is."""
        if self.values is None:
            return np.array([text is None for text in self.texts.tolist()], dtype=bool)
        return np.isnat(self.values) if self.values.dtype.kind == "M" else np.isnan(self.values)

    def rows(self, chosen: np.ndarray) -> Column:
        """The same column in some rows, given by number or bool `[N]`."""
        values = None if self.values is None else self.values[chosen]
        texts = None if self._texts is None else self._texts[chosen]
        return Column(self.kind, values, lambda: self.texts[chosen], self.mark, -1, "", texts)


def column_of_texts(texts: np.ndarray, decimal: str, gaps: frozenset[str]) -> Column:
    """The column in texts as a file holds them, object `[N]`; each different text is looked at once.

    Args:
        texts: the cells.
        decimal: "." or ",".
        gaps: texts that mean a missing value, as `cells.gaps_of` gives them.
    """
    from pandas import factorize

    places, different = factorize(texts)
    cells = [plain(text) for text in different.tolist()]
    known = [not is_gap(cell, gaps) for cell in cells]
    shown = [text.strip() if there else None for text, there in zip(different.tolist(), known, strict=True)]
    kept = objects(shown)[places]
    if not any(known):
        return Column("empty", np.full(len(kept), np.nan), lambda: kept, _texts=kept)
    filled = [cell for cell, there in zip(cells, known, strict=True) if there]
    if all(cell.lower() in TRUTH for cell in filled):
        of_cell = [
            TRUTH.get(cell.lower(), np.nan) if there else np.nan for cell, there in zip(cells, known, strict=True)
        ]
        same = objects([cell.capitalize() if there else None for cell, there in zip(cells, known, strict=True)])[places]
        return Column("truth", np.array(of_cell)[places], lambda: same, _texts=same)
    found = {cell: number(cell, decimal) for cell in filled}
    beside = {value.mark for value in found.values() if value is not None}
    if None not in found.values() and len(beside) == 1:
        values = [np.nan if (value := found.get(cell)) is None else value.value for cell in cells]
        return Column("number", np.array(values)[places], lambda: kept, beside.pop(), _texts=kept)
    bare = objects([cell if there else None for cell, there in zip(cells, known, strict=True)])[places]
    odd, fault = _odd(bare.tolist(), found, decimal)
    return Column("text", None, lambda: kept, "", odd, fault, kept)


def objects(items: Sequence[object]) -> np.ndarray:
    """An array of objects `[N]`, whatever they are."""
    found = np.empty(len(items), dtype=object)
    found[:] = items
    return found


def _odd(cells: list[str | None], found: dict[str, Any], decimal: str) -> tuple[int, str]:
    """Row of the first cell that keeps a column from being numbers, and what it is; -1: these are texts."""
    firsts = {value.mark for value in found.values() if value is not None}
    if len(firsts) > 1 and None not in found.values():
        mark = next(found[cell].mark for cell in cells if cell is not None)
        row = next(row for row, cell in enumerate(cells) if cell is not None and found[cell].mark != mark)
        return row, "another mark than the numbers above"
    if any(value is not None for value in found.values()):
        row = next(row for row, cell in enumerate(cells) if cell is not None and found[cell] is None)
        return row, oddity(str(cells[row])) or "no number, but others in the column are"
    other, mark = (".", "point") if decimal == "," else (",", "comma")
    if all(number(cell, other) is not None for cell in found):
        row = next(row for row, cell in enumerate(cells) if cell is not None and found[cell] is None)
        return row, f"a number with a decimal {mark}, unlike other columns"
    what = all_odd(found)
    if what is not None:
        return next(row for row, cell in enumerate(cells) if cell is not None), what
    return -1, ""


def written(values: np.ndarray) -> np.ndarray:
    """Numbers as texts, object `[N]`: whole ones without a point; None for NaN."""
    texts = np.full(len(values), None, dtype=object)
    for row, value in enumerate(values.tolist()):
        if value == value:
            texts[row] = str(int(value)) if value.is_integer() and abs(value) < LARGEST_WHOLE else repr(value)
    return texts
