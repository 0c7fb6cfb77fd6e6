"""What a data set will be for, as far as it is known before any of its values is read.

A published data set declares its task, its shape and its classes; of a user's file the format is known, and the format
declares the task. So a network and a rule can be compared with the data before anything is read or downloaded.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..spaces import Concept, Quantities, Stimulus
from . import formats
from .catalogue import PathLike, published_entry
from .formats.events import parse_sensor

IMAGE, FEATURES, SYMBOLS, BINS, FRAME = (1, 64, 64), 64, 65, 10, (2, 34, 34)
"""Shapes that stand for those that are not known yet."""


@dataclass(frozen=True)
class Expected:
    """What is known of a data set before it is read.

    Args:
        name: of the data set, as the user gave it.
        task: as `Dataset.task`.
        stimulus, concept: the two ends; examples of their kind where they are not known.
        sequential: whether stimuli are sequences.
    """

    name: str
    task: str
    stimulus: Stimulus
    concept: Concept
    sequential: bool = False


def expected(name_or_path: PathLike, options: Mapping[str, Any] | None = None) -> Expected | None:
    """What a data set will be; None where even its format is not known.

    Args:
        name_or_path: as for `data.load`.
        options: of the reader, as for `data.load`.

    Raises:
        ConfigurationError: options that a published data set does not take.
    """
    given = {key: value for key, value in (options or {}).items() if value is not None}
    entry = published_entry(name_or_path)
    if entry is not None:
        entry.check(given)
        known = bool(entry.shape) and min(entry.shape) >= 1 and entry.classes >= 1
        return _of_task(entry.name, entry.task, given, entry.shape if known else (), entry.classes if known else 0)
    likely = formats.likely(Path(name_or_path).expanduser(), given.get("task"))
    tasks = {found.task for found in likely}
    return _of_task(str(name_or_path), tasks.pop(), given) if len(tasks) == 1 else None


def _frame(sensor: Any) -> tuple[int, ...]:
    """Shape of a bin of events; `FRAME` where the sensor is not given."""
    try:
        return FRAME if sensor is None else (2, *parse_sensor(sensor))
    except (TypeError, ValueError):
        return FRAME


def _of_task(
    name: str, task: str, options: Mapping[str, Any], shape: tuple[int, ...] = (), classes: int = 0
) -> Expected:
    if task == "text":
        symbols = shape[0] if shape else SYMBOLS
        return Expected(name, task, Stimulus((symbols,)), Concept.of(symbols), sequential=True)
    if task == "series":
        return Expected(name, task, Stimulus((1,)), Quantities(("value",)), sequential=True)
    concept = Concept.of(max(classes, 2))
    if task == "events":
        bins = options.get("bins", shape[0] if shape else BINS)
        frame = shape[1:] or _frame(options.get("sensor"))
        if options.get("sequence") is True:
            return Expected(name, task, Stimulus((math.prod(frame),)), concept, sequential=True)
        return Expected(name, task, Stimulus((bins if isinstance(bins, int) and bins >= 1 else BINS, *frame)), concept)
    if task == "tabular":
        return Expected(name, "classification", Stimulus((FEATURES,)), concept)
    return Expected(name, "classification", Stimulus(shape or IMAGE), concept)
