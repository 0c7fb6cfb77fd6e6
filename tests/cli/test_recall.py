"""`bispike recall` of autoencoders: new images, cues, layers, a judgement; and how their training is told."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from .conftest import bispike

SMALL = ["--dataset", "digits", "--set", "lr=5e-3", "--epochs", "3", "--batch-size", "32"]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs of an autoencoder and of a classifier."""
    folder = tmp_path_factory.mktemp("runs")
    for model, sizes in (("autoencoder", ["widths=[32]", "latent=16", "keep=best"]), ("mlp", ["widths=[32]"])):
        called = bispike("train", "--model", model, *SMALL, *sizes, "--out", folder / model)
        assert called.status == 0, called.err
    return folder


@pytest.fixture
def cue(tmp_path: Path) -> Path:
    path = tmp_path / "cue.png"
    Image.fromarray((255 * np.random.default_rng(0).random((8, 8))).astype(np.uint8)).save(path)
    return path


def size_of(path: Path) -> tuple[int, int]:
    with Image.open(path) as picture:
        return picture.size


def test_training_tells_how_far_what_comes_down_is_from_what_went_up(runs: Path) -> None:
    summary = json.loads((runs / "autoencoder" / "summary.json").read_text())
    found = summary["reconstruction"]
    assert 0 < found["test"] < 0.08
    rows = [json.loads(line) for line in (runs / "autoencoder" / "metrics.jsonl").read_text().splitlines()]
    errors = [row["reconstruction"] for row in rows]
    assert errors[-1] < errors[0]
    assert summary["best_validation"] == min(errors)
    assert summary["kept_epoch"] == 1 + errors.index(min(errors))
    again = bispike("evaluate", runs / "autoencoder", "--json").json
    assert again["reconstruction"]["test"] == pytest.approx(found["test"])
    assert "reconstruction MSE" in bispike("evaluate", runs / "autoencoder").out
    assert "reconstruction" not in json.loads((runs / "mlp" / "summary.json").read_text())


def test_new_images_are_drawn(runs: Path, tmp_path: Path) -> None:
    out = tmp_path / "new.png"
    assert bispike("recall", runs / "autoencoder", "--samples", 20, "--out", out, "--json").json["samples"] == 20
    width, height = size_of(out)
    assert height > width  # ten rows of two
    again = tmp_path / "again.png"
    bispike("recall", runs / "autoencoder", "--samples", 20, "--out", again)
    assert again.read_bytes() == out.read_bytes()
    bispike("recall", runs / "autoencoder", "--samples", 20, "--seed", 1, "--out", again)
    assert again.read_bytes() != out.read_bytes()


@pytest.mark.parametrize("model", ["autoencoder", "mlp"])
def test_a_cue_is_completed(runs: Path, cue: Path, tmp_path: Path, model: str) -> None:
    out = tmp_path / "strip.png"
    found = bispike("recall", runs / model, "--cue", cue, "--passes", 2, "--out", out, "--json").json
    assert {found["decision"], found["settled"]} <= {str(i) for i in range(10)}
    width, height = size_of(out)
    assert width > 3 * height  # cue, two passes, original


def test_layers_are_drawn(runs: Path, tmp_path: Path) -> None:
    out = tmp_path / "layers.png"
    found = bispike("recall", runs / "autoencoder", "--layers", "--concept", "3", "--out", out, "--json").json
    assert found["concepts"] == ["3"]
    assert size_of(out)[1] > size_of(out)[0]


def test_a_classifier_judges(runs: Path) -> None:
    pytest.importorskip("torchmetrics")
    found = bispike("recall", runs / "autoencoder", "--judge", runs / "mlp", "--samples", 60, "--json").json
    assert found["extractor"] == "Fréchet (mlp classifier, layer1)"
    assert 0 <= found["samples"]["named"] <= 1
    shown = bispike("recall", runs / "autoencoder", "--judge", runs / "mlp", "--samples", 60).out
    assert max(len(line) for line in shown.splitlines()) <= 100


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["mlp", "--samples", 5], "autoencoder"),
        (["mlp", "--judge", "mlp"], "autoencoder"),
        (["autoencoder", "--samples", 0], "x>=1"),
        (["autoencoder", "--samples", 3, "--layers"], "one of"),
        (["autoencoder", "--cue", "CUE", "--hide", "middle"], "bottom"),
        (["autoencoder", "--cue", "CUE", "--passes", 0], "passes"),
    ],
)
def test_what_cannot_be_recalled_is_said(runs: Path, cue: Path, words: list[object], told: str) -> None:
    places = {"mlp": runs / "mlp", "autoencoder": runs / "autoencoder", "CUE": cue}
    called = bispike("recall", *[places.get(str(word), word) for word in words])
    assert called.status == 2
    assert told in called.err


def test_other_rules_do_not_train_an_autoencoder(tmp_path: Path) -> None:
    called = bispike("train", "--model", "autoencoder", "--rule", "dfa", *SMALL, "--out", tmp_path / "no")
    assert called.status == 2
    assert "backprop, bptt, bsd" in called.err
