"""HTML from nested calls."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bispike.report.html import escape, join, table, tag

FILLERS = "\u115f\u1160\u2800\u3164\uffa0"  # letters that leave no trace: they are shown by their codes


class Reader(HTMLParser):
    """Collects tags and text."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


@given(st.text(alphabet=st.characters(categories=["L", "N", "P", "S", "Zs"], exclude_characters=FILLERS)))
def test_text_is_read_back_as_it_was_and_never_becomes_a_tag(text: str) -> None:
    reader = Reader()
    reader.feed(tag("p", text, title=text))
    reader.close()
    assert reader.tags == ["p"]
    assert reader.text == text


def test_what_is_html_already_is_not_escaped_again() -> None:
    assert tag("p", "a < b", tag("b", "&")) == "<p>a &lt; b<b>&amp;</b></p>"
    assert escape(escape("<")) == "&lt;"
    assert join(["<", None, tag("br")]) == "&lt;<br>"


def test_attributes_are_named_as_in_html_and_left_out_when_unset() -> None:
    made = tag("div", class_="wide", id=None, aria_label='"x"')
    assert made == '<div class="wide" aria-label="&quot;x&quot;"></div>'


@pytest.mark.parametrize(
    ("character", "code"), [("\x00", r"\x00"), ("\x1b", r"\x1b"), ("\ud800", r"\ud800"), ("\u202e", r"\u202e")]
)
def test_characters_that_html_has_no_place_for_are_shown_by_their_codes(character: str, code: str) -> None:
    assert escape(f"a{character}b") == f"a{code}b"


def test_numeric_columns_are_aligned_to_the_right() -> None:
    made = table(["name", "value"], [["a", 1]], numeric=[1])
    assert "<td>a</td>" in made
    assert '<td class="n">1</td>' in made
    assert '<th class="n">value</th>' in made
