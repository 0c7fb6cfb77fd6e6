"""Each promise of docs/promises.md names tests that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
ROWS = [
    line
    for line in (TESTS.parent / "docs" / "promises.md").read_text().splitlines()
    if line.startswith("| ") and not line.startswith("| what happens")
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.split("|")[1].strip()[:60])
def test_a_promise_has_a_test(row: str) -> None:
    named = re.findall(r"`([\w/]+\.py)::(\w+)`", row.split("|")[3])
    assert named
    for path, name in named:
        assert re.search(rf"^( {{4}})?def {name}\(", (TESTS / path).read_text(), flags=re.MULTILINE), name
