"""A study in a file: one question, and rows that differ in any settings.

    question = "Which concept code closes the gap to bptt?"
    seeds = 1
    [base]
    preset = "fashion-cnn"
    [rows."population 100"]
    concept_code = "population"
    concept_size = 100
    [rows.bptt]
    rule = "bptt"

Keys are those of the command line's options and of `--set`; values are TOML's own, `{}` stands for none. Options
of the command line override the base; rows override both. A key of the base reaches the rows
whose rule, model and optimizer know it, as in a comparison of rules.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..config import toml
from ..config.resolve import Attempt, Plain, Request, attempt, validate
from ..config.train_config import TrainConfig
from ..errors import ConfigurationError, UserError, unknown_name
from .study import DEFAULT_SEEDS, Cell, cells_of

KEYS = ("question", "seeds", "base", "rows")
FIRST = ("preset", "config", "rule", "model", "optimizer")  # decide which other keys there are
DATA = ("task", "target")  # options of the command line that belong to the format of the data


@dataclass(frozen=True)
class StudyFile:
    """The contents of a study file.

    Args:
        question: in words.
        rows: settings by the name of the row.
        seeds: runs of each row, at least 1.
    """

    question: str
    rows: dict[str, TrainConfig]
    seeds: int

    def cells(self, seeds: int | None = None) -> list[Cell]:
        """A cell for each row and seed; `seeds` in place of the file's."""
        return cells_of(self.rows, self.seeds if seeds is None else seeds)


def read_study(path: str | Path, request: Request | None = None) -> StudyFile:
    """Read a study file and the settings of its rows.

    Args:
        path: a TOML file.
        request: overrides the file's base.

    Raises:
        ConfigurationError: everything that is wrong, each with file and row.
    """
    table = toml.load(path)
    base, rows = _tables(table)
    problems = list(_form_problems(table))
    found = {}
    for name, row in rows.items():
        given = _row_request(base, request or Request({}), row)
        try:
            found[name] = attempt(given)
        except UserError as error:
            problems += [f"row {name!r}: {problem}" for problem in getattr(error, "problems", [str(error)])]
    problems += _row_problems(found, base, rows)
    if problems:
        raise ConfigurationError([f"{path}: {problem}" for problem in dict.fromkeys(problems)])
    return StudyFile(
        table["question"].strip(), {name: one.config for name, one in found.items()}, table.get("seeds", DEFAULT_SEEDS)
    )


def _tables(table: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """Base and rows, as far as they have the right form."""
    named = {name: row for name, row in _items(table.get("rows")) if name.strip() and isinstance(row, dict)}
    return _values(table.get("base")), {name: _values(row) for name, row in named.items()}


def _values(table: Any) -> dict[str, Any]:
    """The entries of a table that are no tables themselves; `{}` is none."""
    return {key: value for key, value in toml.with_none(dict(_items(table))).items() if not isinstance(value, dict)}


def _items(table: Any) -> list[tuple[str, Any]]:
    return list(table.items()) if isinstance(table, dict) else []


def _form_problems(table: Mapping[str, Any]) -> Iterator[str]:
    unknown = [unknown_name("key", key, KEYS) for key in table if key not in KEYS]
    yield from (f"{problem} Settings of all rows go under [base]." for problem in unknown)
    question, seeds, base, rows = (table.get(key) for key in KEYS)
    if not isinstance(question, str) or not question.strip():
        yield f"question: expected a sentence, received {question!r}."
    if "seeds" in table and (not isinstance(seeds, int) or isinstance(seeds, bool) or seeds < 1):
        yield f"seeds: expected a whole number of at least 1, received {seeds!r}."
    if "base" in table and not isinstance(base, dict):
        yield f"base: expected a table [base], received {base!r}."
    if not isinstance(rows, dict) or not rows:
        yield f"rows: expected at least one table [rows.NAME], received {'none' if not rows else repr(rows)}."
    for where, given in (("base", base), *((f"row {name!r}", row) for name, row in _items(rows))):
        for key, value in _items(given):
            if isinstance(value, dict) and value:
                inner = next(iter(value))
                yield f'{where}: {key}: expected a value, received a table; in quotes it is one key: "{key}.{inner}".'
            elif key in FIRST and not isinstance(value, str):
                yield f"{where}: {key}: expected text, received {value!r}."
    for name, row in _items(rows):
        if not name.strip():
            yield f"rows: expected a name for each row, received {name!r}."
        elif not isinstance(row, dict):
            yield f"row {name!r}: expected a table [rows.{name}], received {row!r}."


def _row_request(base: Mapping[str, Any], request: Request, row: Mapping[str, Any]) -> Request:
    """Everything that concerns a row, later ones override earlier ones."""
    asked = {f"data.{key}" if key in DATA else key: v for key, v in request.options.items() if v is not None}
    pairs: list[tuple[str, str | Plain]] = [(key, Plain(value)) for key, value in base.items()]
    pairs += [(key, Plain(str(value) if isinstance(value, Path) else value)) for key, value in asked.items()]
    pairs += [*request.texts, *((key, Plain(value)) for key, value in row.items())]
    plain = {key: value.value if isinstance(value, Plain) else value for key, value in pairs if key in FIRST}
    first: dict[str, Any] = {key: value for key, value in plain.items() if isinstance(value, str)}
    if "config" in first:
        first["config"] = Path(first["config"])
    return Request(first, [(key, value) for key, value in pairs if key not in FIRST])


def _row_problems(
    found: Mapping[str, Attempt], base: Mapping[str, Any], rows: Mapping[str, Mapping[str, Any]]
) -> Iterator[str]:
    unknown = {name: {*one.unused} for name, one in found.items()}
    nowhere = set.intersection(*unknown.values()) if unknown else set()
    shared = {key for key in nowhere if not any(key in row for row in rows.values())}
    for key in sorted(shared):
        yield f"{'base: ' if key in base else ''}{next(iter(found.values())).unused[key]}"
    told = {name: [*one.problems, *_validation_problems(one)] for name, one in found.items()}
    for name, one in found.items():
        problems = [*told[name], *(one.unused[key] for key in rows[name] if key in unknown[name])]
        for problem in problems:
            everywhere = len(told) > 1 and all(problem in others for others in told.values())
            yield f"{'every row' if everywhere else f'row {name!r}'}: {problem}"
    names = list(found)
    for i, name in enumerate(names):
        same = [other for other in names[:i] if found[other].config == found[name].config]
        if same:
            yield f"row {name!r}: has the same settings as row {same[0]!r}; remove one of them."


def _validation_problems(one: Attempt) -> list[str]:
    try:
        validate(one.config)
    except ConfigurationError as error:
        return error.problems
    return []
