"""What each verb prints and leaves behind."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits

import bispike as package
from bispike import data, models, rules
from bispike.config import presets

from .conftest import TINY, bispike, fingerprint

KEYS = {
    "run",
    "dataset",
    "model",
    "rule",
    "seed",
    "epochs",
    "steps",
    "batch_size",
    "parameters",
    "metric",
    "test",
    "validation",
    "train_seconds",
    "step_ms",
    "peak_memory_mb",
    "spike_rate",
    "device",
    "versions",
}
VERBS = [
    "train",
    "evaluate",
    "predict",
    "recall",
    "compare",
    "ablate",
    "analyse",
    "audit",
    "bench",
    "report",
    "robustness",
    "data",
    "rules",
    "models",
    "presets",
    "study",
]


def test_help_names_every_verb() -> None:
    called = bispike("--help")
    assert called.status == 0
    listed = [line.split()[0] for line in called.out.split("Commands:")[1].strip().splitlines()]
    assert listed == sorted(VERBS)


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help_and_json(verb: str) -> None:
    called = bispike(verb, "--help")
    assert called.status == 0
    assert "--json" in called.out
    assert max(map(len, called.out.splitlines())) <= 100


@pytest.mark.parametrize(("verb", "known"), [("rules", rules.registry), ("models", models.registry)])
def test_options_of_each_rule_and_model_fit_a_terminal(verb: str, known: dict[str, object]) -> None:
    for name in known:
        called = bispike(verb, name)
        assert called.status == 0, called.err
        assert max(map(len, called.out.splitlines())) <= 100
        found = bispike(verb, name, "--json").json
        defaults = models.settings_of(name) if verb == "models" else rules.registry[name].defaults()
        plain = json.loads(json.dumps(defaults))
        assert {row["name"]: row["default"] for row in found["options"]} == plain
        assert all(row["name"] in called.out for row in found["options"])
    unknown = bispike(verb, "bds" if verb == "rules" else "mpl")
    assert unknown.status == 2
    assert "did you mean" in unknown.err


def test_version() -> None:
    assert bispike("--version").out == f"bispike {package.__version__}\n"


@pytest.mark.parametrize(
    ("verb", "known"), [("rules", rules.registry), ("models", models.registry), ("presets", presets.registry)]
)
def test_lists_give_a_line_each(verb: str, known: dict[str, object]) -> None:
    called = bispike(verb)
    assert called.status == 0
    assert [line.split()[0] for line in called.out.splitlines()[2:]] == list(known)
    rows = bispike(verb, "--json").json[verb]
    assert [row["name"] for row in rows] == list(known)
    assert all(row["summary"] for row in rows)


def test_data_list_and_info(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BISPIKE_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    listed = bispike("data", "list", "--data-root", tmp_path, "--json").json["datasets"]
    assert [row["name"] for row in listed] == data.names()
    assert bispike("data").out.splitlines()[2].split()[:3] == ["digits", "1x8x8", "10"]
    info = bispike("data", "info", "mnist", "--data-root", tmp_path, "--json").json
    assert info["shape"] == [1, 28, 28]
    assert not info["present"]
    assert bispike("data", "fetch", "digits", "--json").json == {"name": "digits", "path": None}


def test_data_check_reports_what_is_wrong_as_json(tmp_path: Path) -> None:
    np.savez(tmp_path / "own.npz", x_train=np.zeros((4, 2)), y_train=np.array([0, 1, 3, 0]))
    called = bispike("data", "check", tmp_path / "own.npz", "--json")
    assert called.status == 2
    assert not called.json["ok"]
    assert bispike("data", "check", "digits", "--json").json["ok"]


def test_train_answers_with_the_summary_of_the_run(trained: Path) -> None:
    summary = json.loads((trained / "summary.json").read_text())
    assert summary.keys() >= KEYS
    assert summary["run"] == str(trained)
    assert (summary["dataset"], summary["model"], summary["rule"]) == ("digits", "mlp", "bsd")
    assert (summary["epochs"], summary["steps"], summary["batch_size"]) == (1, 2, 32)


def test_train_fits_a_terminal_and_trains_again_the_same(trained: Path, tmp_path: Path) -> None:
    called = bispike("train", *TINY, "--out", tmp_path / "again")
    assert called.status == 0
    assert str(tmp_path / "again") in called.out
    assert "test" in called.out
    lines = [line for line in (called.out + called.err).splitlines() if str(tmp_path) not in line]
    assert max(map(len, lines)) <= 100
    weights = "model.safetensors"
    assert (tmp_path / "again" / weights).read_bytes() == (trained / weights).read_bytes()


def test_a_run_can_be_repeated_from_its_settings(trained: Path, tmp_path: Path) -> None:
    called = bispike("train", "--config", trained / "config.toml", "--out", tmp_path / "again", "--json")
    assert called.status == 0, called.err
    weights = "model.safetensors"
    assert (tmp_path / "again" / weights).read_bytes() == (trained / weights).read_bytes()


def test_train_without_a_folder_names_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    called = bispike("train", *TINY, "--seed", "4", "--rule", "frozen", "--json")
    assert called.json["run"] == "runs/digits-mlp-frozen-seed4"
    assert (tmp_path / "runs/digits-mlp-frozen-seed4/summary.json").is_file()


def test_resume_needs_only_the_folder(copy_of: Callable[[], Path], trained: Path) -> None:
    run = copy_of()
    called = bispike("train", "--resume", "--out", run, "--json")
    assert called.status == 0, called.err
    assert called.json["test"] == json.loads((trained / "summary.json").read_text())["test"]
    assert (run / "model.safetensors").read_bytes() == (trained / "model.safetensors").read_bytes()


def test_overwrite_replaces_a_run(copy_of: Callable[[], Path]) -> None:
    run = copy_of()
    called = bispike("train", *TINY, "--seed", "1", "--out", run, "--overwrite", "--json")
    assert called.status == 0, called.err
    assert json.loads((run / "summary.json").read_text())["seed"] == 1


def test_evaluate_repeats_the_test_and_leaves_the_run_alone(trained: Path) -> None:
    before = fingerprint(trained)
    found = bispike("evaluate", trained, "--json").json
    summary = json.loads((trained / "summary.json").read_text())
    assert found.keys() >= KEYS
    assert found["test"] == pytest.approx(summary["test"], abs=1e-9)
    assert (found["split"], found["samples"]) == ("test", 360)
    validation = bispike("evaluate", trained, "--split", "validation", "--json").json
    assert validation["validation"] == pytest.approx(summary["validation"], abs=1e-9)
    assert validation["test"] is None
    assert fingerprint(trained) == before


def test_evaluate_on_damaged_stimuli(trained: Path) -> None:
    call = ["evaluate", trained, "--corrupt", "gaussian-noise:5"]
    found = bispike(*call, "--json").json
    assert found["corrupt"] == "gaussian-noise:5"
    assert bispike(*call, "--json").json["test"] == found["test"]
    assert "gaussian-noise:5" in bispike(*call).out


def test_predict_agrees_between_file_formats(trained: Path, tmp_path: Path) -> None:
    digits = (load_digits().images[:3] / 16 * 255).astype(np.uint8)
    np.save(tmp_path / "many.npy", digits)
    Image.fromarray(digits[0]).save(tmp_path / "first.png")
    Image.fromarray(digits[0]).resize((31, 31)).save(tmp_path / "large.png")
    called = bispike(
        "predict", trained, tmp_path / "many.npy", tmp_path / "first.png", tmp_path / "large.png", "--json"
    )
    rows = called.json["rows"]
    assert [row["input"] for row in rows] == ["many.npy[0]", "many.npy[1]", "many.npy[2]", "first.png", "large.png"]
    assert rows[0]["best"] == rows[3]["best"]
    assert all(len(row["best"]) == 3 and row["label"] == row["best"][0][0] for row in rows)
    assert all(0 <= row["share"] <= 1 for row in rows)
    assert "scaled from 31x31 to 8x8" in called.err
    text = bispike("predict", trained, tmp_path / "first.png").out
    assert "first.png" in text
    assert "%" in text


def test_recall_draws_every_concept_or_some(trained: Path, tmp_path: Path) -> None:
    found = bispike("recall", trained, "--out", tmp_path / "all.png", "--json").json
    assert found["concepts"] == list("0123456789")
    with Image.open(tmp_path / "all.png") as picture:
        assert picture.width > 500
    some = bispike("recall", trained, "--concept", "3", "7", "--concept", "1", "--out", tmp_path / "some.svg", "--json")
    assert sorted(some.json["concepts"]) == ["1", "3", "7"]
    assert "<svg" in (tmp_path / "some.svg").read_text()


def test_report_writes_a_page(copy_of: Callable[[], Path], trained: Path, tmp_path: Path) -> None:
    run = copy_of()
    assert bispike("report", run, "--json").json["out"] == str(run / "report.html")
    assert "<html" in (run / "report.html").read_text()
    several = bispike("report", run, trained, "--out", tmp_path / "both.html", "--json").json
    assert len(several["runs"]) == 2
    assert (tmp_path / "both.html").stat().st_size > 10_000


def test_an_error_is_json_too() -> None:
    for words in (["evaluate", "nowhere", "--json"], ["train", "--epocs", "3", "--json"], ["trian", "--json"]):
        called = bispike(*words)
        assert called.status == 2
        assert called.json["error"]["status"] == 2
        assert called.json["error"]["message"] in called.err


def test_work_that_fails_has_status_1_and_names_what_is_wrong(tmp_path: Path) -> None:
    called = bispike("train", *TINY, "--set", "gain=1e30", "--out", tmp_path / "run", "--json")
    assert called.status == 1
    assert called.json["error"]["kind"] == "DivergenceError"
    assert "diverged" in called.err
    assert "layer1" in called.err
    assert "Traceback" not in called.err


def test_own_files_train_without_code(tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    kinds = np.arange(60) % 2
    rows = [f"{2 * k + draw.normal(0, 0.2)},{draw.normal()},{'ac'[k]}" for k in draw.permutation(kinds)]
    (tmp_path / "table.csv").write_text("size,noise,kind\n" + "\n".join(rows))
    for k in range(60):
        place = tmp_path / "photos" / ("bright" if k % 2 else "dark")
        place.mkdir(parents=True, exist_ok=True)
        pixels = draw.integers(176 * (k % 2), 176 * (k % 2) + 80, (5, 6, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(place / f"{k}.png")
    own = {"table.csv": ["--target", "kind"], "photos": []}
    for name, options in own.items():
        words = ["--dataset", tmp_path / name, *options, "--model", "mlp", "--set", "widths=[16]", "--epochs", "30"]
        run = tmp_path / f"run-{name}"
        called = bispike("train", *words, "--lr", "0.02", "--batch-size", "8", "--out", run, "--json")
        assert called.status == 0, called.err
        assert called.json["test"] > 0.9, (name, called.err)
        assert bispike("evaluate", run, "--json").json["test"] == called.json["test"]
    (tmp_path / "new.csv").write_text("noise,size\n0.1,0.0\n0.1,2.0\n")
    decided = bispike("predict", tmp_path / "run-table.csv", tmp_path / "new.csv", "--json").json["rows"]
    assert [row["label"] for row in decided] == ["a", "c"]
    bright = tmp_path / "photos" / "bright" / "1.png"
    assert bispike("predict", tmp_path / "run-photos", bright, "--json").json["rows"][0]["label"] == "bright"


def test_a_defect_is_called_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise ZeroDivisionError("oh")

    monkeypatch.setattr(data, "names", broken)
    called = bispike("data", "list", "--json")
    assert called.status == 1
    assert called.json["error"]["kind"] == "ZeroDivisionError"
    assert "internal error" in called.err
    assert "Traceback" not in called.err
    monkeypatch.setenv("BISPIKE_DEBUG", "1")
    assert "Traceback" in bispike("data", "list").err


def shell(*words: str, **options: object) -> subprocess.CompletedProcess[str]:
    """Call the command line in a process of its own."""
    return subprocess.run([sys.executable, "-m", "bispike", *words], text=True, capture_output=True, **options)  # type: ignore[call-overload]


def test_a_true_process_prints_one_object_and_nothing_else(tmp_path: Path) -> None:
    done = shell("train", *TINY, "--out", str(tmp_path / "run"), "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout).keys() >= KEYS
    assert "epoch" in done.stderr


def test_listing_is_quick_and_survives_a_closed_pipe_and_a_poor_terminal() -> None:
    quick = [sys.executable, "-X", "importtime", "-m", "bispike", "--help"]
    imported = subprocess.run(quick, text=True, capture_output=True).stderr
    assert "torch" not in {line.rsplit("|", 1)[-1].strip() for line in imported.splitlines()}
    pipe = subprocess.run(f"{sys.executable} -m bispike data list | true", shell=True, text=True, capture_output=True)
    assert pipe.stderr == ""
    poor = shell("rules", env={**os.environ, "PYTHONIOENCODING": "ascii"})
    assert poor.returncode == 0
    assert "bsd" in poor.stdout


def test_analyse_prints_four_tables_and_writes_beside_the_run(copy_of: Callable[[], Path]) -> None:
    run = copy_of()
    called = bispike("analyse", run, "--samples", "60")
    assert called.status == 0, called.err
    for words in ("Hamming similarity", "gradient of bptt", "Linear separability", "spike loss"):
        assert words in called.out
    assert (run / "analysis.json").is_file()
    found = bispike("analyse", run, "--samples", "60", "--out", run.parent / "elsewhere", "--json").json
    assert found["files"]["json"] == str(run.parent / "elsewhere" / "analysis.json")
    assert found["rule"] == "bsd"


def test_analyse_needs_a_run(tmp_path: Path) -> None:
    assert bispike("analyse", tmp_path).status == 2


def test_robustness_shows_runs_side_by_side(trained: Path, tmp_path: Path) -> None:
    words = ("robustness", trained, "--samples", "40", "--out", tmp_path / "robust")
    called = bispike(*words)
    assert called.status == 0, called.err
    assert "loss 0.5" in called.out
    found = bispike(*words, "--json").json
    assert [(row["name"], row["runs"]) for row in found["rows"]] == [("bsd", [str(trained)])]
    assert all(Path(path).is_file() for path in found["files"].values())
    assert bispike("robustness", tmp_path).status == 2


def test_a_finished_run_that_was_moved_is_named_by_its_new_place(trained: Path, tmp_path: Path) -> None:
    moved = shutil.copytree(trained, tmp_path / "moved")
    assert bispike("train", "--resume", "--out", moved, "--json").json["run"] == str(moved)
