"""Recordings of a small event camera, and runs that learned them, for the situations of events."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from bispike import data
from bispike.cli._app import app
from bispike.config.train_config import TrainConfig
from bispike.data import Dataset
from bispike.data.schema import EventsSchema
from bispike.data.user_files import read_inputs
from bispike.errors import ConfigurationError, DataError
from bispike.runs.run import Run
from bispike.training import run_config

N, E = 24, 60
"""Recordings, and events of each."""


def events(**changed: Any) -> dict[str, np.ndarray]:
    """Recordings of one second on 8 x 8 pixels: class 0 is to the left, class 1 to the right."""
    draws = np.random.default_rng(0)
    t = np.sort(draws.integers(0, 1_000_000, (N, E)), axis=1)
    t[:, 0], t[:, -1] = 0, 999_999
    side = np.repeat(np.arange(N) % 2, E)
    found: dict[str, np.ndarray] = {
        "t": t.ravel(),
        "x": draws.integers(0, 4, N * E) + 4 * side,
        "y": draws.integers(0, 8, N * E),
        "p": draws.integers(0, 2, N * E),
        "sample": np.repeat(np.arange(N), E),
        "labels": np.arange(N) % 2,
    }
    found["x"][:2], found["y"][:2] = (0, 3), (0, 7)
    found["x"][E] = 7
    return found | changed


def npz(folder: Path, arrays: Mapping[str, np.ndarray] | None = None, name: str = "e.npz", **changed: Any) -> Path:
    np.savez(folder / name, **(events(**changed) if arrays is None else arrays))
    return folder / name


def all_of(found: Dataset) -> np.ndarray:
    """The stimuli of both parts."""
    return np.concatenate([found.train.stimuli.numpy(), found.test.stimuli.numpy()])


def plain(folder: Path) -> np.ndarray:
    """The stimuli of the recordings in microseconds."""
    return all_of(data.load(npz(folder, name="plain.npz")))


def equal(folder: Path, path: Path, *said: str, **options: Any) -> Dataset:
    """The file holds the recordings in microseconds, and notes say what was converted."""
    found = data.load(path, **options)
    assert np.array_equal(all_of(found), plain(folder))
    for text in said:
        assert any(text in note for note in found.notes), (text, found.notes)
    return found


def refused(path: Path, message: str, **options: Any) -> None:
    with pytest.raises((DataError, ConfigurationError), match=message):
        data.load(path, **options)
    assert not data.check(path, **options)["ok"]


def run_cli(*words: object) -> tuple[int, dict[str, Any], str]:
    """Status, JSON answer and standard error of a call."""
    result = CliRunner().invoke(app, [*map(str, words), "--json"])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, json.loads(result.stdout) if result.stdout.startswith("{") else {}, result.stderr


@cache
def home() -> Path:
    """A folder for runs, kept until the process ends."""
    home.folder = tempfile.TemporaryDirectory()  # type: ignore[attr-defined]
    return Path(home.folder.name)  # type: ignore[attr-defined]


@cache
def trained(*, sequence: bool = False) -> Run:
    """A run on the recordings in microseconds."""
    name = f"run-{sequence}"
    options = {"widths": [16], "time_steps": 1, "carry": True}
    if not sequence:
        options = {"widths": [16], "time_steps": 10, "stimulus_code": "given"}
    config = TrainConfig(
        dataset=str(npz(home(), name=f"{name}.npz")),
        data_options={"sequence": sequence},
        model="rnn" if sequence else "mlp",
        model_options=options,
        epochs=6,
        batch_size=8,
        lr=1e-2,
        validation=0,
    )
    return run_config(config, out=home() / name, progress=None)


def run_path() -> Path:
    path = trained().path
    assert path is not None
    return Path(path)


def used(*sources: Any) -> tuple[np.ndarray, tuple[str, ...]]:
    """What the run makes of files in use: stimuli and notes."""
    decided = trained().schema
    assert isinstance(decided, EventsSchema)
    found = read_inputs(sources, decided)
    return found.stimuli.numpy(), found.notes


def same_use(folder: Path, path: Any, *said: str) -> None:
    """In use the file holds the recordings of the training."""
    stimuli, notes = used(path)
    assert np.array_equal(stimuli, used(npz(folder, name="plain.npz"))[0])
    for text in said:
        assert any(text in note for note in notes), (text, notes)


def not_used(source: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        used(source)
