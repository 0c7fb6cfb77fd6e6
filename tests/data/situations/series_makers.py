"""Tables of a series in many notations, and the one small run on such a series that situations share."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner

from bispike import data
from bispike.cli._app import app
from bispike.config.train_config import TrainConfig
from bispike.data.sequence_dataset import SequenceDataset
from bispike.errors import BispikeError
from bispike.training import run_config

ROWS = 60
VALUES = np.random.default_rng(7).normal(size=(ROWS, 2)).cumsum(0).round(3)
SETTINGS: dict[str, Any] = {
    "model": "rnn",
    "model_options": {"widths": [8], "threshold": 0.5, "excitability": 0.5},
    "epochs": 1,
    "batch_size": 16,
    "validation": 0.1,
}


def moments(step: str, first: str = "2020-01-01", count: int = ROWS) -> list[np.datetime64]:
    """Times in equal steps such as "1h" or "15m"."""
    return [np.datetime64(first, "s") + i * np.timedelta64(int(step[:-1]), step[-1]) for i in range(count)]


def written(moment: np.datetime64, form: str = "%Y-%m-%d %H:%M:%S") -> str:
    """A time by directives of `strftime`."""
    return moment.astype(object).strftime(form)


def days(form: str = "%Y-%m-%d", first: str = "2020-01-01", count: int = ROWS) -> list[str]:
    """Days in one form."""
    return [written(one, form) for one in moments("1D", first, count)]


def hours(form: str = "%Y-%m-%d %H:%M:%S", first: str = "2020-01-01", count: int = ROWS) -> list[str]:
    """Hours in one form."""
    return [written(one, form) for one in moments("1h", first, count)]


def rows_of(times: Sequence[Any], values: np.ndarray = VALUES) -> list[list[Any]]:
    """One row per time: the time, A and B."""
    return [[time, *row] for time, row in zip(times, values.tolist(), strict=True)]


def table(
    folder: Path,
    rows: Sequence[Sequence[Any]],
    header: Sequence[str] | None = ("date", "A", "B"),
    *,
    mark: str = ",",
    name: str = "series.csv",
) -> Path:
    """Write rows as text."""
    lines = [mark.join(header)] if header is not None else []
    lines += [mark.join("" if cell is None else str(cell) for cell in row) for row in rows]
    path = folder / name
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def load(path: Path, **options: Any) -> SequenceDataset:
    """The data set of a table."""
    found = data.load(path, task="series", **{"window": 4, **options})
    assert isinstance(found, SequenceDataset)
    return found


def values_of(found: SequenceDataset) -> np.ndarray:
    """All rows of a series whose columns are all targets, one step ahead."""
    return torch.cat([found.train.stimuli, found.train.labels[-1:]]).numpy()


def note_in(found: SequenceDataset, *words: str) -> None:
    """Assert that a note says so."""
    for word in words:
        assert any(word in note for note in found.notes), f"{word!r} not in {found.notes}"


Make = Callable[[Path], Path]


def equals(
    make: Make, step: str | None, *words: str, values: np.ndarray = VALUES, **options: Any
) -> Callable[[Path], None]:
    """A check that a table is read as the columns A and B with these values and step, with notes that say words."""

    def check(folder: Path) -> None:
        found = load(make(folder), **options)
        assert found.inputs == ("A", "B")
        np.testing.assert_array_equal(values_of(found), values.astype(np.float32))
        frequency = found.schema.frequency  # type: ignore[union-attr]
        assert (None if frequency is None else frequency.text) == step
        note_in(found, *words)

    return check


def refused(make: Make, match: str, **options: Any) -> Callable[[Path], None]:
    """A check that a table is refused with such a message."""

    def check(folder: Path) -> None:
        with pytest.raises(BispikeError, match=match):
            load(make(folder), **options)

    return check


def times(cells: Sequence[Any], header: str = "date") -> Any:
    """A maker of a table with these times."""
    return lambda folder: table(folder, rows_of(cells), (header, "A", "B"))


def order(places: Iterable[int]) -> Any:
    """A maker of the daily table with its rows in another order."""
    return lambda folder: table(folder, [rows_of(days())[i] for i in places])


def shuffled() -> list[int]:
    return np.random.default_rng(0).permutation(ROWS).tolist()


def spaced(cells: Sequence[Any]) -> Any:
    """A maker of a table of as many rows as there are cells."""
    return lambda folder: table(folder, rows_of(cells, np.resize(VALUES, (len(cells), 2))))


@cache
def run_folder(kind: str) -> Path:
    """The folder of a run on a series with a time ("daily", "hourly", "monthly", "filled") or without one ("plain")."""
    home = Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    options: dict[str, Any] = {"task": "series", "window": 4}
    if kind == "plain":
        path = table(home, VALUES.tolist(), ("A", "B"))
    elif kind == "filled":
        path = table(home, rows_of(days()), mark=",")
        options |= {"missing": "previous", "holes": "fill", "duplicates": "last"}
    elif kind == "monthly":
        months = [str(np.datetime64("2015-01", "M") + i) for i in range(ROWS)]
        path = table(home, rows_of(months), ("month", "A", "B"))
    else:
        path = table(home, rows_of(days() if kind == "daily" else hours()))
    config = TrainConfig(dataset=str(path), data_options=options, **SETTINGS)
    run_config(config, out=home / "run", progress=None)
    return home / "run"


def cli(*words: object) -> tuple[int, str, str]:
    """Status, standard output and standard error of a call of the command line."""
    result = CliRunner().invoke(app, [str(word) for word in words])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stdout, result.stderr
