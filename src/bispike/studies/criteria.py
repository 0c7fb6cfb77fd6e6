"""The plausibility criteria of a row: the one place where a study asks for them."""

from __future__ import annotations

from .. import analysis, rules
from ..training import TrainConfig

CRITERIA = ("C1", "C2", "C3", "C4", "C5")


def criteria_of(config: TrainConfig) -> dict[str, bool] | None:
    """Which criteria the rule of these settings satisfies, by name, as measured on a small network.

    None where the rule is not one that can be made by its name.
    """
    if config.rule not in rules.registry:
        return None
    return analysis.audit(config.rule, **config.rule_options).verdicts()


def marks(criteria: dict[str, bool] | None) -> str:
    """`"1 2 · 4 5"`: the numbers of the criteria that hold, a dot for one that does not; empty if unknown."""
    if criteria is None:
        return ""
    return " ".join(name[1:] if criteria.get(name) else "·" for name in CRITERIA)
