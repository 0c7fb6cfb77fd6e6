"""Textual faults of C++ sources: arithmetic, comparisons and numbers, outside comments, texts and directives."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

from .operators import Fault

TOKENS = {
    r" \+ ": ("arithmetic", [" - "]),
    r" - ": ("arithmetic", [" + "]),
    r"(?<=[\w)\]]) \* (?=[\w(])": ("arithmetic", [" / "]),
    r" / ": ("arithmetic", [" * "]),
    r" \+= ": ("arithmetic", [" -= "]),
    r" -= ": ("arithmetic", [" += "]),
    r" \*= ": ("arithmetic", [" /= "]),
    r" /= ": ("arithmetic", [" *= "]),
    r" < ": ("comparison", [" <= ", " >= "]),
    r" <= ": ("comparison", [" < ", " > "]),
    r" > ": ("comparison", [" >= ", " <= "]),
    r" >= ": ("comparison", [" > ", " < "]),
    r" == ": ("comparison", [" != "]),
    r" != ": ("comparison", [" == "]),
    r" && ": ("boolean", [" || "]),
    r" \|\| ": ("boolean", [" && "]),
    r" & ": ("arithmetic", [" | "]),
    r" \| ": ("arithmetic", [" & "]),
    r" << ": ("arithmetic", [" >> "]),
    r" >> ": ("arithmetic", [" << "]),
    r"(?<![\w.])0(?![\w.])": ("constant", ["1"]),
    r"(?<![\w.])1(?![\w.])": ("constant", ["2", "0"]),
    r"(?<![\w.])1\.0f": ("constant", ["2.0f"]),
    r"(?<![\w.])0\.5f": ("constant", ["1.5f"]),
    r"(?<![\w.])0\.0f": ("constant", ["1.0f"]),
}
HIDDEN = re.compile(r"//[^\n]*|/\*.*?\*/|\"(?:\\.|[^\"\\\n])*\"|^[ \t]*(?:#|template|using)[^\n]*", re.S | re.M)
DEFINED = re.compile(r"^[A-Za-z][^;{}#=]*?\b(\w+)\((?:[^(){};]|\([^()]*\))*\)\s*(?:const\s*)?\{", re.M)


def faults(text: str) -> Iterator[tuple[str, Fault]]:
    """Every fault with the function that it lies in, in bytes."""
    shown = HIDDEN.sub(lambda found: re.sub(r"[^\n]", "\0", found[0]), text)
    functions = [(found.start(), found[1]) for found in DEFINED.finditer(shown)]
    for pattern, (operator, others) in TOKENS.items():
        for found in re.finditer(pattern, shown):
            scope = next((name for start, name in reversed(functions) if start <= found.start()), "")
            first, last = (len(text[:at].encode()) for at in found.span())
            for other in others:
                yield scope, (operator, first, last, other)


def defined(text: str) -> set[str]:
    """The names of the functions that a source defines."""
    return {found[1] for found in DEFINED.finditer(HIDDEN.sub(" ", text))}


def compiles(path: Path) -> bool:
    """Whether all sources in the folder of a file compile; a header is tried through them."""
    sources = [path] if path.suffix == ".cpp" else sorted(path.parent.glob("*.cpp"))
    command = ["c++", "-std=c++17", "-march=native", "-fsyntax-only", *map(str, sources)]
    return subprocess.run(command, check=False, capture_output=True, timeout=120).returncode == 0
