"""The table of a study: means and spreads by the book, and empty places where nothing is known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bispike.training import study_table
from bispike.training.config import TrainConfig
from bispike.training.studies import Cell, Outcome


def outcome(row: str, seed: int, test: float | None, **more: Any) -> Outcome:
    cell = Cell(row, TrainConfig(seed=seed), f"{row}-seed{seed}")
    if test is None:
        return Outcome(cell, Path(cell.name), failure="diverged")
    summary = {"test": test, "metric": "accuracy", "seed": seed, "parameters": 9, "spike_rate": [test, 0.5], **more}
    return Outcome(cell, Path(cell.name), summary)


def test_spread_is_the_sample_deviation_and_unknown_for_one_seed() -> None:
    rows = study_table.aggregate([outcome("a", 0, 0.2), outcome("a", 1, 0.4), outcome("b", 0, 0.9)])
    assert [row.row for row in rows] == ["a", "b"]
    assert rows[0].mean == pytest.approx(0.3)
    assert rows[0].spread == pytest.approx(0.02**0.5)
    assert rows[0].spike_rate == pytest.approx([0.3, 0.5])
    assert rows[1].spread is None


def test_failed_and_unknown_values_stay_empty() -> None:
    outcomes = [outcome("a", 0, None), outcome("b", 0, 0.5, step_ms=None, validation=0.25), outcome("b", 1, None)]
    failed, half = study_table.aggregate(outcomes)
    assert (failed.mean, failed.seeds, failed.failed) == (None, [], 1)
    assert study_table.cells(failed) == ["a", "", "", "0 (1 failed)", "", "", "", "", ""]
    assert study_table.cells(half)[:5] == ["b", "50.00", "", "1 (1 failed)", "25.00"]
    assert [entry["message"] for entry in study_table.failures(outcomes)] == ["diverged", "diverged"]


def test_texts_cannot_break_the_files() -> None:
    rows = study_table.aggregate([outcome("k=a|b", 0, 0.5)])
    assert study_table.as_markdown(rows).splitlines()[2].startswith("| k=a\\|b | 50.00 |")
    assert (
        study_table.as_csv([{"row": 'a,"b"', "rates": [1, 2], "none": None}]) == 'row,rates,none\n"a,""b""","[1, 2]",\n'
    )
