"""Names that strangers chose, made harmless where they leave the library: terminal, HTML, Markdown, LaTeX and CSV.

A class, run, column or file name may hold anything: escape sequences that a terminal obeys, marks that reverse the
direction of a text, characters without width, halves of surrogate pairs (a file name that is no UTF-8), formulas of
a spreadsheet. `printable` shows such a character by its code, as `repr` does; the other functions also escape what
their language acts on. JSON needs none of them: `json.dumps` writes ASCII and keeps every character exactly.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterable

LONGEST = 4000  # characters of a message


def printable(text: object, *, keep: str = "") -> str:
    """Text in which every character that cannot be seen is shown by its code, such as `\\x1b` or `\\u202e`.

    Args:
        text: any value, as `str` gives it.
        keep: characters that stay as they are, such as a line break that the library itself has put in.
    """
    value = str(text)
    if value.isascii() and value.isprintable():
        return value
    return "".join(c if c in keep or _is_visible(c) else _code(c) for c in value)


def printable_message(text: str) -> str:
    """Printable text that keeps the line breaks before indented lines: messages list things and commands in that way.

    A line break of another kind came with a name and is shown as `\\n`, so that no name begins a line of its own. A
    message that quotes more than anybody reads keeps its beginning and its end.
    """
    return _INDENT.join(map(printable, shortened(text, LONGEST).split(_INDENT)))


def shortened(text: str, limit: int) -> str:
    """Text of at most `limit` characters (at least 3): a long one keeps its beginning and its end."""
    if len(text) <= limit:
        return text
    end = (limit - 1) // 3
    return f"{text[: limit - 1 - end]}…{text[len(text) - end :]}"


def for_html(text: object, *, keep: str = "") -> str:
    """Text for HTML and for the value of an attribute; `keep` as in `printable`."""
    return html.escape(printable(text, keep=keep))


def for_markdown(text: object) -> str:
    """Text for a cell or a line of Markdown, in which nothing is a tag, a link, emphasis or the end of the cell."""
    return _MARKDOWN.sub(lambda found: _ENTITIES.get(found[0], f"\\{found[0]}"), printable(text))


def markdown_row(cells: Iterable[object]) -> str:
    """A row of a table in Markdown."""
    return f"| {' | '.join(map(for_markdown, cells))} |"


def for_latex(text: object) -> str:
    """Text in which the special characters of LaTeX are escaped."""
    return "".join(_LATEX.get(c, c) for c in printable(text))


def for_csv(text: object) -> str:
    """Text for a cell of CSV; an apostrophe marks as text what a spreadsheet would compute. Numbers stay."""
    shown = printable(text)
    return f"'{shown}" if _FORMULA.match(shown) and not _NUMBER.fullmatch(shown) else shown


_INDENT = "\n  "
_INVISIBLE = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\uffa0\U000e0100-\U000e01ef]")
"""Letters and marks that leave no trace on a screen although Unicode counts them as printable."""
_FORMULA = re.compile(r"\s*[=+\-@＝＋－＠]")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)
_MARKDOWN = re.compile(r"[&<>|\\`*\[\]~$]|(?<![^\W_])_|_(?![^\W_])")  # an underscore within a word is only itself
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_LATEX = {
    "\\": "\\textbackslash{}",
    "~": "\\textasciitilde{}",
    "^": "\\textasciicircum{}",
    "<": "\\textless{}",
    ">": "\\textgreater{}",
    "±": "$\\pm$",
    "·": "$\\cdot$",
    **{character: f"\\{character}" for character in "&%$#_{}"},
}


def _is_visible(character: str) -> bool:
    """Whether a character leaves a mark or a space of its own, and does nothing else."""
    if character.isprintable():
        return not _INVISIBLE.match(character)
    return unicodedata.category(character) == "Zs"


def _code(character: str) -> str:
    """The escape sequence of Python for a character."""
    plain = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}.get(character)
    number = ord(character)
    return plain or (
        f"\\x{number:02x}" if number < 0x100 else f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"
    )
