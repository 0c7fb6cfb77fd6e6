"""The result of the audit of one criterion."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Verdict:
    """Result for one criterion and one rule.

    Attributes:
        brief: the measurement in a few words, for a cell of a table.
        finding: the measurement in a sentence.
        measured: all measured numbers, as plain values.
        how: the method, in one or two sentences.
        holds: whether the rule meets the criterion.
    """

    brief: str
    finding: str
    measured: dict[str, Any]
    how: str
    holds: bool
