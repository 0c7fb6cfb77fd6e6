"""Every situation ends as its row says, and the page lists them all."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from . import Situation
from .collect import areas
from .table import PAGE, text

ALL = [pytest.param(one, id=f"{area}: {one.what}"[:120]) for area, found in areas().items() for one in found]


@pytest.mark.parametrize("situation", ALL)
def test_situation(situation: Situation, tmp_path: Path) -> None:
    situation.check(tmp_path)


def test_each_situation_is_another() -> None:
    twice = [what for what, n in Counter(one.what for found in areas().values() for one in found).items() if n > 1]
    assert not twice


def test_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == text(), "run python -m tests.data.situations.table"
