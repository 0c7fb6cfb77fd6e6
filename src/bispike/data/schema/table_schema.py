"""How a table was read: which columns are features, what their values are, and which column names the class.

A column of numbers is one feature. A column of categories is one feature per category, 1 in the rows that hold it and 0
in the others. Files in use are read by the names of the columns, in any order.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import torch
from torch import Tensor

from ...errors import DataError, unknown_name
from ...json_values import Check, expect, is_text, list_of, number, optional, record
from ..labels import encode_known
from ..readers.characters import shortened
from ..readers.dialect import Dialect
from ..readers.table import Table
from .schema import Inputs, Schema
from .table_rows import LISTED, expect_numbers, listed, missing_values

OWN_CATEGORY = "(missing)"
"""Category of cells without a value, where they have one of their own."""
KINDS = ("number", "category")
UNSEEN = ("refuse", "zero")
POLICIES = ("error", "mean", "median", "most-frequent", "own-category", "drop-rows")
FAR = 3.0
"""How many spans of the training's numbers a number may lie outside of them without a note."""
_FEATURE: Check = record(
    {
        "name": is_text,
        "kind": is_text,
        "categories": list_of(is_text),
        "mark": is_text,
        "fill": lambda value, place: None,
        "low": optional(number()),
        "high": optional(number()),
    },
    others=False,
)
_CHECK: Check = record(
    {
        "dialect": lambda value, place: None,
        "columns": list_of(is_text),
        "features": list_of(_FEATURE),
        "target": is_text,
        "dropped": list_of(is_text),
        "missing": is_text,
        "unseen": is_text,
        "classes": list_of(is_text),
    },
    others=False,
)


@dataclass(frozen=True)
class Feature:
    """A column that is a feature, or one per category.

    Args:
        name: of the column.
        kind: "number" or "category".
        categories: of a category column, in the order of its features.
        mark: percent sign or currency beside its numbers, or "".
        fill: number or category that stands for a missing value; None: missing values are refused.
        low, high: least and largest number of the training part; None: categories.
    """

    name: str
    kind: str
    categories: tuple[str, ...] = ()
    mark: str = ""
    fill: float | str | None = None
    low: float | None = None
    high: float | None = None

    @property
    def width(self) -> int:
        """Features of the column."""
        return len(self.categories) if self.kind == "category" else 1

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {**self.__dict__, "categories": list(self.categories)}


@dataclass(frozen=True)
class TableSchema(Schema):
    """How a table was read.

    Args:
        dialect: of the file.
        columns: names of all its columns, in order.
        features: of its feature columns, in order.
        target: name of the class column.
        dropped: names of the columns that are left out.
        missing: what is done where a value is missing, one of `POLICIES`.
        unseen: what is done with a category that the training did not have: "refuse", or "zero" in all its features.
        classes: names of the classes.
    """

    kind: ClassVar[str] = "table"
    what: ClassVar[str] = "a table"

    dialect: Dialect
    columns: tuple[str, ...]
    features: tuple[Feature, ...]
    target: str
    dropped: tuple[str, ...] = ()
    missing: str = "error"
    unseen: str = "refuse"
    classes: tuple[str, ...] = field(default=())

    @property
    def divisor(self) -> float | None:
        """Numbers of any kind are features as they are."""
        return 1.0

    @property
    def limits(self) -> tuple[float, float]:
        """Least and largest value of the training part."""
        lows = [0.0 if one.low is None else one.low for one in self.features]
        highs = [1.0 if one.high is None else one.high for one in self.features]
        return min(lows), max(highs)

    @property
    def width(self) -> int:
        """Values of a stimulus."""
        return sum(one.width for one in self.features)

    def of_table(self, table: Table, source: object) -> Inputs:
        """The stimuli in the rows of a table, by the names of its columns; judged where the class column is there."""
        found, notes = self._named(table, source)
        matrix, more = self.matrix(found)
        name = Path(str(source)).name
        names = (name,) if len(table) == 1 else tuple(f"{name}[{row}]" for row in range(len(table)))
        labels, about_labels = self._labels(found)
        stimuli = torch.from_numpy(matrix)
        return Inputs(names, stimuli, (*table.notes, *notes, *more, *about_labels), labels)

    def of_array(self, array: np.ndarray, source: object) -> Inputs:
        """Stimuli in an array `[N, D]` or `[D]` of numbers, by the order of the feature columns of the training."""
        text = next((one.name for one in self.features if one.kind == "category"), None)
        if text is not None:
            raise DataError(
                f"{source}: expected a table with column names, received an array; column {shortened(text)!r} of the "
                "training holds categories. Give a DataFrame or a CSV file."
            )
        if array.dtype.kind not in "buif":
            raise DataError(f"{source}: expected numbers, received dtype {array.dtype}.")
        rows = array[None] if array.ndim == 1 else array
        if rows.ndim != 2 or rows.shape[1] != len(self.features) or not len(rows):
            raise DataError(
                f"{source}: expected [N, {len(self.features)}], a value for each of the columns "
                f"{listed(one.name for one in self.features)}; received {list(array.shape)}."
            )
        values = rows.astype(np.float64)
        if not np.isfinite(values).all():
            row, column = np.argwhere(~np.isfinite(values))[0].tolist()
            raise DataError(
                f"{source}: expected finite numbers, received {values[row, column]} at [{row}, {column}], column "
                f"{shortened(self.features[column].name)!r}."
            )
        name = Path(str(source)).name
        names = (name,) if len(rows) == 1 else tuple(f"{name}[{row}]" for row in range(len(rows)))
        order = listed(one.name for one in self.features)
        notes = [f"the columns of the array are taken in the order of the training: {order}."]
        notes += [note for one, column in zip(self.features, values.T, strict=True) for note in _far(one, column)]
        return Inputs(names, torch.from_numpy(_float32(values)), tuple(notes))

    def matrix(self, table: Table) -> tuple[np.ndarray, list[str]]:
        """All features of the rows of a table that has the columns, float32 `[N, width]`; and notes.

        Raises:
            DataError: a missing value without a fill value, a text in place of a number, an unseen category.
        """
        matrix = np.zeros((len(table), self.width), dtype=np.float32)
        place, notes = 0, []
        for one in self.features:
            if one.kind == "number":
                numbers, more = self._numbers(table, one)
                matrix[:, place] = _float32(numbers)
            else:
                more = self._categories(table, one, matrix[:, place : place + one.width])
            notes += more
            place += one.width
        return matrix, notes

    def _named(self, table: Table, source: object) -> tuple[Table, list[str]]:
        """The table with the names of the training, and notes."""
        notes: list[str] = []
        if table.lines is not None and not table.dialect.header and not table.dialect.names:
            if self.dialect.header:
                raise DataError(
                    f"{source}: expected column names in the first row, as in training, found none. Columns are: "
                    f"{listed(one.name for one in self.features)}."
                )
            others = [name for name in self.columns if name != self.target]
            if len(table.names) == len(others):
                columns = dict(zip(others, table.columns.values(), strict=True))
                table = Table(table.source, columns, table.dialect, table.lines, table.notes)
                notes.append(f"the file has no column for the class ({self.target!r}); the others are taken in order.")
            elif len(table.names) != len(self.columns):
                raise DataError(
                    f"{source}: expected {len(self.columns)} columns as in training (or {len(others)} without the "
                    f"class), received {len(table.names)}."
                )
        absent = [one.name for one in self.features if one.name not in table.columns]
        if absent:
            near = unknown_name("column", absent[0], table.names[:LISTED])
            near = near.partition("; ")[2] or near.partition(". ")[2]
            raise DataError(
                f"{source}: expected the columns of the training, found no {listed(absent)} ({len(absent)} of "
                f"{len(self.features)} are missing); {near[:1].lower()}{near[1:]}"
            )
        known = {one.name for one in self.features} | {self.target, *self.dropped}
        extra = [name for name in table.names if name not in known and name != table.counter()]
        if extra:
            notes.append(f"{len(extra)} columns that the training did not have are ignored: {listed(extra)}.")
        return table, notes

    def _labels(self, table: Table) -> tuple[Tensor | None, list[str]]:
        if self.target not in table.columns:
            return None, []
        gaps = table.gaps(self.target)
        if gaps.any():
            note = f"decisions are not judged: {int(gaps.sum())} rows have no value in {shortened(self.target)!r}."
            return None, [] if gaps.all() else [note]
        labels = table.texts(self.target)
        known = set(self.classes)
        odd = next((row for row, label in enumerate(labels.tolist()) if label not in known), None)
        if odd is not None:
            raise DataError(
                f"{table.place(odd)}, column {shortened(self.target)!r}: expected a class of the training "
                f"({listed(self.classes)}), received {shortened(labels[odd])!r}."
            )
        return encode_known(labels, self.classes, f"column {self.target!r}"), []

    def _numbers(self, table: Table, one: Feature) -> tuple[np.ndarray, list[str]]:
        column, name = table.columns[one.name], shortened(one.name)
        values = expect_numbers(table, one.name)
        if column.kind == "truth" and one.low is not None and one.high is not None and (one.low < 0 or one.high > 1):
            raise DataError(
                f"{table.source}, column {name!r}: expected numbers from {one.low:g} to {one.high:g}, as in training, "
                "received true and false."
            )
        if column.kind == "number" and column.mark != one.mark:
            expected = f"numbers with {one.mark!r}" if one.mark else "plain numbers"
            received = f"numbers with {column.mark!r}" if column.mark else "plain numbers"
            raise DataError(
                f"{table.source}, column {name!r}: expected {expected}, as in training, received {received}. Write "
                "them as in the training file."
            )
        gaps = np.isnan(values)
        notes: list[str] = []
        if gaps.any():
            self._expect_fill(table, one, gaps)
            values = np.where(gaps, float(one.fill or 0), values)
            notes.append(_filled(gaps, name, f"{one.fill:g}", self.missing))
        return values, [*notes, *_far(one, values)]

    def _categories(self, table: Table, one: Feature, features: np.ndarray) -> list[str]:
        """Write 1 and 0 into the features `[N, C]` of a column of categories; notes."""
        name, notes = shortened(one.name), []
        texts = table.texts(one.name)
        gaps = table.gaps(one.name)
        if gaps.any():
            self._expect_fill(table, one, gaps)
            texts = np.where(gaps, str(one.fill), texts)
            notes.append(_filled(gaps, name, repr(one.fill), self.missing))
        places = {category: place for place, category in enumerate(one.categories)}
        found = np.array([places.get(text, -1) for text in texts.tolist()], dtype=np.int64)
        unseen = found < 0
        if unseen.any():
            row = int(unseen.argmax())
            if self.unseen == "refuse":
                raise DataError(
                    f"{table.place(row)}, column {name!r}: expected a category of the training "
                    f"({listed(one.categories)}), received {shortened(str(texts[row]))!r} ({int(unseen.sum())} such "
                    "rows). A training with data.unseen=zero takes them as none of its categories."
                )
            notes.append(f"{int(unseen.sum())} rows hold a category in {name!r} that the training did not have: all 0.")
        features[np.flatnonzero(~unseen), found[~unseen]] = 1
        return notes

    def _expect_fill(self, table: Table, one: Feature, gaps: np.ndarray) -> None:
        if one.fill is None:
            raise missing_values(table, {one.name: gaps})

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "dialect": self.dialect.to_dict(),
            "columns": list(self.columns),
            "features": [one.to_dict() for one in self.features],
            "target": self.target,
            "dropped": list(self.dropped),
            "missing": self.missing,
            "unseen": self.unseen,
            "classes": list(self.classes),
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], place: str) -> Self:
        """The schema of plain values from a file, which are not trusted; a DamagedError says what is wrong."""
        _CHECK(values, place)
        expect(values["missing"] in POLICIES, f"{place}: missing", f"one of {', '.join(POLICIES)}", values["missing"])
        expect(values["unseen"] in UNSEEN, f"{place}: unseen", f"one of {', '.join(UNSEEN)}", values["unseen"])
        features = []
        for index, one in enumerate(values["features"]):
            at = f"{place}: features[{index}]"
            expect(one["kind"] in KINDS, f"{at}: kind", f"one of {', '.join(KINDS)}", one["kind"])
            (optional(number()) if one["kind"] == "number" else optional(is_text))(one["fill"], f"{at}: fill")
            features.append(Feature(**{**one, "categories": tuple(one["categories"])}))
        expect(bool(features), f"{place}: features", "at least one", [])
        return cls(
            dialect=Dialect.from_dict(values["dialect"], f"{place}: dialect"),
            columns=tuple(values["columns"]),
            features=tuple(features),
            target=values["target"],
            dropped=tuple(values["dropped"]),
            missing=values["missing"],
            unseen=values["unseen"],
            classes=tuple(values["classes"]),
        )


def _far(one: Feature, values: np.ndarray) -> list[str]:
    """A note where numbers lie far outside of those of the training, as in another unit."""
    if one.low is None or one.high is None:
        return []
    span = FAR * max(one.high - one.low, 1e-12)
    far = (values < one.low - span) | (values > one.high + span)
    if not far.any():
        return []
    return [
        f"{int(far.sum())} values in {shortened(one.name)!r} are far from those of training ({one.low:g} to "
        f"{one.high:g}), such as {values[far][0]:g}: is the unit the same?"
    ]


def _filled(gaps: np.ndarray, name: str, value: str, how: str) -> str:
    """A note on missing values that were filled."""
    count = int(gaps.sum())
    what = "1 missing value" if count == 1 else f"{count} missing values"
    return f"{what} in {name!r} {'is' if count == 1 else 'are'} filled with {value} ({how})."


def _float32(values: np.ndarray) -> np.ndarray:
    """The values as networks take them; those that are too large become infinite, and are refused as such."""
    with np.errstate(over="ignore"):
        return values.astype(np.float32)
