"""The pages of the documentation, taken apart: fenced blocks, commands, links, anchors."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
TOP = ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")
FENCE = re.compile(r"^```(\w*)\s*$")
INLINE = re.compile(r"`([^`\n]+)`")
PROGRAMS = ("bispike", "torchrun", "python", "make", "pytest", "...")
"""First words of a line of a shell; `...` repeats the command before it, with what follows added."""


def pages() -> list[Path]:
    """Every page that a reader may open, as a path in the repository."""
    found = [ROOT / name for name in TOP] + [*(ROOT / "docs").rglob("*.md"), *(ROOT / "studies").glob("*.md")]
    return sorted(found)


def name_of(page: Path) -> str:
    """The page's path in the repository, for messages and names of tests."""
    return page.relative_to(ROOT).as_posix()


@dataclass(frozen=True)
class Block:
    """A fenced block.

    Args:
        page: path of the page in the repository.
        line: number of its first line in the page.
        language: the word behind the fence; empty if there is none.
        text: without the fences.
    """

    page: str
    line: int
    language: str
    text: str


def blocks(page: Path) -> Iterator[Block]:
    """Fenced blocks of a page from top to bottom."""
    language, start = "", 0
    inside: list[str] | None = None
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), start=1):
        fence = FENCE.match(line)
        if inside is None and fence:
            language, start, inside = fence[1], number + 1, []
        elif inside is not None and line.startswith("```"):
            yield Block(name_of(page), start, language, "\n".join(inside) + "\n")
            inside = None
        elif inside is not None:
            inside.append(line)
    assert inside is None, f"{name_of(page)}: a fenced block is not closed"


def prose(page: Path) -> str:
    """The page without fenced and indented blocks; the lines keep their numbers."""
    kept, fenced = [], False
    for line in page.read_text(encoding="utf-8").splitlines():
        fence = line.startswith("```")
        kept.append("" if fenced or fence or line.startswith("    ") else line)
        fenced ^= fence
    return "\n".join(kept)


def commands(page: Path) -> Iterator[tuple[str, str]]:
    """Commands of a page, each with its place: lines of `sh` blocks, and code in the text that begins like one.

    A command `... --option` is completed by the command before it on the page.
    """
    found = [
        (block.line + offset, line)
        for block in blocks(page)
        if block.language == "sh"
        for offset, line in enumerate(block.text.splitlines())
    ]
    for number, line in enumerate(prose(page).splitlines(), start=1):
        found += [(number, code) for code in INLINE.findall(line) if is_command(code)]
    last = ""
    for number, line in sorted(found):
        whole = last + line.strip()[3:] if line.strip().startswith("... ") else line.strip()
        last = last if line.strip().startswith("... ") else whole
        if whole and not whole.startswith("#"):
            yield f"{name_of(page)}:{number}", whole


def is_command(code: str) -> bool:
    """Whether code in the text is a command with arguments, not a name."""
    words = code.split()
    return len(words) > 1 and words[0] in PROGRAMS and words[1][0] not in "=(:"


def links(page: Path) -> Iterator[tuple[str, str]]:
    """Targets of the links and pictures of a page: path (empty: the page itself) and anchor (empty: none)."""
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        if "://" not in target and not target.startswith("mailto:"):
            path, _, anchor = target.partition("#")
            yield path, anchor


def anchors(page: Path) -> set[str]:
    """Anchors of the headings of a page, as the usual hosts of repositories form them."""
    headings = re.findall(r"^#+ (.+)$", prose(page), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
