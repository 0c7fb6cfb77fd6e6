"""The faults that one node of a Python syntax tree allows: what is replaced in the source, and by what.

A fault is `(operator, first, last, replacement)` with byte offsets into the source. No node is judged by what it
means, so some faults change nothing that a caller could see; `equivalent.toml` lists those.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from typing import Any

Fault = tuple[str, int, int, str]

ARITHMETIC = {
    ast.Add: ("+", ["-"]),
    ast.Sub: ("-", ["+"]),
    ast.Mult: ("*", ["/"]),
    ast.Div: ("/", ["*"]),
    ast.FloorDiv: ("//", ["*"]),
    ast.Mod: ("%", ["*"]),
    ast.Pow: ("**", ["*"]),
    ast.LShift: ("<<", [">>"]),
    ast.RShift: (">>", ["<<"]),
    ast.BitAnd: ("&", ["|"]),
    ast.BitOr: ("|", ["&"]),
}
COMPARISON = {
    ast.Lt: ("<", ["<=", ">="]),
    ast.LtE: ("<=", ["<", ">"]),
    ast.Gt: (">", [">=", "<="]),
    ast.GtE: (">=", [">", "<"]),
    ast.Eq: ("==", ["!="]),
    ast.NotEq: ("!=", ["=="]),
    ast.Is: (r"is", ["is not"]),
    ast.IsNot: (r"is\s+not", ["is"]),
    ast.In: (r"in", ["not in"]),
    ast.NotIn: (r"not\s+in", ["in"]),
}
DROPPED_CALLS = {"detach", "clone"}


def _both_ways(*pairs: str) -> dict[str, str]:
    split = [(pair.split()[0], pair.split()[1]) for pair in pairs]
    return dict(split) | {b: a for a, b in split}


BUILTINS = _both_ways("min max", "any all")
METHODS = (
    _both_ways("min max", "amin amax", "argmin argmax", "minimum maximum", "clamp_min clamp_max", "sum mean")
    | _both_ways("any all", "zeros ones", "zeros_like ones_like", "floor ceil", "add sub", "mul div")
    | _both_ways("add_ sub_", "clamp_min_ clamp_max_")
    | {"mul_": "add_", "div_": "mul_", "zero_": "detach_", "addcmul_": "addcdiv_"}
)


class Source:
    """The text of a file as bytes, since the columns of the syntax tree count bytes."""

    def __init__(self, text: str) -> None:
        self.bytes = text.encode()
        self.starts = [0]
        for line in self.bytes.splitlines(keepends=True):
            self.starts.append(self.starts[-1] + len(line))

    def first(self, node: ast.AST) -> int:
        return self.starts[node.lineno - 1] + node.col_offset  # type: ignore[attr-defined]

    def last(self, node: ast.AST) -> int:
        return self.starts[node.end_lineno - 1] + node.end_col_offset  # type: ignore[attr-defined]

    def between(self, left: int, right: int, pattern: str) -> tuple[int, int] | None:
        """Where a token lies between two nodes; comments there are not searched."""
        gap = re.sub(rb"#[^\n]*", lambda found: b" " * len(found[0]), self.bytes[left:right])
        found = re.search(pattern.encode(), gap)
        return found and (left + found.start(), left + found.end())


def faults(node: ast.AST, source: Source) -> Iterator[Fault]:
    """Every fault of this node alone; its children are asked for theirs."""
    find = HANDLERS.get(type(node))
    if find:
        yield from find(node, source)


def _binary(node: ast.BinOp, source: Source) -> Iterator[Fault]:
    token, others = ARITHMETIC.get(type(node.op), ("", []))
    if not token or _is_text(node.left) or _is_text(node.right):
        return
    at = source.between(source.last(node.left), source.first(node.right), re.escape(token))
    for other in others:
        if at:
            yield "arithmetic", *at, other


def _augmented(node: ast.AugAssign, source: Source) -> Iterator[Fault]:
    yield from _deleted(node, source)
    token, others = ARITHMETIC.get(type(node.op), ("", []))
    at = source.between(source.last(node.target), source.first(node.value), re.escape(token) + "=") if token else None
    for other in others:
        if at:
            yield "arithmetic", *at, other + "="


def _compared(node: ast.Compare, source: Source) -> Iterator[Fault]:
    for left, kind, right in zip([node.left, *node.comparators], node.ops, node.comparators, strict=False):
        token, others = COMPARISON[type(kind)]
        at = source.between(source.last(left), source.first(right), token)
        for other in others:
            if at:
                yield "comparison", *at, other


def _boolean(node: ast.BoolOp, source: Source) -> Iterator[Fault]:
    token, other = ("and", "or") if isinstance(node.op, ast.And) else ("or", "and")
    for left, right in zip(node.values, node.values[1:], strict=False):
        at = source.between(source.last(left), source.first(right), rf"\b{token}\b")
        if at:
            yield "boolean", *at, other


def _unary(node: ast.UnaryOp, source: Source) -> Iterator[Fault]:
    if isinstance(node.op, ast.Not):
        yield "not", source.first(node), source.first(node.operand), ""
    elif isinstance(node.op, ast.USub):
        yield "sign", source.first(node), source.first(node.operand), ""


def _constant(node: ast.Constant, source: Source) -> Iterator[Fault]:
    value, span = node.value, (source.first(node), source.last(node))
    if isinstance(value, bool):
        yield "constant", *span, str(not value)
    elif isinstance(value, int | float):
        yield "constant", *span, repr(value + 1)
        if value:
            yield "sign", *span, f"-{source.bytes[span[0] : span[1]].decode()}"


def _called(node: ast.Call, source: Source) -> Iterator[Fault]:
    function, given = node.func, [*node.args, *node.keywords]
    if isinstance(function, ast.Attribute):
        at = source.last(function) - len(function.attr.encode()), source.last(function)
        if function.attr in DROPPED_CALLS and not given:
            yield f"drop {function.attr}", source.last(function.value), source.last(node), ""
        elif function.attr in METHODS:
            yield "name", *at, METHODS[function.attr]
    elif isinstance(function, ast.Name) and function.id in BUILTINS:
        yield "name", source.first(function), source.last(function), BUILTINS[function.id]
    for keyword in node.keywords:
        if keyword.arg is not None:
            yield from _dropped(keyword, node, source)


def _dropped(keyword: ast.keyword, call: ast.Call, source: Source) -> Iterator[Fault]:
    """Without a keyword the default holds; the comma before it goes too, or the one behind if it comes first."""
    first, last = source.first(keyword), source.last(keyword)
    opening = source.last(call.func)
    before = source.bytes[opening:first].rstrip()
    if before.endswith(b","):
        first = opening + len(before) - 1
    elif behind := re.match(rb"[ ]*,[ ]*", source.bytes[last:]):
        last += behind.end()
    yield "keyword", first, last, ""


def _deleted(node: ast.stmt, source: Source) -> Iterator[Fault]:
    yield "statement", source.first(node), source.last(node), "pass"


def _expression(node: ast.Expr, source: Source) -> Iterator[Fault]:
    if isinstance(node.value, ast.Call):
        yield from _deleted(node, source)


def _assigned(node: ast.Assign, source: Source) -> Iterator[Fault]:
    if any(isinstance(target, ast.Attribute) and target.attr == "grad" for target in node.targets):
        yield from _deleted(node, source)


def _returned(node: ast.Return, source: Source) -> Iterator[Fault]:
    if node.value is None or (isinstance(node.value, ast.Constant) and node.value.value is None):
        yield "return", source.first(node), source.last(node), "pass"


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str | bytes))


HANDLERS: dict[type[ast.AST], Callable[[Any, Source], Iterator[Fault]]] = {
    ast.BinOp: _binary,
    ast.AugAssign: _augmented,
    ast.Compare: _compared,
    ast.BoolOp: _boolean,
    ast.UnaryOp: _unary,
    ast.Constant: _constant,
    ast.Call: _called,
    ast.Expr: _expression,
    ast.Assign: _assigned,
    ast.Return: _returned,
    ast.Raise: _deleted,
}
