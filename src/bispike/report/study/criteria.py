"""The plausibility criteria of a row: the one place where a study asks for them."""

from __future__ import annotations

from ...training import TrainConfig

CRITERIA = ("C1", "C2", "C3", "C4", "C5")


def criteria_of(config: TrainConfig) -> dict[str, bool] | None:
    """Which criteria the rule of these settings satisfies, by name, as measured; None where nothing was measured."""
    return None


def marks(criteria: dict[str, bool] | None) -> str:
    """`"1 2 · 4 5"`: the numbers of the criteria that hold, a dot for one that does not; empty if unknown."""
    if criteria is None:
        return ""
    return " ".join(name[1:] if criteria.get(name) else "·" for name in CRITERIA)
