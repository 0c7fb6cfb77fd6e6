"""What the audit of one criterion says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Verdict:
    """One criterion of one rule.

    Attributes:
        brief: the measurement in a few words, for a cell of a table.
        finding: the measurement in a sentence.
        measured: all numbers behind it, as plain values.
        how: how it was measured, in a sentence or two.
        holds: the verdict.
    """

    brief: str
    finding: str
    measured: dict[str, Any]
    how: str
    holds: bool
