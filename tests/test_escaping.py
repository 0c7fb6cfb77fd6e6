"""Text of strangers at the borders: whatever a name holds, no border lets it act."""

from __future__ import annotations

import csv
import html
import io
import re
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bispike import escaping
from bispike.errors import BispikeError, ConfigurationError, DataError, UnknownNameError

from .hostile import HOSTILE, acting, names


@given(names)
@example("".join(HOSTILE))
def test_printable_text_holds_no_character_that_acts(text: str) -> None:
    shown = escaping.printable(text)
    assert acting(shown) == set()
    shown.encode("utf-8")  # not possible with half a surrogate pair
    assert escaping.printable(shown) == shown


@given(st.text(st.characters(categories=["L", "N", "P", "S"])))
def test_visible_text_stays_as_it_is(text: str) -> None:
    hidden = "\u115f\u1160\u3164\uffa0\u2800"
    assert escaping.printable("".join(c for c in text if c not in hidden)) == "".join(
        c for c in text if c not in hidden
    )


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[2J", r"\x1b[2J"),
        ("a\nb\r\tc", r"a\nb\r\tc"),
        ("\x9b\x7f", r"\x9b\x7f"),
        ("\u202e\u200b", r"\u202e\u200b"),
        ("\udcff", r"\udcff"),
        ("\U000e0041", r"\U000e0041"),
        ("é 数\u00a0字", "é 数\u00a0字"),
        (0.5, "0.5"),
    ],
)
def test_characters_that_act_are_shown_by_their_codes(text: object, shown: str) -> None:
    assert escaping.printable(text) == shown


def test_characters_to_be_kept_stay() -> None:
    assert escaping.printable("a\n\x1bb\t", keep="\n") == "a\n\\x1bb\\t"


def test_a_message_keeps_the_lines_of_its_lists_and_no_other() -> None:
    assert escaping.printable_message("wrong:\n  - a\nerror: fake\n  - b") == "wrong:\n  - a\\nerror: fake\n  - b"


def test_a_message_is_no_longer_than_anybody_reads() -> None:
    error = BispikeError(f"{'x' * 10_000_000}: no such file")
    assert len(str(error)) == escaping.LONGEST
    assert str(error).endswith("x: no such file")


def test_a_suggestion_for_a_name_of_a_whole_file_takes_no_time() -> None:
    started = time.perf_counter()
    error = UnknownNameError("rule", "bsd" * 1_000_000, ["bsd", "bptt"] * 20)
    assert time.perf_counter() - started < 1
    assert len(str(error)) < 500


@given(names, st.integers(3, 40))
def test_a_long_text_keeps_its_beginning_and_its_end(text: str, limit: int) -> None:
    short = escaping.shortened(text, limit)
    assert len(short) <= limit
    assert short == text if len(text) <= limit else re.fullmatch(r"(.+)…(.*)", short, re.S) is not None
    if len(text) > limit:
        start, end = short.split("…")[0], short.rsplit("…")[-1]
        assert text.startswith(start)
        assert text.endswith(end)


@given(names)
def test_html_is_read_back_as_text(text: str) -> None:
    made = escaping.for_html(text)
    assert acting(made) == set()
    assert not re.search(r"[<>\"']", made)
    assert html.unescape(made) == escaping.printable(text)
    assert acting(escaping.for_html(text, keep="\n\t"), "\n\t") == set()


@given(names)
def test_markdown_has_no_tag_link_or_cell_of_a_name(text: str) -> None:
    made = escaping.for_markdown(text)
    assert acting(made) == set()
    assert not re.search(r"[<>]", made)
    bare = re.sub(r"\\[|\\`*\[\]~$_]", "", made)  # an escaped character is itself
    assert not re.search(r"[|\\`*\[\]~$]", bare)
    assert html.unescape(re.sub(r"\\([|\\`*\[\]~$_])", r"\1", made)) == html.unescape(escaping.printable(text))


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("a_b _c_", r"a_b \_c\_"),
        ("<b> & |", r"&lt;b&gt; &amp; \|"),
        ("![x](http://y)", r"!\[x\](http://y)"),
        ("`a` *b* ~c~ $d$", r"\`a\` \*b\* \~c\~ \$d\$"),
        ("a\nb", r"a\\nb"),
    ],
)
def test_what_markdown_acts_on_is_escaped(text: str, made: str) -> None:
    assert escaping.for_markdown(text) == made


def test_a_row_of_markdown_has_as_many_cells_as_it_was_given() -> None:
    row = escaping.markdown_row(["a|b", "\\", 3])
    assert row == "| a\\|b | \\\\ | 3 |"
    assert len(re.split(r"(?<!\\)(?:\\\\)*\|", row)) == 3 + 2


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("a_b & 50% #1 $x {y}", "a\\_b \\& 50\\% \\#1 \\$x \\{y\\}"),
        ("\\~^", "\\textbackslash{}\\textasciitilde{}\\textasciicircum{}"),
        ("± <·>", "$\\pm$ \\textless{}$\\cdot$\\textgreater{}"),
        ("a\nb\x1b", "a\\textbackslash{}nb\\textbackslash{}x1b"),
    ],
)
def test_latex_acts_on_no_character_of_a_name(text: str, made: str) -> None:
    assert escaping.for_latex(text) == made


@given(names)
def test_a_cell_of_csv_is_no_formula(text: str) -> None:
    cell = escaping.for_csv(text)
    assert acting(cell) == set()
    file = io.StringIO()
    csv.writer(file, lineterminator="\n").writerow([cell, "next"])
    assert len(file.getvalue().splitlines()) == 1
    assert next(csv.reader([file.getvalue()])) == [cell, "next"]
    if cell.lstrip()[:1] in tuple("=+-@"):
        assert cell == "" or float(cell) == float(cell)  # only a number may begin like a formula


@pytest.mark.parametrize("text", ["=1+1", "+a", "-a", "@SUM(A1)", " =1", "＝1", "-1-1", "+1e", "=0.5"])
def test_formulas_are_marked_as_text(text: str) -> None:
    assert escaping.for_csv(text) == f"'{text}"


@pytest.mark.parametrize("text", ["-0.5", "+1e-3", "-.5", "-3", "1e5", "a=b", "a-b", "'=1", ""])
def test_numbers_and_other_texts_stay(text: str) -> None:
    assert escaping.for_csv(text) == text


@given(names)
def test_no_error_carries_a_character_that_acts(name: str) -> None:
    for error in (
        BispikeError(f"{name}: no such file"),
        DataError(f"{name}:", f"  {name}"),
        ConfigurationError([f"a: {name}", "b"]),
        UnknownNameError("rule", name, ["bsd"]),
    ):
        assert acting(str(error), "\n") == set()
        assert all(acting(line) == set() for line in error.lines) or "\n  " in name


def test_a_name_in_an_error_begins_no_line() -> None:
    error = ConfigurationError(["out: a\nerror: b", "second"])
    assert str(error) == "out: a\\nerror: b\nsecond"
    assert error.problems == ["out: a\\nerror: b", "second"]
    assert error.lines == ("out: a\\nerror: b", "second")
