"""The door of the package: public names are complete, visible to type checkers, and imported only when used."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import bispike

SOURCE = ast.parse(Path(bispike.__file__).read_text(encoding="utf-8"))
EVERY_NAME = """
import importlib, sys, bispike
for name in bispike.__all__:
    value = getattr(bispike, name)
    inner = getattr(value, "__all__", ())
    missing = [inside for inside in inner if not hasattr(value, inside)]
    assert not missing, (name, missing)
print(*bispike.__all__)
"""


def in_a_fresh_process(code: str) -> str:
    """Standard output of Python code in a process of its own."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def names_for_type_checkers() -> set[str]:
    """Names that a type checker sees: those of the imports of the module and of its TYPE_CHECKING block."""
    imports = [node for node in SOURCE.body if isinstance(node, ast.ImportFrom)]
    for node in SOURCE.body:
        if isinstance(node, ast.If):
            imports += [inner for inner in node.body if isinstance(inner, ast.ImportFrom)]
    names = {alias.asname or alias.name for node in imports if node.module != "__future__" for alias in node.names}
    return names - {"TYPE_CHECKING"}


def test_import_does_not_wait_for_torch() -> None:
    """Neither torch nor numpy is imported by the package alone."""
    code = "import sys, bispike; dir(bispike); print([name for name in ('torch', 'numpy') if name in sys.modules])"
    assert in_a_fresh_process(code).strip() == "[]"


def test_every_name_works_in_a_fresh_process() -> None:
    """All public names, and all that the rooms list in their `__all__`."""
    assert in_a_fresh_process(EVERY_NAME).split() == bispike.__all__


@pytest.mark.parametrize("name", ["memory", "presets", "load_run"])
def test_a_name_works_as_the_first_one(name: str) -> None:
    """No name needs another one to be imported before it."""
    assert name in in_a_fresh_process(f"import bispike; print(bispike.{name})")


def test_names_are_listed() -> None:
    assert dir(bispike) == sorted(bispike.__all__)
    assert len(set(bispike.__all__)) == len(bispike.__all__)


def test_type_checkers_see_the_same_names() -> None:
    assert names_for_type_checkers() == set(bispike.__all__)


def test_every_room_is_a_public_name() -> None:
    """A room is a folder with an `__init__`; the command line is not a library."""
    rooms = {path.parent.name for path in Path(bispike.__file__).parent.glob("*/__init__.py")}
    assert rooms - {"cli"} <= set(bispike.__all__)


def test_an_unknown_name_raises() -> None:
    with pytest.raises(AttributeError, match="no attribute 'perceive'"):
        _ = bispike.perceive  # type: ignore[attr-defined]
