"""Code that a page quotes is the code of the package."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs.pages import name_of, pages
from tests.docs.quotes import quotes, renewed, source_of

QUOTED = [(name_of(page), *quote) for page in pages() for quote in quotes(page)]


@pytest.mark.parametrize(("page", "module", "name", "text"), QUOTED, ids=[f"{q[0]}:{q[2]}" for q in QUOTED])
def test_a_quote_is_the_source(page: str, module: str, name: str, text: str) -> None:
    assert text == source_of(module, name), f"{page}: run python -m tests.docs.quotes"


def test_the_page_on_bsd_quotes_its_step() -> None:
    quoted = {name for page, _, name, _ in QUOTED if page == "docs/reading-bsd.md"}
    assert {"BSD.learn_from_pass", "TwoPathwayRule.align"} <= quoted


def test_a_quote_is_renewed(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# A\n\n<!-- quote: tests.docs.quotes quotes -->\n```python\nold\n```\nEnd.\n", encoding="utf-8")
    assert quotes(page) == [("tests.docs.quotes", "quotes", "old\n")]
    page.write_text(renewed(page), encoding="utf-8")
    assert quotes(page) == [("tests.docs.quotes", "quotes", source_of("tests.docs.quotes", "quotes"))]
    assert page.read_text(encoding="utf-8").endswith("```\nEnd.\n")
