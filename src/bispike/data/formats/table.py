"""Tables in text files (`.csv` and its relatives, also packed) and DataFrames: one row per stimulus, one column for the
class, all other columns are features.

`data.readers.table` reads the cells, `data.roles` decides once what the columns are for, and `TableSchema` keeps it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ...arguments import checked
from ...errors import ConfigurationError, DataError
from .. import roles
from ..assemble import SPLIT_SEED, assemble
from ..dataset import Dataset
from ..labels import Labels
from ..memory_limit import Room
from ..option import (
    DELIMITER,
    MEMORY_LIMIT,
    TEST_SHARE,
    Option,
    one_of,
    problems,
    text,
    yes_or_no,
)
from ..readers.characters import shortened
from ..readers.dialect import Dialect
from ..readers.table import Table, read_table_file
from ..sampling import stratified
from ..schema import Inputs, Schema, TableSchema
from ..schema.table_rows import missing_values
from ..schema.table_schema import POLICIES, UNSEEN
from .format import Format

ENDINGS = (".csv", ".tsv", ".tab", ".psv")
PACKED = ("", ".gz", ".bz2", ".xz", ".zip")


def read(
    path: Path,
    *,
    like: Schema | None = None,
    target: str | int | None = None,
    drop: Sequence[str] | str | None = None,
    one_hot: Sequence[str] | str | None = None,
    missing: str = "error",
    unseen: str = "refuse",
    delimiter: str | None = None,
    decimal: str | None = None,
    encoding: str | None = None,
    header: bool | None = None,
    names: Sequence[str] | str | None = None,
    comment: str | None = None,
    quote: str | None = None,
    missing_marks: Sequence[str] | str | float | None = None,
    not_missing: Sequence[str] | str | None = None,
    test_fraction: float = 0.2,
    memory_limit: float | None = None,
) -> Dataset:
    """A classification data set from a table.

    Args:
        path: the file.
        like: schema of a training, by which the table is read, and nothing else; None: table and options decide.
        target, drop, one_hot, missing, unseen: what the columns are for, see `ROLES`.
        delimiter, decimal, encoding, header, names, comment, quote, missing_marks, not_missing: how it is written, see
            `DIALECT`.
        test_fraction: share that becomes the test part.
        memory_limit: GiB that reading may take (see `data.memory_limit`).

    Raises:
        DataError: no such column, missing values, rows of different lengths, unsound content, or more than the limit.
        ConfigurationError: an option names a column that is not there.
    """
    name = path.name.split(".")[0]
    if like is not None:
        return _read_like(path, like, name, test_fraction, memory_limit)
    written = {"delimiter": delimiter, "decimal": decimal, "encoding": encoding, "header": header, "names": names}
    given = dialect_of(
        {**written, "comment": comment, "quote": quote, "missing_marks": missing_marks, "not_missing": not_missing}
    )
    choices, room = roles.Choices(target, _several(drop), _several(one_hot), missing), Room.of(path, memory_limit)
    return _learn(
        read_table_file(path, given, memory_limit=memory_limit), room, name, test_fraction, choices, unseen
    )  # no name here keeps the table in memory


@checked
def from_table(frame: Any, *, name: str = "table", test_fraction: float = 0.2, **options: Any) -> Dataset:
    """A classification data set from a DataFrame of pandas (or polars, pyarrow, or a dict of columns).

    Args:
        frame: one row per stimulus; the index is left out.
        name: name of the data set in reports.
        test_fraction: share that becomes the test part, 0 < share < 1.
        **options: `target`, the name of the class column; `drop` and `one_hot`, lists of column names; `missing` and
            `unseen`, as for a file.

    Raises:
        ConfigurationError: unknown options or wrong values.
        DataError: what is wrong with the table.
    """
    if wrong := problems(ROLES, options, of="a table"):
        raise ConfigurationError(wrong)
    given = {**{option.name: option.default for option in ROLES}, **options}
    choices = roles.Choices(given["target"], _several(given["drop"]), _several(given["one_hot"]), given["missing"])
    return _learn(Table.of(frame, source=name), None, name, test_fraction, choices, given["unseen"])


def _learn(table: Table, room: Room | None, name: str, share: float, choices: roles.Choices, unseen: str) -> Dataset:
    """The data set of a table that decides itself how it is read."""
    missing = choices.missing
    target = roles.class_column(table, choices.target)
    dropped, notes = roles.left_out(table, target, choices)
    names = [column for column in table.names if column != target and column not in dropped]
    if not names:
        raise DataError(f"{table.source}: expected at least one column besides {shortened(target)!r}.")
    columns = table.names
    others = [column for column in names if column.lower() in roles.USUAL_TARGETS]
    if choices.target is None and others:
        notes.append(f"column {target!r} is taken as the class, and {others[0]!r} as a feature; target= names another.")
    table, more = _with_values(table, names, target, missing)
    features = roles.features_of(table, names, choices)
    width = sum(one.width for one in features)
    if room is not None:
        room.expect_stimuli((len(table), width), bytes_each=12)
    labels, classes, about_classes = roles.class_labels(table, target)
    train = _training_rows(table, target, labels, classes, share)
    schema = TableSchema(
        dialect=table.dialect,
        columns=columns,
        features=tuple(roles.with_values(features, table.rows(train), missing)),
        target=target,
        dropped=tuple(dropped),
        missing=missing,
        unseen=unseen,
        classes=classes,
    )
    matrix, filled = schema.matrix(table)
    said, source = [*table.notes, *notes, *more, *about_classes, *filled], table.source
    del table  # as large as the stimuli, twice
    try:
        stimuli, numbered = torch.from_numpy(matrix), Labels(torch.from_numpy(labels), None, classes)
        return assemble(name, stimuli, numbered, None, test_fraction=share, notes=said, schema=schema)
    except DataError as error:
        raise DataError(f"{source}, column {shortened(target)!r} as class: {error}") from error


def _with_values(table: Table, names: Sequence[str], target: str, missing: str) -> tuple[Table, list[str]]:
    """The rows that have a class (and, with drop-rows, all values), and a note on the others.

    Raises:
        DataError: missing values that nothing fills.
    """
    gaps = {name: where for name in (*names, target) if (where := table.gaps(name)).any()}
    if not gaps:
        return table, []
    if missing == "drop-rows":
        bad = np.any(list(gaps.values()), axis=0)
        if bad.all():
            raise DataError(f"{table.source}: every row has a missing value; drop-rows leaves none.")
        return table.rows(~bad), [f"{int(bad.sum())} rows with missing values are left out (drop-rows)."]
    if missing == "error":
        raise missing_values(table, gaps)
    if target in gaps:
        row = int(gaps[target].argmax())
        raise DataError(
            f"{table.source}: {int(gaps[target].sum())} rows have no class in {shortened(target)!r}, the first is "
            f"{table.at(row)}. Remove them, or give missing=drop-rows (--set data.missing=drop-rows). If a text such "
            "as 'none' is a class: not_missing=[none]."
        )
    if missing == "own-category":
        numeric = {name: where for name, where in gaps.items() if table.numbers(name) is not None}
        if numeric:
            raise missing_values(table, numeric)
    return table, []


def _training_rows(table: Table, target: str, labels: np.ndarray, classes: Sequence[str], share: float) -> np.ndarray:
    """Rows of the training part, as `assemble` splits them."""
    if len(classes) < 2:
        raise DataError(
            f"{table.source}, column {shortened(target)!r} as class: expected at least 2 classes, received only "
            f"{', '.join(map(repr, classes))}."
        )
    if not 0 < share < 1:
        return np.arange(len(table))
    return np.asarray(stratified(torch.from_numpy(labels), share, seed=SPLIT_SEED)[0])


def _read_like(path: Path, like: Schema, name: str, share: float, memory_limit: float | None) -> Dataset:
    """The data set of a table that is read as in a training."""
    table = read_table_file(path, like=_dialect(like), memory_limit=memory_limit)
    notes: list[str] = []
    if isinstance(like, TableSchema) and like.missing == "drop-rows":
        known = [one.name for one in like.features if one.name in table.columns]
        table, notes = _with_values(
            table, known, like.target if like.target in table.columns else known[0], like.missing
        )
    found = like.of_table(table, path)
    if found.labels is None:
        wanted = f"a value in column {like.target!r}" if isinstance(like, TableSchema) else "a column with the class"
        raise DataError(f"{path}: expected {wanted} in each row, found none. Decisions without classes: predict.")
    labels = Labels(found.labels, None, like.classes)
    return assemble(name, found.stimuli, labels, None, test_fraction=share, notes=[*notes, *found.notes], schema=like)


def read_inputs(path: Path, schema: Schema, *, memory_limit: float | None = None) -> Inputs:
    """Stimuli from the rows of a table, read as in the training."""
    if type(schema).of_table is Schema.of_table:  # it takes no tables, whatever the file holds
        raise schema.refusal(path, "a text file" if path.suffix.lower() == ".txt" else "a table")
    return schema.of_table(read_table_file(path, like=_dialect(schema), memory_limit=memory_limit), path)


def _dialect(schema: Schema) -> Dialect | None:
    return schema.dialect if isinstance(schema, TableSchema) else None


def _column(name: str, value: Any) -> str | None:
    fits = isinstance(value, str | int) and not isinstance(value, bool)
    return None if fits else f"{name}: expected the name of a column, received {value!r}."


def dialect_of(options: Mapping[str, Any]) -> Dialect:
    """What the options of `DIALECT`, those that are given, say about how a file is written."""
    given: dict[str, Any] = {option.name: options.get(option.name) for option in DIALECT}
    names, marks, values = given["names"], _several(given["missing_marks"]), _several(given["not_missing"])
    given |= {"names": None if names is None else _several(names), "missing_marks": marks, "not_missing": values}
    return Dialect(**given)


def _several(value: Any) -> tuple[str, ...]:
    """Texts of an option: a list, or one text as it is typed: `a`, `a,b` or `[a,b]`."""
    if value is None:
        return ()
    if isinstance(value, str):
        return tuple(part.strip().strip("'\"") for part in value.strip().removeprefix("[").removesuffix("]").split(","))
    return tuple(map(str, value)) if isinstance(value, Sequence) else (str(value),)


def _texts(name: str, value: Any) -> str | None:
    """A list of texts or numbers, or one."""
    items = value if isinstance(value, list | tuple) else [value]
    fits = all(isinstance(one, str | int | float) and not isinstance(one, bool) for one in items)
    return None if fits else f"{name}: expected a list of texts such as [a,b], received {value!r}."


def _comment(name: str, value: Any) -> str | None:
    fits = isinstance(value, str) and 0 < len(value) <= 2 and value.isprintable()
    return None if fits else f"{name}: expected one or two characters such as '#', received {value!r}."


ROLES = (
    Option("target", "name of the class column; target, label, class, y or species if not given", check=_column),
    Option("drop", "names of columns that are left out, such as [name,date]", check=_texts),
    Option("one_hot", "names of columns whose values are categories, also if they are numbers", check=_texts),
    Option(
        "missing",
        "what is done where a value is missing: error, mean, median, most-frequent, own-category or drop-rows; fill "
        "values are those of the training part",
        default="error",
        check=one_of(*POLICIES),
    ),
    Option(
        "unseen",
        "what is done in use with a category that the training did not have: refuse, or zero in all its features",
        default="refuse",
        check=one_of(*UNSEEN),
    ),
)
DIALECT = (
    DELIMITER,
    Option("decimal", "decimal mark, '.' or ','; recognised if not given", check=one_of(".", ",")),
    Option("encoding", "encoding of the file; UTF-8 or that of its byte order mark if not given", check=text),
    Option("header", "whether the first row names the columns; recognised if not given", check=yes_or_no),
    Option("names", "names of all columns, in place of those in the file", check=_texts),
    Option("comment", "what lines that are left out begin with; recognised above the rows", check=_comment),
    Option("quote", "character around cells that hold delimiters; '' if there is none", check=text),
    Option("missing_marks", "texts that mean a missing value, besides NA, ?, - and such: ['-999']", check=_texts),
    Option("not_missing", "texts among the usual marks of missing values that are values here: [none]", check=_texts),
)
OPTIONS = (*ROLES, *DIALECT, TEST_SHARE, MEMORY_LIMIT)

FORMAT = Format(
    name="table",
    summary="a table",
    read=read,
    options=OPTIONS,
    endings=tuple(ending + packed for ending in ENDINGS for packed in PACKED),
    task="tabular",
    on_request=True,
    inputs=read_inputs,
    input_endings=tuple(ending + packed for ending in (*ENDINGS, ".txt", ".dat", ".data") for packed in PACKED),
)
