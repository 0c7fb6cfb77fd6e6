"""Real situations of own data: what people have, and what becomes of it; one file per area.

Each is a test (`test_situations.py`) and one row of the table in `README.md`, which `python -m
tests.data.situations.table` writes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Situation:
    """One situation.

    Args:
        what: the file and the call, in one plain sentence without a final point.
        right: what has to happen.
        check: writes the input into a folder, makes the call, and asserts what is right.
    """

    what: str
    right: str
    check: Callable[[Path], None]
