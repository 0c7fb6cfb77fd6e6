"""The report and the verbs on runs that learned sequences."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bispike.config.train_config import TrainConfig
from bispike.report import write_report
from bispike.training import run_config

from ..cli.conftest import bispike
from .reading import Page

TEXT = "the quick brown fox jumps over the lazy dog. " * 60


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sequences")
    (folder / "prose.txt").write_text(TEXT)
    steps = np.arange(300)
    rows = np.stack([np.sin(steps / 5), np.cos(steps / 5)], 1)
    (folder / "waves.csv").write_text("a,b\n" + "\n".join(f"{x:.5f},{y:.5f}" for x, y in rows))
    shared = {"model": "rnn", "model_options": {"widths": [16]}, "epochs": 2, "batch_size": 16, "validation": 0.1}
    text = TrainConfig(dataset=str(folder / "prose.txt"), **shared)  # type: ignore[arg-type]
    run_config(text, out=folder / "text", progress=None)
    for protocol in ("chronological", "paper"):
        options = {"task": "series", "window": 8, "protocol": protocol}
        series = TrainConfig(dataset=str(folder / "waves.csv"), data_options=options, **shared)  # type: ignore[arg-type]
        run_config(series, out=folder / protocol, progress=None)
    return folder


def page_of(place: Path, *names: str) -> Page:
    return Page(write_report([place / name for name in names], place / "report.html").read_text())


def test_a_text_is_shown_with_what_the_network_writes(place: Path) -> None:
    page = page_of(place, "text")
    assert page.faults == []
    assert "of the characters of the test part" in page.text
    assert "Continued text: the most likely characters" in page.text
    assert "bits per character" in page.text
    assert {"Learning", "What it forecasts", "Firing", "Memory", "Settings"} <= set(page.headings)
    assert len(page.all("img")) == len(page.all("figcaption")) >= 6


def test_a_series_is_shown_beside_the_truth_and_simple_models(place: Path) -> None:
    page = page_of(place, "chronological")
    assert page.faults == []
    for words in ("Compared with simple models", "naive", "linear, own", "MASE", "smaller squared error"):
        assert words in page.text
    assert any("True and forecast values of a, b" in (image["alt"] or "") for image in page.all("img"))
    assert "Protocol" not in page.text


def test_memory_is_shown_against_the_length_beside_bptt(place: Path) -> None:
    for name in ("text", "chronological"):
        page = page_of(place, name)
        (drawn,) = [image["alt"] for image in page.all("img") if "Memory of a training step" in (image["alt"] or "")]
        assert drawn is not None
        growth = {rule: float(times) for rule, times in re.findall(r"(bsd|bptt) takes ([\d.]+) × as much", drawn)}
        assert growth["bsd"] < 1.1
        assert growth["bptt"] > 10


def test_the_paper_protocol_is_marked_wherever_it_is_printed(place: Path) -> None:
    assert "test part chose the epoch" in page_of(place, "paper").text
    both = page_of(place, "chronological", "text")
    assert both.faults == []
    assert "MSE" in both.text


def run(*words: object) -> dict[str, Any]:
    called = bispike(*words, "--json")
    assert called.status == 0, called.err
    return called.json


def test_predict_continues_texts_and_forecasts_series(place: Path) -> None:
    found = run("predict", place / "text", place / "prose.txt", "--characters", 20)
    assert len(found["rows"][0]["written"]) == 20
    found = run("predict", place / "chronological", place / "waves.csv")
    row = found["rows"][0]
    assert row["rows"] == 300
    assert set(row["values"]) == {"a", "b"}
    (place / "other.csv").write_text("a,c\n1,2\n3,4\n")
    called = bispike("predict", place / "chronological", place / "other.csv")
    assert called.status == 2
    assert "missing: 'b'" in called.err


def test_predict_reads_as_the_training_did(tmp_path: Path) -> None:
    prose, table = tmp_path / "prosa.txt", tmp_path / "waves.csv"
    prose.write_bytes("Übung macht den Meister. ".encode("latin-1") * 60)
    table.write_text(
        "a;b\n" + "".join(f"{math.sin(i / 5):.3f};{i % 7}\n".replace(".", ",") for i in range(200)) + "1;\n"
    )
    train = ("train", "--model", "rnn", "--epochs", 1, "--dataset")
    run(*train, prose, "--out", tmp_path / "text", "--set", "widths=[8]", "encoding=latin-1")
    assert len(run("predict", tmp_path / "text", prose)["rows"][0]["written"]) == 200
    options = ("widths=[8]", "window=8", "missing=previous")
    run(*train, table, "--task", "series", "--out", tmp_path / "series", "--set", *options)
    assert run("predict", tmp_path / "series", table)["rows"][0]["rows"] == 201


def test_evaluate_gives_all_measures(place: Path) -> None:
    found = run("evaluate", place / "chronological")
    assert found["metric"] == "mse"
    assert {"mse", "mae", "mase", "smape"} == set(found["measures"]["test"])
    assert found["interval"] is None
    assert 0 <= run("evaluate", place / "text")["test"] <= 1


def test_compare_tabulates_errors_of_series(place: Path) -> None:
    words = ["--dataset", place / "waves.csv", "--task", "series", "--model", "rnn", "--rules", "bsd,backprop"]
    made = run(
        "compare", *words, "--seeds", 1, "--epochs", 1, "--jobs", 1, "--out", place / "study", "--set", "window=8"
    )
    rows = made["rows"]
    assert [row["rule"] for row in rows] == ["bsd", "backprop"]
    assert all(row["metric"] == "mse" for row in rows)
    table = (place / "study" / "table.md").read_text()
    assert "test MSE" in table
    assert (place / "study" / "accuracy.png").exists()


@pytest.mark.parametrize("verb", ["analyse", "robustness", "recall"])
def test_verbs_for_single_stimuli_say_so(verb: str, place: Path) -> None:
    called = bispike(verb, place / "text")
    assert called.status == 2
    assert "expected a run on single stimuli" in called.err


def test_a_run_is_audited_in_time_too(place: Path) -> None:
    found = run("audit", place / "text")["criteria"]["C2"]
    assert found["holds"]
    assert found["measured"]["left_in_earlier_positions"] < 1e-6
    assert "at its own position only" in found["finding"]
    assert "Criteria" in page_of(place, "text").headings
