"""The plausibility criteria of the rows of a study."""

from __future__ import annotations

import functools
import json

from .. import analysis, rules
from ..config.train_config import TrainConfig

CRITERIA = ("C1", "C2", "C3", "C4", "C5")


def criteria_of(config: TrainConfig) -> dict[str, bool] | None:
    """Which criteria the rule of these settings satisfies, by name, as measured on a small network.

    None if no rule has this name.
    """
    if config.rule not in rules.registry:
        return None
    return dict(_verdicts(config.rule, json.dumps(config.rule_options, sort_keys=True)))


@functools.cache
def _verdicts(rule: str, options: str) -> dict[str, bool]:
    """The audit depends on nothing but rule and options (as JSON), so rows that share them are measured once."""
    return analysis.audit(rule, **json.loads(options)).verdicts()


def marks(criteria: dict[str, bool] | None) -> str:
    """`"1 2 · 4 5"`: the numbers of the criteria that hold, a dot for one that does not; empty if unknown."""
    if criteria is None:
        return ""
    return " ".join(name[1:] if criteria.get(name) else "·" for name in CRITERIA)
