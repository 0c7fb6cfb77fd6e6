"""A run on data that were moved, on this machine or another: every verb says how to point to them, and takes it."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits

from bispike.config.differences import differences
from bispike.training import TrainConfig

from .conftest import bispike

WORDS = ["--model", "mlp", "--set", "widths=[8]", "--time-steps", "2"]


@pytest.fixture(scope="module")
def moved(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A finished run whose data were then moved, and their new place."""
    place = tmp_path_factory.mktemp("moved")
    digits = load_digits()
    np.savez(place / "digits.npz", x=digits.images[:200].astype(np.uint8), y=digits.target[:200])
    words = ["train", "--dataset", place / "digits.npz", *WORDS, "--epochs", "1", "--out", place / "run"]
    assert bispike(*words).status == 0
    (place / "new").mkdir()
    return place / "run", Path(shutil.move(place / "digits.npz", place / "new" / "other name.npz"))


@pytest.mark.parametrize(
    "verb",
    [["evaluate"], ["analyse", "--samples", "20"], ["robustness", "--samples", "20", "--out", "{out}"]],
    ids=lambda verb: verb[0],
)
def test_a_verb_says_where_the_data_were_and_takes_their_place(
    verb: list[str], moved: tuple[Path, Path], tmp_path: Path
) -> None:
    run, data = moved
    words = [verb[0], run, *(word.format(out=tmp_path / "out") for word in verb[1:])]
    refused = bispike(*words)
    assert refused.status == 2
    assert "digits.npz, found nothing there" in refused.err
    assert "--dataset PATH" in refused.err
    assert bispike(*words, "--dataset", data).status == 0


def test_a_relative_path_says_what_it_is_relative_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    digits = load_digits()
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    np.savez(tmp_path / "a" / "d.npz", x=digits.images[:200].astype(np.uint8), y=digits.target[:200])
    monkeypatch.chdir(tmp_path / "a")
    assert bispike("train", "--dataset", "d.npz", *WORDS, "--epochs", "1", "--out", "../run").status == 0
    monkeypatch.chdir(tmp_path / "b")
    called = bispike("evaluate", "../run")
    assert called.status == 2
    assert f"in {tmp_path / 'b'} (the path is relative to where the training began)" in called.err
    assert bispike("evaluate", "../run", "--dataset", "../a/d.npz").status == 0


def test_a_run_is_resumed_with_its_data_elsewhere_but_not_with_other_data(tmp_path: Path) -> None:
    digits = load_digits()
    old, new, run = tmp_path / "old.npz", tmp_path / "new.npz", tmp_path / "run"
    np.savez(old, x=digits.images[:200].astype(np.uint8), y=digits.target[:200])
    words = ["train", "--dataset", old, *WORDS, "--epochs", "2", "--out", run]
    assert bispike(*words).status == 0
    for name in ("summary.json", "model.safetensors"):  # as if it had been stopped just before its end
        (run / name).unlink()
    old.rename(new)
    called = bispike("train", "--resume", "--out", run)
    assert called.status == 2
    assert f"found no file or folder {old}" in called.err
    np.savez(old, x=digits.images[:200].astype(np.uint8) + 1, y=digits.target[:200])
    called = bispike("train", "--resume", "--out", run)
    assert called.status == 2
    assert "content of the data set" in called.err
    assert bispike("train", "--resume", "--out", run, "--dataset", new).status == 0
    assert str(new) in (run / "config.toml").read_text()


def test_a_data_set_that_is_no_text_differs() -> None:
    assert differences({"dataset": [1, 2, 3]}, TrainConfig(dataset="a.npz"))[0].startswith("dataset: [1, 2, 3] ->")
    assert not any("dataset" in one for one in differences({"dataset": "b/a.npz"}, TrainConfig(dataset="a.npz")))
