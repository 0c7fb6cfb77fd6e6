"""Generates the faults of a folder: each changes one line of one file, and the file still compiles.

Left out: docstrings, annotations, imports, decorators, texts (also within f-strings), what an error says, logging,
`__all__` and blocks for the type checker. A sample takes the same share of every folder and one fault of a line.
"""

from __future__ import annotations

import ast
import random
import tomllib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from . import native
from .operators import Fault, Source, faults

LOGGERS = {"logging", "logger", "log", "warnings"}
SKIPPED = (ast.Import, ast.ImportFrom, ast.JoinedStr, ast.Global, ast.Nonlocal)
EQUIVALENT = Path(__file__).with_name("equivalent.toml")


@dataclass(frozen=True)
class Mutant:
    """One fault: `original` is the whole line as it stands, `mutated` what takes its place, `line` counts from 1."""

    folder: str
    path: str
    line: int
    operator: str
    scope: str  # the function as tracebacks name it ("Class.method"); or "<module>", or "Class.<body>"
    original: str
    mutated: str

    @property
    def key(self) -> tuple[str, int, str, str]:
        return self.path, self.line, self.original, self.mutated

    def apply(self, text: str) -> str:
        lines = text.splitlines(keepends=True)
        assert lines[self.line - 1].rstrip("\r\n") == self.original, f"{self.path} has changed"
        lines[self.line - 1] = lines[self.line - 1].replace(self.original, self.mutated)
        return "".join(lines)


def in_folder(package: Path, folder: str) -> list[Mutant]:
    """All mutants of the sources below a folder of the package."""
    files = sorted(path for path in (package / folder).rglob("*") if path.suffix in (".py", ".cpp", ".h"))
    return [mutant for path in files for mutant in of_text(path.read_text(), str(path.relative_to(package)), folder)]


def of_text(text: str, path: str, folder: str = "") -> list[Mutant]:
    """All mutants of a source text; the end of `path` tells its language."""
    source = Source(text)
    if path.endswith(".py"):
        found: Iterable[tuple[str, Fault]] = _python(text, source)
    else:
        found = native.faults(text)
    made: dict[tuple[str, int, str, str], Mutant] = {}
    for scope, (operator, first, last, replacement) in found:
        number = next(n for n, start in enumerate(source.starts) if start > first)
        begin, end = source.starts[number - 1], source.starts[number]
        if last > end:
            continue
        original = source.bytes[begin:end].decode().rstrip("\r\n")
        mutated = (source.bytes[begin:first] + replacement.encode() + source.bytes[last:end]).decode().rstrip("\r\n")
        mutant = Mutant(folder, path, number, operator, scope, original, mutated)
        if mutated != original and (not path.endswith(".py") or _compiles(mutant.apply(text))):
            made.setdefault(mutant.key, mutant)
    return list(made.values())


def sample(groups: dict[str, list[Mutant]], size: int, seed: int) -> list[Mutant]:
    """The same number from every group while it has lines; one mutant of a line at most, each operator as likely."""
    draw = random.Random(seed)
    queues = []
    for mutants in groups.values():
        lines: dict[tuple[str, int], dict[str, list[Mutant]]] = {}
        for mutant in mutants:
            lines.setdefault((mutant.path, mutant.line), {}).setdefault(mutant.operator, []).append(mutant)
        chosen = [draw.choice(draw.choice(list(operators.values()))) for operators in lines.values()]
        draw.shuffle(chosen)
        queues.append(chosen)
    rounds = (queue[n] for n in range(max(map(len, queues), default=0)) for queue in queues if n < len(queue))
    return [mutant for mutant, _ in zip(rounds, range(size), strict=False)]


def equivalent(listed: Path = EQUIVALENT) -> dict[tuple[str, str, str], str]:
    """The faults known to change nothing: (path, line, mutated line), both without indentation, and the reason."""
    entries = tomllib.loads(listed.read_text()).get("equivalent", []) if listed.exists() else []
    return {(entry["path"], entry["original"].strip(), entry["mutated"].strip()): entry["reason"] for entry in entries}


def walk(node: ast.AST, skip: Callable[[ast.AST], bool], scope: str = "<module>") -> Iterator[tuple[str, ast.AST]]:
    """Every node with its scope, without what is skipped, annotations and decorators."""
    if skip(node):
        return
    yield scope, node
    if isinstance(node, ast.Raise):  # it may be deleted; what the error says is no fault of the program
        return
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        around = {"<module>": "", "<body>": scope.removesuffix("<body>")}.get(scope.rpartition(".")[2])
        scope = (f"{scope}.<locals>." if around is None else around) + node.name
        scope += ".<body>" if isinstance(node, ast.ClassDef) else ""
    for name, value in ast.iter_fields(node):
        if name not in ("annotation", "returns", "decorator_list"):
            for child in value if isinstance(value, list) else [value]:
                if isinstance(child, ast.AST):
                    yield from walk(child, skip, scope)


def _python(text: str, source: Source) -> Iterator[tuple[str, Fault]]:
    for scope, node in walk(ast.parse(text), _skipped):
        for fault in faults(node, source):
            yield scope, fault


def _skipped(node: ast.AST) -> bool:
    if isinstance(node, SKIPPED):
        return True
    if isinstance(node, ast.Expr):
        return not isinstance(node.value, ast.Call) or _is_message(node.value)
    if isinstance(node, ast.Call):
        return _is_message(node)
    if isinstance(node, ast.Assign):
        names = [target.id for target in node.targets if isinstance(target, ast.Name)]
        return "__all__" in names or _is_union(node.value)
    return isinstance(node, ast.If) and _root(node.test) in ("TYPE_CHECKING", "__name__")


def _is_message(call: ast.Call) -> bool:
    """What makes an error, warns or logs."""
    name = call.func.attr if isinstance(call.func, ast.Attribute) else _root(call.func)
    return name.endswith(("Error", "Warning")) or _root(call.func) in LOGGERS


def _is_union(value: ast.AST) -> bool:
    """Whether it reads as a type: `Tensor | None`."""
    names = [value.left, value.right] if isinstance(value, ast.BinOp) and isinstance(value.op, ast.BitOr) else []
    return any(_root(name)[:1].isupper() or getattr(name, "value", name) is None for name in names)


def _root(node: ast.AST) -> str:
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Compare):
        node = node.left if isinstance(node, ast.Compare) else node.value
    return node.id if isinstance(node, ast.Name) else ""


def _compiles(text: str) -> bool:
    try:
        compile(text, "mutant", "exec", dont_inherit=True)
    except (SyntaxError, ValueError):
        return False
    return True
