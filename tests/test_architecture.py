"""Imports point upward only: a folder may use those below it, never those above."""

import ast
from pathlib import Path

import pytest

import bispike
from bispike import rules

ROOT = Path(bispike.__file__).parent
BASE = {"errors", "spaces", "_version"}
ALLOWED = {
    "functional": set(),
    "nn": {"functional"},
    "models": {"functional", "nn"},
    "rules": {"functional", "nn", "models"},
    "data": set(),
    "tasks": {"nn", "data"},
    "training": {"functional", "nn", "models", "rules", "data", "tasks"},
    "analysis": {"functional", "nn", "models", "rules", "data"},
    "memory": {"functional", "nn", "training"},
    "online": {"functional", "nn", "models", "rules", "data", "training", "report"},
    "bench": {"functional", "nn", "models", "rules", "data", "training"},
    "report": {"functional", "nn", "models", "rules", "data", "tasks", "training", "analysis", "memory", "bench"},
}


def imported(path: Path) -> set[str]:
    """First-level names of the package that a file imports."""
    found = set()
    depth = len(path.relative_to(ROOT).parts)
    for node in ast.walk(ast.parse(path.read_text())):
        if not isinstance(node, ast.ImportFrom) or node.level != depth:
            continue
        found |= {node.module.split(".")[0]} if node.module else {alias.name for alias in node.names}
    return found


@pytest.mark.parametrize("folder", sorted(ALLOWED))
def test_a_folder_imports_only_what_lies_below_it(folder: str) -> None:
    for path in (ROOT / folder).rglob("*.py"):
        extra = imported(path) - ALLOWED[folder] - BASE
        assert not extra, f"{path.relative_to(ROOT)} imports {sorted(extra)}"


def test_no_rule_imports_another() -> None:
    names = {rule.__module__.rpartition(".")[2] for rule in rules.registry.values()}
    for path in (ROOT / "rules").glob("*.py"):
        if path.stem in names:
            modules = {n.module for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.ImportFrom)}
            assert not modules & (names - {path.stem}), path.name


def test_nothing_is_pickled() -> None:
    for path in ROOT.rglob("*.py"):
        source = path.read_text()
        assert "import pickle" not in source
        assert "torch.load(" not in source
        assert "allow_pickle=True" not in source
