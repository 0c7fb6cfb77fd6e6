"""Columns of a table: what all cells of one have in common."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .cells import is_gap, number, oddity, plain

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
    """The column in texts as a file holds them, object `[N]`."""
    cells = [plain(text) for text in texts.tolist()]
    bare = [None if is_gap(cell, gaps) else cell for cell in cells]
    written_as = [None if cell is None else text.strip() for cell, text in zip(bare, texts.tolist(), strict=True)]
    kept = np.array([*written_as, None], dtype=object)[:-1]  # an array of objects, whatever they are
    known = [cell for cell in bare if cell is not None]
    values = np.full(len(kept), np.nan)
    if not known:
        return Column("empty", values, lambda: kept, _texts=kept)
    if all(cell.lower() in ("true", "false") for cell in known):
        filled = [np.nan if cell is None else float(cell.lower() == "true") for cell in bare]
        same = np.array([None if cell is None else cell.capitalize() for cell in bare], dtype=object)
        return Column("truth", np.array(filled), lambda: same, _texts=same)
    found = {cell: number(cell, decimal) for cell in set(known)}
    beside = {value.mark for value in found.values() if value is not None}
    if None not in found.values() and len(beside) == 1:
        for row, cell in enumerate(bare):
            value = None if cell is None else found[cell]
            values[row] = np.nan if value is None else value.value
        return Column("number", values, lambda: kept, beside.pop(), _texts=kept)
    odd, fault = _odd(bare, found, decimal)
    return Column("text", None, lambda: kept, "", odd, fault, kept)


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
    looks = {cell: oddity(cell) for cell in found}
    if all(looks.values()) and len(set(looks.values())) == 1:
        row = next(row for row, cell in enumerate(cells) if cell is not None)
        return row, next(iter(looks.values())) or ""
    return -1, ""


def written(values: np.ndarray) -> np.ndarray:
    """Numbers as texts, object `[N]`: whole ones without a point; None for NaN."""
    texts = np.full(len(values), None, dtype=object)
    for row, value in enumerate(values.tolist()):
        if value == value:
            texts[row] = str(int(value)) if value.is_integer() and abs(value) < LARGEST_WHOLE else repr(value)
    return texts
