"""No command replaces or removes a file that bispike did not write, and each says how to go on."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from bispike.runs.outputs import MARK

from .conftest import TINY, bispike, fingerprint

OF_OTHERS = ("config.toml", "report.html", "metrics.jsonl", "summary.json", "model.safetensors", "notes.md")


@pytest.fixture(autouse=True)
def _short_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages without measurements, which take seconds."""
    monkeypatch.setattr("bispike.report.page.page", lambda runs: f"<html><!-- {MARK} --></html>")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Somebody's project, with files of the names of a run and of a study."""
    folder = tmp_path / "project"
    folder.mkdir()
    for name in (*OF_OTHERS, "table.tex", "table.md", "runs.csv", "results.json", "accuracy.png", "robustness.json"):
        (folder / name).write_text(f"somebody's own {name}")
    return folder


@pytest.mark.parametrize("option", ["--overwrite", "--resume", None])
def test_training_leaves_a_folder_of_others_alone(project: Path, option: str | None) -> None:
    before = fingerprint(project)
    words = [option] if option else []
    called = bispike("train", *TINY, "--out", project, *words)
    assert called.status == 2
    assert "Choose another folder" in called.err or "config.toml" in called.err
    assert fingerprint(project) == before


def test_studies_and_results_leave_a_folder_of_others_alone(project: Path, trained: Path) -> None:
    before = fingerprint(project)
    for words in (
        ["compare", *TINY, "--rules", "bsd", "--seeds", "1"],
        ["presets", "check", "digits-mlp"],
        ["robustness", trained, "--samples", "10"],
    ):
        called = bispike(*words, "--out", project)
        assert called.status == 2
        assert "which bispike did not write. Choose another folder, or move" in called.err
    assert fingerprint(project) == before


def test_pages_and_pictures_replace_themselves_and_others_only_when_asked(
    project: Path, trained: Path, tmp_path: Path
) -> None:
    page, picture = project / "report.html", project / "accuracy.png"
    before = fingerprint(project)
    for words, path in ((["report", trained], page), (["recall", trained], picture)):
        called = bispike(*words, "--out", path)
        assert called.status == 2
        assert "bispike did not write it. Choose another file, or replace it with --overwrite" in called.err
        assert fingerprint(project) == before
        new = tmp_path / path.name
        assert [bispike(*words, "--out", new).status for _ in range(2)] == [0, 0]
    assert bispike("recall", trained, "--out", picture, "--overwrite").status == 0
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_a_report_of_ones_own_in_the_folder_of_a_run_stays(trained: Path, tmp_path: Path) -> None:
    run = shutil.copytree(trained, tmp_path / "run")
    (run / "report.html").write_text("mine")
    (run / "audit.json").write_text("mine")
    assert bispike("report", run).status == 2
    assert bispike("audit", run).status == 2
    assert bispike("train", *TINY, "--out", run, "--overwrite").status == 0
    assert [(run / name).read_text() for name in ("report.html", "audit.json")] == ["mine", "mine"]
    for name in ("report.html", "audit.json"):
        (run / name).unlink()
    assert bispike("report", run).status == 0
    assert bispike("train", *TINY, "--out", run, "--overwrite").status == 0
    assert not (run / "report.html").exists()


@pytest.mark.parametrize(
    "words",
    [
        ["train", *TINY, "--out", "{name}"],
        ["train", "--resume", "--out", "{name}"],
        ["train", "--dataset", "{name}"],
        ["train", "--config", "{name}"],
        ["evaluate", "{name}"],
        ["report", "{name}"],
        ["report", "{run}", "--out", "{name}.html"],
        ["recall", "{run}", "--out", "{name}.png"],
        ["compare", *TINY, "--rules", "bsd", "--out", "{name}"],
        ["predict", "{run}", "{name}"],
        ["data", "check", "{name}"],
    ],
    ids=lambda words: " ".join(word for word in words if word.isalpha() and word not in ("mlp", "digits")),
)
def test_a_name_that_is_too_long_and_a_circle_of_links_are_own_errors(
    words: list[str], trained: Path, tmp_path: Path
) -> None:
    (tmp_path / "circle").symlink_to(tmp_path / "circle")
    for name in (tmp_path / ("x" * 300), tmp_path / "circle" / "below"):
        called = bispike(*(word.format(name=name, run=trained) for word in words))
        assert called.status == 2, called.err
        assert "error: " in called.err
        assert "internal" not in called.err


def test_a_full_disk_is_no_mistake_of_the_caller(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    called = bispike("recall", trained, "--out", tmp_path / "new.png")
    assert called.status == 1
    assert "free some space" in called.err
