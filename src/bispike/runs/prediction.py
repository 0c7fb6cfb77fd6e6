"""What a run makes of a user's own files and arrays, read as the data of its training were."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..data.assemble import as_array
from ..data.formats.series import table_of
from ..data.memory_limit import Room
from ..data.option import MEMORY_LIMIT
from ..data.readers.contents import exists
from ..data.readers.series_table import Series
from ..data.schema import Schema, SeriesSchema, TextSchema
from ..data.user_files import UNKNOWN, Source, read_inputs
from ..errors import ConfigurationError, DataError, UserError
from ..nn import SequenceNetwork, StimulusNetwork
from ..tasks import continue_text, forecast
from ..tasks.decisions import decide

CONTEXT = 1000
"""Characters that a network reads before it continues a text."""


@dataclass(frozen=True)
class Predictions:
    """Decisions, continued texts or forecasts.

    Args:
        rows: one table per stimulus or file; its keys are those of the kind of task.
        notes: what was converted to read the sources, one sentence each.
        judged: number of stimuli whose class the sources name.
        correct: how many of these were decided rightly.
    """

    rows: list[dict[str, Any]]
    notes: list[str] = field(default_factory=list)
    judged: int = 0
    correct: int = 0

    @property
    def accuracy(self) -> float | None:
        """Share of right decisions among the judged ones; None if no source names classes."""
        return self.correct / self.judged if self.judged else None


def decisions(
    network: StimulusNetwork | SequenceNetwork,
    schema: Schema,
    sources: Sequence[Source],
    *,
    best: int = 3,
    memory_limit: float | None = None,
) -> Predictions:
    """The decision on each stimulus in the sources.

    Args:
        network: trained.
        schema: how the data of its training were read.
        sources: paths of files and folders, arrays, tensors, DataFrames, images.
        best: classes in a ranking, at least 1.
        memory_limit: GiB that reading a file may take (see `data.memory_limit`).

    Returns:
        Rows with "input", "label", "share" (softmax of the scores), "best" (pairs of class and share), and "true",
        the class that the source names, where it names one.

    Raises:
        UserError: a source cannot be read or does not fit.
    """
    given = read_inputs(sources, schema, memory_limit=memory_limit)
    rankings = decide(network, given.stimuli, best=best)
    rows: list[dict[str, Any]] = [
        {"input": name, "label": ranking[0][0], "share": ranking[0][1], "best": [list(pair) for pair in ranking]}
        for name, ranking in zip(given.names, rankings, strict=True)
    ]
    if given.labels is None:
        return Predictions(rows, list(given.notes))
    for row, label in zip(rows, given.labels.tolist(), strict=True):
        if label != UNKNOWN:
            row["true"] = schema.classes[label]
    judged = [row for row in rows if "true" in row]
    correct = sum(row["label"] == row["true"] for row in judged)
    return Predictions(rows, list(given.notes), len(judged), correct)


def continuations(
    network: SequenceNetwork,
    schema: Schema,
    sources: Sequence[str | Path],
    *,
    characters: int = 200,
    temperature: float = 0.7,
    seed: int = 0,
    memory_limit: float | None = None,
) -> Predictions:
    """How a network on texts continues each text file.

    Args:
        network: trained on a text.
        schema: how that text was read.
        sources: text files.
        characters: length of a continuation.
        temperature: of drawn characters, at least 0; 0 takes the most likely one.
        seed: of drawn characters.
        memory_limit: GiB that reading a file may take (see `data.memory_limit`).

    Returns:
        Rows with "input" and "written".

    Raises:
        UserError: a file cannot be read, or an option is out of range.
    """
    if not isinstance(schema, TextSchema):
        raise DataError(f"predict: expected a run on texts, received one on {schema.what}.")
    if not sources:
        raise UserError("inputs: expected at least one file.")
    rows, notes = [], []
    for path in map(Path, sources):
        text = schema.read_text(path, memory_limit=memory_limit)[-CONTEXT:]
        strange = sum(character not in schema.classes for character in text)
        if strange:
            notes.append(f"{path}: {strange} of the {len(text)} characters read do not occur in the training text.")
        written = continue_text(network, text, characters, temperature=temperature, seed=seed)
        rows.append({"input": str(path), "written": written})
    return Predictions(rows, notes)


def forecasts(
    network: SequenceNetwork, schema: Schema, sources: Sequence[Source], *, memory_limit: float | None = None
) -> Predictions:
    """What a network on a series forecasts after the last row of each table.

    Args:
        network: trained on a series.
        schema: how that series was read.
        sources: paths of tables; DataFrames, whose index may hold the times; or numbers `[L, D]`, the input columns in
            the order of the training.
        memory_limit: GiB that reading a file may take (see `data.memory_limit`).

    Returns:
        Rows with "input", "rows" (of the table), "ahead" (rows between its last one and the forecast), "time" (that the
        forecast is for; None where the table has no times) and "values" by quantity.

    Raises:
        UserError: a table cannot be read, or does not fit.
    """
    if not isinstance(schema, SeriesSchema):
        raise DataError(f"predict: expected a run on a series, received one on {schema.what}.")
    if not len(sources):
        raise UserError("inputs: expected at least one file.")
    if memory_limit is not None and (wrong := MEMORY_LIMIT.problem(memory_limit)):
        raise ConfigurationError(wrong)
    rows, notes = [], []
    for source in sources:
        series = _series(source, schema, memory_limit)
        found = forecast(network, series, schema)
        values = dict(zip(found.names, found.values.tolist(), strict=True))
        rows.append(
            {"input": series.name, "rows": found.rows, "ahead": found.ahead, "time": found.time, "values": values}
        )
        notes += [note if len(sources) == 1 else f"{series.name}: {note}" for note in found.notes]
    return Predictions(rows, notes)


def _series(source: Source, schema: SeriesSchema, memory_limit: float | None) -> Series:
    """The series in a file, a frame or an array, read as in training."""
    if isinstance(source, str | os.PathLike):
        path = Path(source).expanduser()
        if not exists(path):
            raise UserError(f"{path}: no such file.")
        table, room = schema.read(path, memory_limit=memory_limit), Room.of(path, memory_limit)
        return schema.series(table, room, name=str(path), needed=schema.inputs)
    if hasattr(source, "columns") or isinstance(source, dict) or type(source).__module__.startswith("pandas"):
        table = table_of(source, "table")
        return schema.series(table, Room.in_memory("table", memory_limit), name="table", needed=schema.inputs)
    return schema.of_rows(as_array(source, "array"), "array")
