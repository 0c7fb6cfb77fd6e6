"""Code of the package that a page quotes: `python -m tests.docs.quotes` writes it into the pages anew.

A comment `<!-- quote: MODULE NAME -->` stands above the fenced block with the source of that object.
"""

from __future__ import annotations

import importlib
import inspect
import re
import textwrap
from operator import attrgetter
from pathlib import Path

from tests.docs.pages import pages

QUOTE = re.compile(r"(<!-- quote: (\S+) (\S+) -->\n```python\n)(.*?)(```\n)", re.DOTALL)


def source_of(module: str, name: str) -> str:
    """Source of an object, without the indentation of its class."""
    return textwrap.dedent(inspect.getsource(attrgetter(name)(importlib.import_module(module))))


def quotes(page: Path) -> list[tuple[str, str, str]]:
    """Module, name and quoted source of each quote on a page."""
    return [(module, name, text) for _, module, name, text, _ in QUOTE.findall(page.read_text(encoding="utf-8"))]


def renewed(page: Path) -> str:
    """The page with today's source in its quotes."""
    return QUOTE.sub(lambda match: match[1] + source_of(match[2], match[3]) + match[5], page.read_text("utf-8"))


if __name__ == "__main__":
    for each in pages():
        if quotes(each):
            each.write_text(renewed(each), encoding="utf-8")
