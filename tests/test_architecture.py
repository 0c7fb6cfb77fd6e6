"""The structure of the package: rooms import downward only, without circles, and nothing is pickled."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import bispike

ROOT = Path(bispike.__file__).parent
ROOMS = [
    ("_version", "errors"),
    ("files", "seeds", "spaces"),
    ("functional",),
    ("nn",),
    ("models",),
    ("rules",),
    ("data",),
    ("tasks",),
    ("config",),
    ("runs",),
    ("training",),
    ("memory", "online"),
    ("analysis", "bench"),
    ("figures",),
    ("experiments",),
    ("studies",),
    ("report",),
    ("cli",),
]
"""Folders and files of the package from the lowest to the highest; each imports from those before its own row only."""
LEVEL = {room: level for level, row in enumerate(ROOMS) for room in row}


def room_of(module: str) -> str:
    return module.split(".")[1]


def modules() -> dict[str, Path]:
    """Every module of the package by its dotted name."""
    found = {}
    for path in ROOT.rglob("*.py"):
        parts = path.relative_to(ROOT.parent).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = modules()


def imported(name: str) -> Iterator[tuple[str, bool]]:
    """Modules of the package that a module imports, and whether it does so at once, not inside a function."""
    path = MODULES[name]
    package = name.split(".") if path.name == "__init__.py" else name.split(".")[:-1]
    tree = ast.parse(path.read_text(encoding="utf-8"))
    inner = {
        id(node)
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.level or (node.module or "").startswith("bispike")):
            base = ".".join([*package[: len(package) - node.level + 1], *([node.module] if node.module else [])])
            base = base if node.level else str(node.module)
            for alias in node.names:
                target = f"{base}.{alias.name}"
                yield (target if target in MODULES else base), id(node) not in inner
        elif isinstance(node, ast.Import):
            yield from ((alias.name, id(node) not in inner) for alias in node.names if alias.name in MODULES)


@pytest.mark.parametrize("room", sorted(LEVEL))
def test_a_room_imports_only_what_lies_below_it(room: str) -> None:
    """Imports for type checkers and imports inside functions count too."""
    for name in MODULES:
        if name.count(".") and room_of(name) == room:
            for target, _ in imported(name):
                other = room_of(target) if "." in target else "_version"
                assert other == room or LEVEL[other] < LEVEL[room], f"{name} imports {target}"


def test_every_room_has_its_place() -> None:
    assert {room_of(name) for name in MODULES if "." in name} - {"__main__"} == set(LEVEL)


def test_no_module_imports_itself_in_a_circle() -> None:
    """A package's own re-exports are left out: `from .x import y` in `__init__` is no dependency of x."""
    graph = {
        name: {t for t, _ in imported(name) if t != name and MODULES[t].name != "__init__.py"}
        for name, path in MODULES.items()
        if path.name != "__init__.py"
    }
    finished: set[str] = set()

    def visit(name: str, way: tuple[str, ...]) -> None:
        assert name not in way, " -> ".join([*way[way.index(name) :], name])
        if name in finished:
            return
        for target in sorted(graph.get(name, ())):
            visit(target, (*way, name))
        finished.add(name)

    for name in sorted(graph):
        visit(name, ())


def test_nothing_is_pickled() -> None:
    for path in ROOT.rglob("*.py"):
        source = path.read_text(encoding="utf-8")
        assert "import pickle" not in source
        assert "torch.load(" not in source
        assert "allow_pickle=True" not in source
