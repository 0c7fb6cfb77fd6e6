"""`presets`: the list shows what is expected, the check trains and says whether it still holds."""

from __future__ import annotations

from pathlib import Path

import pytest

from bispike.config import presets
from bispike.config.presets import Preset

from .conftest import bispike

VALUES = {
    "dataset": "digits",
    "model_options": {"widths": [12], "time_steps": 2},
    "limit": 120,
    "epochs": 1,
    "batch_size": 32,
}


def test_the_list_shows_what_is_expected() -> None:
    line = bispike("presets").out.splitlines()[2]
    assert line.startswith("digits-mlp")
    assert "96.0 to 100.0" in line
    assert bispike("presets", "list").out == bispike("presets").out


def test_a_check_trains_and_judges(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    made = {"kept": (0.0, 1.0), "missed": (0.999, 1.0), "open": None}
    table = {name: Preset(name, "made up", VALUES, expected) for name, expected in made.items()}
    monkeypatch.setattr(presets, "registry", table)
    call = ("presets", "check", "--all", "--seeds", "1", "--out", tmp_path / "runs")
    called = bispike(*call, "--json")
    assert called.status == 1, called.err
    assert [row["verdict"] for row in called.json["presets"]] == ["as expected", "below", "no range recorded"]
    again = bispike(*call)
    assert "3 of 3 runs were finished before" in again.err
    assert "99.9 to 100.0" in again.out
    assert bispike("presets", "check", "kept", "open", "--seeds", "1", "--out", tmp_path / "runs").status == 0


@pytest.mark.parametrize("words", [[], ["digits-mlp", "--all"], ["digits-mpl"], ["digits-mlp", "--seeds", "0"]])
def test_a_check_needs_presets_and_seeds(words: list[str]) -> None:
    assert bispike("presets", "check", *words).status == 2
