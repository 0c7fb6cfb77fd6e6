"""The picture of the architecture shows the rooms that exist, in the order of their imports."""

from __future__ import annotations

import runpy
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

import bispike
from tests.docs.pages import ROOT
from tests.test_architecture import LEVEL


@pytest.fixture(scope="module")
def script() -> dict[str, Any]:
    """Names of the script that draws the picture."""
    return runpy.run_path(str(ROOT / "docs" / "images" / "architecture.py"))


def rooms(script: dict[str, Any]) -> list[list[str]]:
    """Rows of the picture from the top to the bottom."""
    return [name.split(" · ") for name, _ in script["ROOMS"]]


def test_every_room_is_shown_once(script: dict[str, Any]) -> None:
    folders = sorted(path.parent.name for path in Path(bispike.__file__).parent.glob("*/__init__.py"))
    assert sorted(room for row in rooms(script) for room in row) == folders


def test_rows_follow_the_order_of_imports(script: dict[str, Any]) -> None:
    """Whatever stands in a row is above whatever stands in the next one."""
    levels = [[LEVEL[room] for room in row] for row in rooms(script)]
    assert all(min(above) > max(below) for above, below in pairwise(levels))


def test_the_script_draws_the_picture(script: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "architecture.svg"
    script["main"](path)
    drawn = path.read_text(encoding="utf-8")
    committed = (ROOT / "docs" / "images" / "architecture.svg").read_text(encoding="utf-8")
    assert drawn.startswith("<?xml")
    assert drawn.count("<path") == committed.count("<path")
