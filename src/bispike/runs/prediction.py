"""What a run makes of a user's own files and arrays, read as the data of its training were."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..data.schema import Schema, TextSchema
from ..data.user_files import UNKNOWN, Source, read_inputs
from ..errors import DataError, UserError
from ..nn import SequenceNetwork, StimulusNetwork
from ..tasks import continue_text
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
