"""What a run makes of a user's own files: decisions, continued texts, forecasts of series."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..arguments import checked
from ..data.memory_limit import Room
from ..data.readers.characters import read_characters
from ..data.schema import SeriesSchema
from ..data.user_files import read_inputs
from ..runs.run import Run, expect_single_stimuli
from ..runs.saved_schema import expect_schema
from ..tasks import continue_text, forecast
from ..training import evaluation
from .kinds import sequence_network

CONTEXT = 1000  # characters that the network reads before it continues a text


@checked
def decide(
    run: Run, inputs: Sequence[Path], *, best: int, memory_limit: float | None = None
) -> tuple[list[dict[str, Any]], list[str]]:
    """The decision on each stimulus in the files, and notes on how they were read.

    Args:
        run: on single stimuli.
        inputs: images, arrays or tables.
        best: classes in a ranking, at least 1.
        memory_limit: GiB that reading a file may take (see `data.memory_limit`).

    Returns:
        One row per stimulus: "input", "label", "share" (softmax of the scores), "best" (pairs of class and share).

    Raises:
        UserError: the run is on sequences, or a file cannot be read or does not fit.
    """
    network = expect_single_stimuli(run, "predict")
    given = read_inputs(inputs, expect_schema(run.schema, run.path), memory_limit=memory_limit)
    rankings = evaluation.decide(network, given.stimuli, best=best)
    rows = [
        {"input": name, "label": ranking[0][0], "share": ranking[0][1], "best": [list(pair) for pair in ranking]}
        for name, ranking in zip(given.names, rankings, strict=True)
    ]
    return rows, list(given.notes)


@checked
def continue_texts(
    run: Run,
    inputs: Sequence[Path],
    *,
    characters: int,
    temperature: float,
    seed: int,
    memory_limit: float | None = None,
) -> list[dict[str, Any]]:
    """How a run on texts continues each text file: rows with "input" and "written"."""
    network, encoding = sequence_network(run.network), run.config.data_options.get("encoding", "utf-8")
    rows = []
    for path in inputs:
        text = read_characters(path, encoding=encoding, memory_limit=memory_limit)[-CONTEXT:]
        written = continue_text(network, text, characters, temperature=temperature, seed=seed)
        rows.append({"input": str(path), "written": written})
    return rows


@checked
def forecast_series(
    run: Run, inputs: Sequence[Path], *, memory_limit: float | None = None
) -> tuple[list[dict[str, Any]], list[str]]:
    """What a run on a series forecasts after the last row of each table, which is read as in training.

    Returns:
        One row per table: "input", "rows" (of the table), "ahead" (rows between its last one and the forecast), "time"
        (that the forecast is for; None where the table has no times), "values" by quantity; and notes on how the tables
        were read.

    Raises:
        CheckpointError: the run does not say how its data were read.
        DataError: a table cannot be read, or does not fit.
    """
    schema = expect_schema(run.schema, run.path)
    if not isinstance(schema, SeriesSchema):
        raise schema.refusal(inputs[0], "a series")
    rows, notes = [], []
    for path in inputs:
        table = schema.read(path, memory_limit=memory_limit)
        series = schema.series(table, Room.of(path, memory_limit), name=str(path), needed=schema.inputs)
        found = forecast(sequence_network(run.network), series, schema)
        values = dict(zip(found.names, found.values.tolist(), strict=True))
        rows.append(
            {"input": str(path), "rows": found.rows, "ahead": found.ahead, "time": found.time, "values": values}
        )
        notes += [note if len(inputs) == 1 else f"{path}: {note}" for note in found.notes]
    return rows, notes
