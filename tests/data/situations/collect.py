"""All situations, by area: each module of this folder that has a list `SITUATIONS`."""

from __future__ import annotations

import importlib
from pathlib import Path

from . import Situation

_OTHERS = {"__init__", "collect", "table", "test_situations"}


def areas() -> dict[str, list[Situation]]:
    """The situations of each area, by the name of its module."""
    names = sorted(path.stem for path in Path(__file__).parent.glob("*.py") if path.stem not in _OTHERS)
    found = {name: importlib.import_module(f"{__package__}.{name}") for name in names}
    return {name: list(module.SITUATIONS) for name, module in found.items() if hasattr(module, "SITUATIONS")}
