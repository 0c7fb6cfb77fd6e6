"""Links, pictures and paths of the documentation lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.pages import INLINE, ROOT, anchors, links, name_of, pages, prose

PACKAGE = ROOT / "src" / "bispike"
CODE_PATH = re.compile(r"(?:[\w.]+/)+(?:[\w-]+\.(?:py|md|toml|cpp|json|jsonl))?")
NOT_IN_THE_REPOSITORY = ("runs/", "photos/", "DIR/", "elsewhere/")
"""Beginnings of paths that a user's commands make."""

PAGES = {name_of(page): page for page in pages()}


@pytest.mark.parametrize("name", PAGES)
def test_links_lead_to_files_and_anchors(name: str) -> None:
    page = PAGES[name]
    for path, anchor in links(page):
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{name}: {path} does not exist"
        if anchor:
            assert anchor in anchors(target), f"{name}: {name_of(target)} has no heading for #{anchor}"


@pytest.mark.parametrize("name", PAGES)
def test_paths_in_the_text_exist(name: str) -> None:
    """Code such as `nn/layer.py` or `rules/bsd/` names a file of the repository or of the package."""
    for code in INLINE.findall(prose(PAGES[name])):
        if CODE_PATH.fullmatch(code) and not code.startswith(NOT_IN_THE_REPOSITORY):
            places = [ROOT / code, PACKAGE / code, PAGES[name].parent / code]
            assert any(place.exists() for place in places), f"{name}: no file or folder {code}"


def test_every_page_is_reached_from_the_readme() -> None:
    seen, waiting = set(), [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in seen:
            continue
        seen.add(page)
        targets = [(page.parent / path).resolve() for path, _ in links(page) if path]
        waiting += [target for target in targets if target.suffix == ".md"]
    assert {name_of(page) for page in seen} == set(PAGES)


def test_every_picture_is_used() -> None:
    """A picture that no page shows would be left behind by a change."""
    shown = {(page.parent / path).resolve() for page in PAGES.values() for path, _ in links(page)}
    pictures = {path for path in (ROOT / "docs" / "images").iterdir() if path.suffix in (".png", ".svg")}
    assert {path.name for path in pictures} == {path.name for path in pictures & shown}


def test_anchors_follow_the_usual_hosts(tmp_path: Path) -> None:
    """Lower case, no punctuation, hyphens for spaces: documented by the hosts of repositories."""
    page = tmp_path / "page.md"
    page.write_text("# Rules side by side: `bispike compare`\n\n## 3. Alignment (`a/b.py`)\n", encoding="utf-8")
    assert anchors(page) == {"rules-side-by-side-bispike-compare", "3-alignment-abpy"}
