"""Chooses the tests of a fault: those that run the changed line, the nearest and fastest first.

The map is made once, one test file at a time, and kept; a file is mapped again when it or the package has changed.
"""

from __future__ import annotations

import ast
import functools
import hashlib
import json
import re
import shutil
import sys
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import forks, native, plugin
from .mutants import Mutant, walk

INNER = re.compile(r"(\.<locals>)?\.?<(lambda|listcomp|setcomp|dictcomp|genexpr)>")


@dataclass(frozen=True)
class Selection:
    """Tests in the order to run, their seconds unchanged; `is_complete` unless the time for them was too short."""

    tests: tuple[str, ...]
    seconds: float
    is_complete: bool
    is_reached: bool  # whether a test runs the function at all


def test_files(repository: Path, folders: list[str]) -> list[str]:
    """The test files of the mirrored folders; of all folders for `all`."""
    found = set()
    for folder in folders:
        base = repository / "tests" / ("" if folder == "all" else folder)
        while not base.exists():  # a folder of the package may have no folder of tests of its own
            base = base.parent
        found |= {str(path.relative_to(repository)) for path in base.rglob("test_*.py")}
    return sorted(file for file in found if not file.startswith("tests/mutation/"))


def make_map(copy: forks.Copy, files: list[str], kept: Path, cache: Path) -> dict[str, dict[str, Any]]:
    """The map of the files, from `kept` where it still holds; the caches that the tests fill are kept too."""
    stored = json.loads(kept.read_text()) if kept.exists() else {}
    sources = [path for path in sorted((copy.root / copy.package).rglob("*")) if path.suffix in (".py", ".cpp", ".h")]
    helpers = sorted(path for path in (copy.root / "tests").rglob("*.py") if not path.name.startswith("test_"))
    whole = _content([*sources, *helpers])
    for number, file in enumerate(files, start=1):
        key = whole + _content([copy.root / file])
        if stored.get(file, {}).get("key") == key:
            continue
        print(f"\rmapping {number}/{len(files)} {file:<70.70}", end="", file=sys.stderr, flush=True)
        copy.refresh(cache)
        result = forks.wait(forks.start(copy, functools.partial(plugin.map_file, file=file), 600))
        if "touched" not in result:
            raise RuntimeError(f"{file} could not be mapped: {result}\n{(copy.root / '.output').read_text()[-3000:]}")
        shutil.copytree(copy.root / ".cache", cache, dirs_exist_ok=True)
        stored[file] = {**result, "key": key}
        kept.write_text(json.dumps(stored))
    return {file: stored[file] for file in files}


def _content(paths: list[Path]) -> str:
    mixed = hashlib.sha256()
    for path in paths:
        mixed.update(path.name.encode() + path.read_bytes())
    return mixed.hexdigest()[:16]


class Selector:
    """Answers for each fault from one map."""

    def __init__(self, mapped: dict[str, dict[str, Any]], package: Path, budget: float) -> None:
        self.package, self.budget = package, budget
        self.seconds: dict[str, float] = {}
        self.touched: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
        self.loaded: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
        self.dropped: dict[str, str] = {}
        for entry in mapped.values():
            self.dropped |= entry["dropped"]
            tests = {test: value for test, value in entry["durations"].items() if test not in entry["dropped"]}
            self.seconds |= tests
            for path, functions in entry["touched"].items():
                for function, numbers in functions.items():
                    names = {entry["names"][number] for number in numbers}
                    self.touched[path][INNER.sub("", function)] |= tests.keys() & names
                if "<module>" in functions:  # imported by the first test that needs it, then there for the others
                    self.loaded[path]["<module>"] |= tests.keys()
            for path, functions in entry["whole"].items():
                for function in functions:
                    self.loaded[path][INNER.sub("", function)] |= tests.keys()

    def choose(self, mutant: Mutant) -> Selection:
        """The nearest tests come first: those named like the file, then those of its folder, each by time."""
        direct, wider = self._native(mutant) if not mutant.path.endswith(".py") else self._python(mutant)
        found = direct | wider
        is_reached = bool(found)
        found = found or {test for test in self.seconds if self._distance(test, mutant) < 2}
        by = {test: (self._distance(test, mutant), test not in direct, self.seconds[test], test) for test in found}
        chosen: list[str] = []
        total = 0.0
        for test in sorted(found, key=by.__getitem__):
            if total + self.seconds[test] <= self.budget or not chosen:
                chosen.append(test)
                total += self.seconds[test]
        return Selection(tuple(chosen), total, len(chosen) == len(found), is_reached)

    def _python(self, mutant: Mutant) -> tuple[set[str], set[str]]:
        """Those that run the line, and those that do so while they are loaded; for a line without code, the function.

        Outside functions: those that run anything of the class or file, and those that import the file.
        """
        functions, loaded = self.touched.get(mutant.path, {}), self.loaded.get(mutant.path, {})
        around, _, last = mutant.scope.rpartition(".")
        if last not in ("<module>", "<body>"):
            line = f":{mutant.line}"
            name = line if line in functions or line in loaded else mutant.scope
            return functions.get(name, set()), loaded.get(name, set())
        inside = [tests for name, tests in functions.items() if name.startswith(around)]
        return set().union(*inside), loaded.get("<module>", set())

    def _native(self, mutant: Mutant) -> tuple[set[str], set[str]]:
        """Those that run a Python function which names the kernel; for a helper, any kernel of the file or folder."""
        file = self.package / mutant.path
        sources = [file] if file.suffix == ".cpp" else sorted(file.parent.glob("*.cpp"))
        names = {name for source in sources for name in native.defined(source.read_text())}
        names |= {mutant.scope} - {""}
        callers = self._callers(names)
        chosen = callers.get(mutant.scope) or [caller for found in callers.values() for caller in found]
        return set().union(*(self.touched[path][scope] for path, scope in chosen)), set()

    def _callers(self, names: set[str]) -> dict[str, list[tuple[str, str]]]:
        """By kernel: the functions of the package that ask the library for it."""
        found: dict[str, list[tuple[str, str]]] = defaultdict(list)
        for path, functions in list(self.touched.items()):
            file = self.package / path
            if file.suffix != ".py" or not file.exists():
                continue
            text = file.read_text()
            for name in names:
                if f".{name}" in text:
                    found[name] += [(path, scope) for scope in _functions_with(text, name) & functions.keys()]
        return found

    def _distance(self, test: str, mutant: Mutant) -> int:
        file, path = Path(test.partition("::")[0]), Path(mutant.path)
        folder = Path("tests") / mutant.folder
        if not file.is_relative_to(folder):
            return 2
        return 0 if file.stem == f"test_{path.stem}" or file.parent.name == path.stem else 1


def _functions_with(text: str, name: str) -> set[str]:
    """The scopes in which a kernel is asked for: `kernels().name`, or `lib.name` of a library that was asked for."""
    nodes = walk(ast.parse(text), lambda node: False)
    return {
        scope
        for scope, node in nodes
        if isinstance(node, ast.Attribute) and node.attr == name and _is_library(node.value)
    }


def _is_library(node: ast.AST) -> bool:
    if isinstance(node, ast.Call):
        return isinstance(node.func, ast.Name) and node.func.id == "kernels"
    return isinstance(node, ast.Name) and node.id == "lib"
