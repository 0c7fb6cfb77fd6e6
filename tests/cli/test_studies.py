"""compare and ablate: every cell a run of its own, killed studies go on, failures are reported and do not spread."""

from __future__ import annotations

import csv
import json
import os
import signal
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from bispike.studies import headings

from .conftest import bispike, fingerprint


def _width(picture: Path) -> int:
    with Image.open(picture) as image:
        return image.width


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """A training of a second, on data that need no import of their own."""
    draw = np.random.default_rng(0)
    images, labels = draw.integers(0, 256, (80, 4, 4), dtype=np.uint8), np.arange(80) % 4
    path = tmp_path_factory.mktemp("data") / "own.npz"
    np.savez(path, x_train=images, y_train=labels)
    words = "--model mlp --set widths=[6] --epochs 1 --time-steps 2 --batch-size 16"
    return ["--dataset", str(path), *words.split()]


@pytest.fixture(scope="module")
def compared(tiny: list[str], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    out = tmp_path_factory.mktemp("study") / "rules"
    called = bispike("compare", *tiny, "--rules", "bsd,frozen", "--seeds", "2", "--out", out, "--json")
    assert called.status == 0, called.err
    return out, called.json


def test_rows_are_the_summaries_of_the_runs(compared: tuple[Path, dict[str, Any]]) -> None:
    _, found = compared
    assert [(row["rule"], row["seed"]) for row in found["rows"]] == [
        ("bsd", 0),
        ("bsd", 1),
        ("frozen", 0),
        ("frozen", 1),
    ]
    for row in found["rows"]:
        summary = json.loads((Path(row["run"]) / "summary.json").read_text())
        assert {key: row[key] for key in summary} == summary
        assert sorted(row["criteria"]) == ["C1", "C2", "C3", "C4", "C5"]
    assert found["failed"] == []


def test_the_table_is_mean_and_sample_deviation(compared: tuple[Path, dict[str, Any]]) -> None:
    _, found = compared
    for line in found["table"]:
        values = [row["test"] for row in found["rows"] if row["rule"] == line["row"]]
        assert line["mean"] == pytest.approx(statistics.mean(values))
        assert line["spread"] == pytest.approx(statistics.stdev(values))
        assert line["seeds"] == [0, 1]


def test_the_files_hold_the_same_as_the_answer(compared: tuple[Path, dict[str, Any]]) -> None:
    _, found = compared
    files = found["files"]
    assert json.loads(Path(files["json"]).read_text())["table"] == found["table"]
    with open(files["csv"], newline="") as stream:
        assert [float(row["test"]) for row in csv.DictReader(stream)] == [row["test"] for row in found["rows"]]
    markdown = Path(files["markdown"]).read_text().splitlines()
    assert markdown[0].strip("| ").split(" | ") == headings(wide=True)
    assert markdown[2 + len(found["table"])] == ""
    assert markdown[-len(found["notes"]) :] == [f"- {note}" for note in found["notes"]]
    assert Path(files["latex"]).read_text().count(" \\\\\n") == 1 + len(found["table"])
    assert f"{100 * found['table'][0]['mean']:.2f}" in markdown[2]
    for kind in ("picture", "cost", "learning"):
        assert _width(Path(files[kind])) > 600


def test_operations_are_measured_once_a_run(compared: tuple[Path, dict[str, Any]], tiny: list[str]) -> None:
    out, found = compared
    kept = sorted((out / "inference").glob("*.json"))
    assert [path.stem for path in kept] == ["bsd-seed0", "bsd-seed1", "frozen-seed0", "frozen-seed1"]
    assert all(row["synaptic_operations"] > 16 * 6 and row["energy_nj"] > 0 for row in found["rows"])
    value = json.loads(kept[0].read_text())
    value["operations"]["multiplies"] = 5e6
    kept[0].write_text(json.dumps(value))
    call = ("compare", *tiny, "--rules", "bsd,frozen", "--seeds", "2", "--out", out, "--json")
    assert bispike(*call).json["rows"][0]["synaptic_operations"] > 5e6
    kept[0].write_text(json.dumps({**value, "model": "of other weights"}))
    assert bispike(*call).json["rows"][0]["synaptic_operations"] == found["rows"][0]["synaptic_operations"]


def test_a_finished_study_is_read_not_repeated(compared: tuple[Path, dict[str, Any]], tiny: list[str]) -> None:
    out, _ = compared
    before = fingerprint(out)
    started = time.monotonic()
    called = bispike("compare", *tiny, "--rules", "bsd,frozen", "--seeds", "2", "--out", out)
    assert called.status == 0
    assert time.monotonic() - started < 20
    assert "4 of 4 runs were finished before" in called.err
    assert "bsd" in called.out
    after = fingerprint(out)
    assert {path: after[path] for path in before if "seed" in path} == {p: h for p, h in before.items() if "seed" in p}


def test_a_cell_equals_the_run_trained_alone(compared: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    out, _ = compared
    called = bispike("train", "--config", out / "cells" / "bsd-seed1", "--threads", "1", "--out", tmp_path / "alone")
    assert called.status == 0
    alone = (tmp_path / "alone" / "model.safetensors").read_bytes()
    assert (out / "bsd-seed1" / "model.safetensors").read_bytes() == alone


def test_other_settings_do_not_mix_with_a_study(compared: tuple[Path, dict[str, Any]], tiny: list[str]) -> None:
    out, _ = compared
    before = fingerprint(out)
    called = bispike("compare", *tiny, "--lr", "0.1", "--rules", "bsd,frozen", "--seeds", "2", "--out", out)
    assert called.status == 2
    assert "lr" in called.err
    assert "other settings" in called.err
    assert fingerprint(out) == before


def test_a_cell_that_fails_is_reported_and_the_others_go_on(tiny: list[str], tmp_path: Path) -> None:
    out = tmp_path / "study"
    call = ["ablate", *tiny, "--over", "threshold=0.6,1e6", "--seeds", "1", "--jobs", "2", "--out", out, "--json"]
    called = bispike(*call)
    assert called.status == 1
    found = called.json
    assert [line["row"] for line in found["table"]] == ["threshold=0.6", "threshold=1e6"]
    assert found["table"][0]["mean"] is not None
    assert (found["table"][1]["mean"], found["table"][1]["failed"]) == (None, 1)
    assert "no layer of the network fired" in found["failed"][0]["message"]
    assert len(found["rows"]) == 1
    assert "0 of 1" in Path(found["files"]["markdown"]).read_text()


def test_a_killed_study_goes_on_at_once(tiny: list[str], tmp_path: Path) -> None:
    out = tmp_path / "study"
    study = ["--epochs", "40", "--over", "lr=0.001,0.002", "--seeds", "1", "--jobs", "1", "--out", str(out)]
    words = ["ablate", *tiny, *study, "--json"]
    first, second = (out / f"lr={lr}-seed0" for lr in (0.001, 0.002))
    with open(tmp_path / "log", "wb") as log:
        killed = subprocess.Popen([sys.executable, "-m", "bispike", *words], stdout=log, stderr=log)
        deadline = time.monotonic() + 60
        while not (second / "metrics.jsonl").is_file() and time.monotonic() < deadline:
            time.sleep(0.01)
        os.kill(killed.pid, signal.SIGKILL)
        killed.wait()
    assert (first / "summary.json").is_file(), (tmp_path / "log").read_text()
    content = (first / "summary.json").read_bytes()
    assert not (out / "table.md").exists()
    called = bispike(*words)
    assert called.status == 0, called.err
    assert "1 of 2 runs were finished before" in called.err
    assert (first / "summary.json").read_bytes() == content
    assert [line["row"] for line in called.json["table"]] == ["lr=0.001", "lr=0.002"]


def test_a_study_file_is_run_without_a_look_at_the_test_data(tiny: list[str], tmp_path: Path) -> None:
    file, out = tmp_path / "loss.toml", tmp_path / "study"
    base = 'model = "mlp"\nwidths = [6]\nepochs = 5\ntime_steps = 2\nbatch_size = 16\nvalidation = 0.2'
    file.write_text(f'question = "Which loss?"\nseeds = 2\n[base]\n{base}\n[rows.reco]\n[rows.mse]\nloss = "mse"\n')
    call = ("ablate", file, "--epochs", "1", *tiny[:2], "--validation-only", "--out", out)
    called = bispike(*call, "--json")
    assert called.status == 0, called.err
    found = called.json
    assert [(row["row"], row["seed"], row["test"]) for row in found["rows"]] == [
        ("reco", 0, None),
        ("reco", 1, None),
        ("mse", 0, None),
        ("mse", 1, None),
    ]
    assert {row["epochs"] for row in found["rows"]} == {1}
    assert found["table"][0]["mean"] is None
    assert found["table"][0]["validation"] == statistics.mean(row["validation"] for row in found["rows"][:2])
    assert found["notes"][0] == "Which loss?"
    assert all(row["energy_nj"] > 0 for row in found["rows"])
    shown = bispike(*call)
    assert "4 of 4 runs were finished before" in shown.err
    assert "val %" in shown.out
    assert "test %" not in shown.out
    assert bispike("report", out / "reco-seed0", "--out", tmp_path / "report.html").status == 0
    assert "was not tested" in (tmp_path / "report.html").read_text()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "received neither"),
        (["a.toml", "--over", "lr=1,2"], "received a.toml, --over lr=1,2"),
        (["a.toml", "b.toml"], "received a.toml, b.toml"),
        (["nothing.toml"], "nothing.toml"),
    ],
)
def test_an_ablation_is_either_a_file_or_values(words: list[str], message: str) -> None:
    called = bispike("ablate", *words)
    assert called.status == 2
    assert message in called.err


def test_two_settings_make_a_grid(tiny: list[str], tmp_path: Path) -> None:
    words = ("--over", "strength=0.1,0.2", "--over", "lr=0.001,0.01", "--seeds", "1", "--out", tmp_path / "study")
    found = bispike("ablate", *tiny, *words, "--json").json
    assert [line["row"] for line in found["table"]] == [
        "strength=0.1, lr=0.001",
        "strength=0.1, lr=0.01",
        "strength=0.2, lr=0.001",
        "strength=0.2, lr=0.01",
    ]
