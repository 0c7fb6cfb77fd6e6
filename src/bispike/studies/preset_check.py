"""Check of presets: the mean test accuracy over seeds against the recorded range."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .. import data
from ..config import presets
from ..config.resolve import Request, resolve
from ..errors import ConfigurationError
from .study import Cell, Outcome, cells_of

UNKNOWN = "no range recorded"


@dataclass(frozen=True)
class PresetCheck:
    """A preset over its seeds.

    Args:
        preset: its name.
        expected: lowest and highest mean test accuracy; None if none was recorded.
        values: test accuracy of each seed, None where it failed.
        mean: over the seeds; None where one failed.
        verdict: "as expected", "below", "above", "failed" or "no range recorded".
    """

    preset: str
    expected: tuple[float, float] | None
    values: list[float | None]
    mean: float | None
    verdict: str

    @property
    def sound(self) -> bool:
        """Whether the accuracy is as expected, or no range was recorded."""
        return self.verdict in ("as expected", UNKNOWN)


def present_presets(data_root: str | Path | None = None) -> list[str]:
    """Names of the presets whose data set is present."""
    datasets = {name: presets.config(name).dataset for name in presets.registry}
    return [name for name, dataset in datasets.items() if data.info(dataset, data_root)["present"]]


def check_cells(names: Sequence[str], seeds: int, *, data_root: str | Path | None = None) -> list[Cell]:
    """A cell for each preset and seed.

    Raises:
        UserError: no preset, one named twice, an unknown name, or fewer than one seed.
    """
    if not names or len({*names}) < len(names):
        raise ConfigurationError(f"presets: expected names, each once, received {', '.join(names) or 'none'}.")
    return cells_of({name: resolve(Request({"preset": name, "data_root": data_root})) for name in names}, seeds)


def check_outcomes(outcomes: Sequence[Outcome]) -> list[PresetCheck]:
    """The result for each preset from the runs of `check_cells`."""
    rows: dict[str, list[float | None]] = {}
    for outcome in outcomes:
        value = None if outcome.summary is None else float(outcome.summary["test"])
        rows.setdefault(outcome.cell.row, []).append(value)
    return [_check(name, presets.find(name).expected, values) for name, values in rows.items()]


def _check(name: str, expected: tuple[float, float] | None, values: list[float | None]) -> PresetCheck:
    known = [value for value in values if value is not None]
    if len(known) < len(values):
        return PresetCheck(name, expected, values, None, "failed")
    mean = sum(known) / len(known)
    if expected is None:
        verdict = UNKNOWN
    else:
        low, high = expected
        verdict = "below" if mean < low else "above" if mean > high else "as expected"
    return PresetCheck(name, expected, values, mean, verdict)
