"""`bispike study`: each study answers with its table, its files and one JSON object."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bispike.experiments import memory

from .conftest import bispike

STUDIES = ["few-shot", "memory", "sequence-length"]


@pytest.mark.parametrize("study", STUDIES)
def test_every_study_has_help_and_json(study: str) -> None:
    assert study in bispike("study", "--help").out
    called = bispike("study", study, "--help")
    assert called.status == 0
    assert "--json" in called.out
    assert max(map(len, called.out.splitlines())) <= 100


def test_sequence_length_measures_each_rule_and_length(tmp_path: Path) -> None:
    words = ("study", "sequence-length", "--rules", "bsd", "--lengths", "2,4", "--out", tmp_path)
    called = bispike(*words, "--json")
    assert called.status == 0, called.err
    assert [(row["rule"], row["length"]) for row in called.json["rows"]] == [("bsd", 2), ("bsd", 4)]
    assert json.loads((tmp_path / "sequences.json").read_text())["rows"] == called.json["rows"]
    assert bispike("study", "sequence-length", "--lengths", "2,x").status == 2
    assert bispike("study", "sequence-length", "--rules", "bds", "--lengths", "2").status == 2


def test_memory_tabulates_three_memories(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "PAIRS", (2, 4))
    monkeypatch.setattr(memory, "SHARES", (0.0, 0.2))
    monkeypatch.setattr(memory, "MASKED", (0.0, 0.5))
    called = bispike("study", "memory", "--seeds", "1", "--passes", "1", "--out", tmp_path)
    assert called.status == 0, called.err
    assert max(len(line) for line in called.out.splitlines() if str(tmp_path) not in line) <= 100
    found = json.loads((tmp_path / "memory.json").read_text())
    assert list(found["curves"]) == ["bispike 784 × 100", "Kosko's BAM", "modern Hopfield"]
    assert all(name in called.out for name in found["curves"])
    assert all(len(points) == 2 for points in found["curves"].values())
    assert {path.name for path in tmp_path.glob("*.png")} == {"memory-capacity.png", "memory-robustness.png"}
    assert bispike("study", "memory", "--seeds", "0", "--out", tmp_path).status == 2
