"""What the columns of a table are for: the class, features, or nothing; decided once, from the table of the training.

Left out, with a note, are columns that count or name the rows, and columns without any value. Refused, with the option
that helps, are columns whose meaning cannot be told: numbers with a few texts between them, dates, numbers with units,
texts that differ in nearly every row, and a class column of many different numbers.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import ConfigurationError, DataError, unknown_name
from .readers.characters import shortened, typed
from .readers.table import Column, Table
from .schema.table_schema import OWN_CATEGORY, Feature

USUAL_TARGETS = ("target", "label", "class", "y", "species")
LARGEST_CATEGORY = 50
"""Most categories of a column of texts that is not named in `one_hot`."""
FEW, MANY = 10, 20
"""Fractional class numbers, and any other classes, of which there are never too many."""
LISTED = 30
_ID = re.compile(r"(?i:(?:^|[_ .-])(?:id|uuid|guid))$|[a-z]I[dD]$")


@dataclass(frozen=True)
class Choices:
    """What the user decides about columns.

    Args:
        target: name of the class column, or its number from 1 (-1: the last one) where the file names no columns.
        drop: names of columns to leave out.
        one_hot: names of columns whose values are categories, also if they are numbers.
        missing: one of `POLICIES`.
    """

    target: str | int | None = None
    drop: tuple[str, ...] = ()
    one_hot: tuple[str, ...] = ()
    missing: str = "error"


def class_column(table: Table, target: str | int | None) -> str:
    """The name of the class column.

    Raises:
        DataError: there is no such column, or it was not given and has no usual name.
    """
    names = table.names
    if target is None:
        lowered = [name.lower() for name in names]
        usual = [name for name in USUAL_TARGETS if name in lowered]
        if usual:
            return names[lowered.index(usual[0])]
        raise DataError(
            f"{table.source}: which column is the class? Give target (--target {_example(table)}); columns: "
            f"{_listed(names)}. If its rows are steps of time: --task series."
        )
    if str(target) in table.columns:
        return str(target)
    unnamed = table.lines is not None and not table.dialect.header and table.dialect.names is None
    if unnamed and re.fullmatch(r"-?[0-9]{1,6}", str(target)):
        place = int(target)
        if 1 <= place <= len(names) or place == -1:
            return names[place - 1 if place > 0 else -1]
    if not isinstance(target, str):
        raise ConfigurationError(f"target: expected a text, the name of a column, received {target!r}.")
    raise DataError(f"{table.source}: {unknown_name('column', target, names[:LISTED])}")


def expect_columns(table: Table, names: Iterable[str], option: str) -> None:
    """Raise a ConfigurationError unless a table has the columns that an option names."""
    for name in names:
        if name not in table.columns:
            raise ConfigurationError(f"{option}: {unknown_name('column', name, table.names[:LISTED])}")


def left_out(table: Table, target: str, choices: Choices) -> tuple[list[str], list[str]]:
    """Names of columns that are no features, besides the class column; and notes."""
    expect_columns(table, choices.drop, "drop")
    expect_columns(table, choices.one_hot, "one_hot")
    dropped, notes = list(choices.drop), []
    if target in dropped:
        raise ConfigurationError(f"drop: {target!r} is the class column.")
    counter = table.counter()
    for name, column in table.columns.items():
        if name in dropped or name == target or name in choices.one_hot:
            continue
        shown = shortened(name) or "(no name)"
        if name == counter:
            notes.append(f"column {shown!r} only counts or names the rows and is left out.")
        elif column.kind == "empty":
            notes.append(f"column {shown!r} holds no value at all and is left out.")
        elif _ID.search(name) and len(table) >= FEW and _all_different(column):
            notes.append(f"column {shown!r} holds another value in each row, as names of the rows do; it is left out.")
        else:
            continue
        dropped.append(name)
    return dropped, notes


def features_of(table: Table, names: Sequence[str], choices: Choices) -> list[Feature]:
    """The features that columns become; fill values and ranges are added by `with_values`.

    Raises:
        DataError: a column whose meaning cannot be told.
    """
    return [_feature(table, name, choices) for name in names]


def with_values(features: Iterable[Feature], table: Table, missing: str) -> list[Feature]:
    """Features with the values that fill gaps, and the ranges of numbers, of the rows of the training part."""
    found = []
    for one in features:
        low = high = None
        fill: float | str | None = None
        gaps = table.gaps(one.name)
        values = table.numbers(one.name)
        if one.kind == "number" and values is not None:
            known = values[~gaps]
            if not len(known):
                raise DataError(
                    f"{table.source}: column {shortened(one.name)!r} has no value in the training part. Leave it out: "
                    f"drop=[{one.name}]."
                )
            low, high = float(known.min()), float(known.max())
            fill = _fill(known, missing)
        elif missing == "own-category":
            fill = OWN_CATEGORY if OWN_CATEGORY in one.categories else None
        elif missing in ("mean", "median", "most-frequent"):
            counts = Counter(table.texts(one.name)[~gaps].tolist())
            fill = max(sorted(counts), key=lambda text: counts[text]) if counts else one.categories[0]
        found.append(Feature(one.name, one.kind, one.categories, one.mark, fill, low, high))
    return found


def class_labels(table: Table, target: str) -> tuple[np.ndarray, tuple[str, ...], list[str]]:
    """Number of the class of each row, int64 `[N]`, the names of the classes, and notes.

    Raises:
        DataError: numbers or texts that are no classes.
    """
    column, name = table.columns[target], shortened(target)
    texts = table.texts(target)
    distinct = set(texts.tolist())
    values = table.numbers(target)
    many = len(distinct) > MANY and len(distinct) > len(table) / 5
    if column.kind == "date":
        raise DataError(f"{table.source}: expected classes in column {name!r}, received dates.")
    if values is not None:
        fractions = bool((np.floor(values) != values).any())
        if many or (fractions and len(distinct) > FEW):
            raise DataError(
                f"{table.source}: expected classes in column {name!r}, received {len(distinct)} different numbers from "
                f"{values.min():g} to {values.max():g}. Cut them into a few ranges in a column of its own (pandas.cut "
                "does it), choose another target, or forecast them as a series (--task series)."
            )
        of_text = dict(zip(texts.tolist(), values.tolist(), strict=True))
        names = (
            tuple(sorted(distinct, key=lambda text: of_text[text])) if column.kind == "number" else _sorted(distinct)
        )
    else:
        if many and len(distinct) > len(table) / 2:
            raise DataError(
                f"{table.source}: expected classes in column {name!r}, received {len(distinct)} texts in {len(table)} "
                f"rows, such as {shortened(str(texts[0]))!r}. Is it a column of names? Give another target."
            )
        names = _sorted(distinct)
    notes = []
    alike = [text for text, count in Counter(" ".join(n.casefold().split()) for n in names).items() if count > 1]
    if alike:
        both = [text for text in names if " ".join(text.casefold().split()) == alike[0]]
        notes.append(f"classes {', '.join(map(repr, map(shortened, both)))} differ only in capitals or spaces.")
    places = {text: place for place, text in enumerate(names)}
    return np.array([places[text] for text in texts.tolist()], dtype=np.int64), names, notes


def _feature(table: Table, name: str, choices: Choices) -> Feature:
    column, shown, listed = table.columns[name], shortened(name), typed([shortened(name)])
    if name in choices.one_hot:
        return Feature(name, "category", _categories(column, choices))
    if column.kind in ("number", "truth"):
        return Feature(name, "number", mark=column.mark)
    fix = f"leave it out (--set data.drop={listed}), or take its values as categories (--set data.one_hot={listed})"
    if column.kind == "date":
        raise DataError(f"{table.source}: column {shown!r} holds dates, which are no features: {fix}.")
    texts = column.texts.tolist()
    if column.odd >= 0:
        raise DataError(
            f"{table.place(column.odd)}, column {shown!r}: expected a number, received "
            f"{shortened(str(texts[column.odd]))!r} ({column.fault}). Correct the cell, name it as a missing value "
            f"(missing_marks), leave the column out (--set data.drop={listed}), or take its values as categories "
            f"(--set data.one_hot={listed})."
        )
    found = _categories(column, choices)
    each = len(found) == len(texts) >= FEW
    if len(found) > LARGEST_CATEGORY or each:
        raise DataError(
            f"{table.source}: column {shown!r} holds {len(found)} different texts (such as "
            f"{shortened(found[0])!r}); expected numbers, or at most {LARGEST_CATEGORY} texts that occur again: {fix}."
        )
    return Feature(name, "category", found)


def _categories(column: Column, choices: Choices) -> tuple[str, ...]:
    texts = {text for text in column.texts.tolist() if text is not None}
    found = _sorted(texts)
    own = choices.missing == "own-category" and column.gaps.any()
    return (*found, OWN_CATEGORY) if own and OWN_CATEGORY not in found else found


def _fill(known: np.ndarray, missing: str) -> float | None:
    if missing == "mean":
        return float(known.mean())
    if missing == "median":
        return float(np.median(known))
    if missing == "most-frequent":
        values, counts = np.unique(known, return_counts=True)
        return float(values[counts.argmax()])
    return None


def _all_different(column: Column) -> bool:
    if column.values is not None:
        values = column.values
        whole = column.kind == "number" and not np.isnan(values).any() and bool((np.floor(values) == values).all())
        return whole and len(np.unique(values)) == len(values)
    return len(set(column.texts.tolist())) == len(column.texts)


def _sorted(texts: Iterable[str]) -> tuple[str, ...]:
    """Texts in order, numbers by their value."""

    def key(text: str) -> tuple[Any, ...]:
        try:
            return 0, float(text), text
        except ValueError:
            return 1, 0.0, text

    return tuple(sorted(texts, key=key))


def _example(table: Table) -> str:
    """How the last column is typed."""
    if not table.dialect.header and table.lines is not None:
        return str(len(table.names))
    return shortened(table.names[-1])


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    return ", ".join(shortened(name) for name in names[:LISTED]) + more
