"""The verdict about a preset follows from the mean over its seeds and the recorded range."""

from __future__ import annotations

from pathlib import Path

import pytest

from bispike.config import presets
from bispike.config.presets import Preset
from bispike.errors import ConfigurationError, UnknownNameError
from bispike.studies import preset_check
from bispike.studies.study import Outcome


@pytest.fixture(autouse=True)
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    made = {"ranged": (0.6, 0.7), "open": None}
    table = {name: Preset(name, "made up", {"dataset": "digits"}, expected) for name, expected in made.items()}
    monkeypatch.setattr(presets, "registry", table)


def outcomes(name: str, *values: float | None) -> list[Outcome]:
    return [
        Outcome(
            cell, Path(cell.name), None if value is None else {"test": value}, "diverged" if value is None else None
        )
        for cell, value in zip(preset_check.check_cells([name], len(values)), values, strict=True)
    ]


@pytest.mark.parametrize(
    ("values", "mean", "verdict", "sound"),
    [
        ((0.5, 0.8), 0.65, "as expected", True),  # of the mean, not of each seed
        ((0.6, 0.6), 0.6, "as expected", True),
        ((0.5, 0.6), 0.55, "below", False),
        ((0.75, 0.75), 0.75, "above", False),
        ((0.65, None), None, "failed", False),
    ],
)
def test_the_mean_is_compared_with_the_range(
    values: tuple[float | None, ...], mean: float | None, verdict: str, *, sound: bool
) -> None:
    (row,) = preset_check.check_outcomes(outcomes("ranged", *values))
    assert row.mean == (mean if mean is None else pytest.approx(mean))
    assert (row.values, row.verdict, row.sound) == ([*values], verdict, sound)


def test_a_preset_without_a_range_is_reported_without_a_verdict() -> None:
    (row,) = preset_check.check_outcomes(outcomes("open", 0.1))
    assert (row.expected, row.verdict, row.sound) == (None, "no range recorded", True)


def test_cells_are_presets_times_seeds_and_present_ones_have_their_data(tmp_path: Path) -> None:
    cells = preset_check.check_cells(["ranged", "open"], 2)
    assert [(cell.row, cell.config.seed) for cell in cells] == [("ranged", 0), ("ranged", 1), ("open", 0), ("open", 1)]
    assert preset_check.present_presets(tmp_path) == ["ranged", "open"]  # digits come with the package
    for names in ([], ["open", "open"]):
        with pytest.raises(ConfigurationError):
            preset_check.check_cells(names, 1)
    with pytest.raises(UnknownNameError):
        preset_check.check_cells(["opne"], 1)
