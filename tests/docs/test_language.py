"""Pages are written in the words of the glossary, and their first lines are about something."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.pages import name_of, pages, prose

FORMER_WORDS = re.compile(
    r"\b(stages?|sweeps?|foretells?|foretold|foretelling|leak|came down|comes down|hears?|whoever)\b"
    r"|\b(row|image|line|file|folder) a (class|rule|run|layer)\b"
)
"""Names that the library had, and phrases without their noun; only the changelog has to name them."""
PAGES = {name_of(page): page for page in pages()}


@pytest.mark.parametrize("name", [name for name in PAGES if name != "CHANGELOG.md"])
def test_pages_use_the_words_of_the_glossary(name: str) -> None:
    found = [
        f"line {number}: {match[0]}"
        for number, line in enumerate(prose(PAGES[name]).splitlines(), start=1)
        for match in FORMER_WORDS.finditer(re.sub(r"`[^`]*`", "", line).lower())
    ]
    assert not found, f"{name}: {', '.join(found)}"


@pytest.mark.parametrize("name", PAGES)
def test_a_page_begins_with_a_title_and_a_sentence(name: str) -> None:
    title, empty, first = PAGES[name].read_text(encoding="utf-8").splitlines()[:3]
    assert title.startswith("# ")
    assert not empty
    assert re.match(r"[A-Z*]", first), f"{name}: expected a sentence about the page, received {first!r}"


@pytest.mark.parametrize("name", PAGES)
def test_pages_name_no_machine(name: str) -> None:
    """A path of the computer on which something was written helps nobody else."""
    assert not re.search(r"(?<![\w.])/(?:home|root|tmp|mnt|Users)/", PAGES[name].read_text(encoding="utf-8"))


def test_a_former_word_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# Title\n\nA Recurrent Stage hears itself.\n", encoding="utf-8")
    assert [match[0] for match in FORMER_WORDS.finditer(prose(page).lower())] == ["stage", "hears"]
