"""Event streams: the two formats, bins of real time, and networks that run over them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from bispike.config.train_config import TrainConfig
from bispike.data import load
from bispike.data.memory_limit import Room
from bispike.data.readers.contents import read_file
from bispike.data.readers.event_files import Events, of_bin
from bispike.data.schema import EventsSchema
from bispike.data.user_files import read_inputs
from bispike.errors import ConfigurationError, DataError
from bispike.report import write_report
from bispike.training import run_config


def recording(events: list[tuple[int, int, int, int]]) -> bytes:
    """(t, x, y, p) as N-MNIST writes them."""
    rows = [(x, y, (p << 7) | (t >> 16), (t >> 8) & 255, t & 255) for t, x, y, p in events]
    return bytes(value for row in rows for value in row)


@pytest.fixture
def camera(tmp_path: Path) -> Path:
    """Two classes of recordings: events that wander to the right, or down."""
    draws = np.random.default_rng(0)
    columns: dict[str, list[np.ndarray]] = {key: [] for key in ("t", "x", "y", "p", "sample")}
    labels = np.array(["down", "right"])[np.arange(80) % 2]
    for i, label in enumerate(labels):
        t = np.sort(draws.uniform(0, 1000, 60)) + 5e6
        along = ((t - 5e6) / 1000 * 7.99).astype(int)
        across = draws.integers(0, 8, 60)
        x, y = (along, across) if label == "right" else (across, along)
        for key, values in zip(columns, (t, x, y, draws.integers(0, 2, 60), np.full(60, i)), strict=True):
            columns[key].append(values)
    path = tmp_path / "camera.npz"
    np.savez(path, labels=labels, **{key: np.concatenate(values) for key, values in columns.items()})
    return path


def read_recording(path: Path) -> Events:
    """The events of one file of N-MNIST."""
    return of_bin(read_file(path, Room.of(path)), path, path.name)


def test_events_fall_into_bins_of_time() -> None:
    keys = {
        "t": [0, 99_000, 100_000, 299_000, 300_000],
        "x": [0, 1, 2, 0, 0],
        "y": [0, 0, 1, 1, 1],
        "p": [0, 1, 0, 1, 1],
    }
    schema = EventsSchema((2, 3), "us", 3, 300_000.0, span=300_000.0, classes=("a", "b"))
    found = read_inputs([{key: np.array(values) for key, values in keys.items()}], schema)
    assert found.stimuli.shape == (1, 3, 2, 2, 3)
    filled = np.argwhere(found.stimuli[0].numpy() == 1)
    assert sorted(map(tuple, filled)) == [(0, 0, 0, 0), (0, 1, 0, 1), (1, 0, 1, 2), (2, 1, 1, 0)]
    assert "1 of 5 events after the end" in found.notes[0]


def test_a_recording_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"absent\.bin: cannot be read \(No such file"):
        read_recording(tmp_path / "absent.bin")


def test_recordings_of_nmnist_are_decoded(tmp_path: Path) -> None:
    path = tmp_path / "00001.bin"
    path.write_bytes(recording([(937, 10, 30, 1), (70000, 33, 0, 0), (5, 0, 240, 0), (10, 1, 2, 1)]))
    found = read_recording(path)
    assert found.t.tolist() == [937, 70000, 8202]
    assert (found.x.tolist(), found.y.tolist(), found.p.tolist()) == ([10, 33, 1], [30, 0, 2], [1, 0, 1])
    path.write_bytes(b"1234567")
    with pytest.raises(DataError, match="events of 5 bytes, received 7"):
        read_recording(path)


def test_a_folder_of_nmnist_is_a_data_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for part, count in (("Train", 3), ("Test", 1)):
        for digit in range(10):
            folder = tmp_path / "n_mnist" / part / str(digit)
            folder.mkdir(parents=True)
            for i in range(count):
                (folder / f"{i:05}.bin").write_bytes(recording([(1000 * digit, digit, i, 1), (299_999, 33, 33, 0)]))
    monkeypatch.setenv("BISPIKE_DATA", str(tmp_path))
    found = load("n-mnist", bins=4, limit_files=2)
    assert found.stimulus.shape == (4, 2, 34, 34)
    assert (len(found.train), len(found.test), found.task) == (20, 10, "events")
    stimuli, labels = found.train[:]
    assert labels.tolist() == [digit for digit in range(10) for _ in range(2)]
    assert stimuli[7, 0, 1, 1, 3] == 1
    assert stimuli.sum() == 40
    with pytest.raises(DataError, match="garrickorchard"):
        load("n-mnist", root=tmp_path / "none") if not monkeypatch.delenv("BISPIKE_DATA") else None


def test_events_in_a_file_train_over_real_time(camera: Path) -> None:
    found = load(camera, bins=6)
    assert found.stimulus.shape == (6, 2, 8, 8)
    assert found.concept.names == ("down", "right")
    options = {"widths": [32], "stimulus_code": "given", "time_steps": 6}
    config = TrainConfig(
        dataset=str(camera),
        data_options={"bins": 6},
        model="mlp",
        model_options=options,
        epochs=40,
        batch_size=16,
        lr=1e-2,
    )
    run = run_config(config, progress=None)
    assert run.metrics[-1]["train_accuracy"] > 0.8
    with pytest.raises(ConfigurationError, match="stimulus_code=given time_steps=6"):
        run_config(TrainConfig(dataset=str(camera), data_options={"bins": 6}), progress=None)


def test_recurrent_networks_take_recordings_as_sequences(camera: Path, tmp_path: Path) -> None:
    found = load(camera, bins=6, sequence=True)
    stimuli, labels = found.train[[3, 5]]
    plain, classes = load(camera, bins=6).train[[3, 5]]
    assert torch.equal(stimuli, plain.flatten(2))
    assert torch.equal(labels, classes[:, None].expand(2, 6))
    train, validation = found.split_validation(0.25, 0)
    assert (len(train), len(validation), validation.counts(2)) == (48, 16, [48, 48])
    config = TrainConfig(
        dataset=str(camera),
        data_options={"bins": 6, "sequence": True},
        model="rnn",
        model_options={"widths": [32], "time_steps": 1, "carry": True},
        epochs=30,
        batch_size=16,
        lr=1e-2,
        validation=0.1,
    )
    run = run_config(config, out=tmp_path / "run", progress=None)
    assert run.summary["test"] > 0.8
    assert run.summary["test_samples"] == 16  # recordings, not positions
    page = write_report([tmp_path / "run"], tmp_path / "page.html")
    assert "Confusion matrix of 2 classes" in page.read_text(encoding="utf-8")
    with pytest.raises(ConfigurationError, match="sequence=true"):
        run_config(replace(config, data_options={"bins": 6}), progress=None)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"p": np.array([0, 2])}, "polarities 0 and 1"),
        ({"x": np.array([0])}, "as many of t, x, y, p and sample"),
        ({"sample": np.array([0, 9])}, r"samples in 0\.\.3, received 0\.\.9"),
        ({"x": np.array([0, -1])}, "places of at least 0"),
    ],
)
def test_bad_events_are_refused(change: dict[str, np.ndarray], message: str, tmp_path: Path) -> None:
    arrays = {key: np.array([0, 1]) for key in ("t", "x", "y", "p", "sample")}
    np.savez(tmp_path / "e.npz", labels=np.array([0, 1, 0, 1]), **{**arrays, **change})
    with pytest.raises(DataError, match=message):
        load(tmp_path / "e.npz")


def test_wrong_bins_are_refused(camera: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"bins(.|\n)*duration"):
        load(camera, bins=0, duration=-1)
    assert torch.equal(load(camera, bins=1).train.stimuli.amax(), torch.tensor(255, dtype=torch.uint8))
