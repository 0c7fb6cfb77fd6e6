"""What a cell of a table holds: a number in one of the notations of the world, a gap, or a text.

    5.1   -3   1e5   1.0D+03   1,234.5   1.234,5 (decimal comma)   1 234.5   1'234.5   12 %   $1,200

Numbers with underscores, hexadecimal numbers, numbers with a unit ("5 kg") and dates are no numbers here: `oddity` says
what they look like, so that they are refused and not taken as names of categories.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

GAPS = (
    "",
    "NA",
    "N/A",
    "n/a",
    "na",
    "N.A.",
    "n.a.",
    "#N/A",
    "#NA",
    "#N/A N/A",
    "<NA>",
    "NaN",
    "nan",
    "NAN",
    "-nan",
    "-NaN",
    "NaT",
    "null",
    "NULL",
    "Null",
    "None",
    "none",
    "NONE",
    "nil",
    "missing",
    "Missing",
    "MISSING",
    "?",
    "-",
    "--",
    "---",
    "\u2014",
    ".",
    "..",
    "#DIV/0!",
    "#VALUE!",
    "#REF!",
    "#NUM!",
    "#NAME?",
    "#NULL!",
    "\\N",
)
"""Cells without a value."""
_GAPS = frozenset(gap.lower() for gap in GAPS)
TRUTH = {"true": 1.0, "false": 0.0}
MARKS = "%$€£¥₹"
_LOOKS_LIKE: dict[str, str | None] = {
    "\u2212": "-",
    "\u2012": "-",
    "\u2013": "-",
    "\uff0d": "-",
    "\uff0b": "+",
    "\uff0e": ".",
    "\uff0c": ",",
    "\u2019": "'",
    "\u02bc": "'",
    "\uff05": "%",
    "\u00a0": " ",
    "\u2007": " ",
    "\u2009": " ",
    "\u202f": " ",
    "\u3000": " ",
    "\ufeff": None,
    "\u200b": None,
    "\u200e": None,
    "\u200f": None,
    **{chr(0xFF10 + digit): str(digit) for digit in range(10)},
}
_ALIKE = str.maketrans(_LOOKS_LIKE)
_EXPONENT = r"(?:[eEdD][-+]?[0-9]+)?"
_ENDING = re.compile(r"[eEdD][-+]?[0-9]+$")
_POINT = re.compile(rf"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+){_EXPONENT}")
_COMMA = re.compile(rf"[-+]?(?:[0-9]+,?[0-9]*|,[0-9]+){_EXPONENT}")
_GROUPED = {
    ".": re.compile(r"[-+]?[0-9]{1,3}(?:,(?:[0-9]{3},)*| (?:[0-9]{3} )*|'(?:[0-9]{3}')*)[0-9]{3}(?:\.[0-9]*)?"),
    ",": re.compile(r"[-+]?[0-9]{1,3}(?:\.(?:[0-9]{3}\.)*| (?:[0-9]{3} )*|'(?:[0-9]{3}')*)[0-9]{3}(?:,[0-9]*)?"),
}
_MARKED = re.compile(rf"([-+]?) *([{MARKS}]?) *([-+]?[0-9.,][0-9.,' ]*?{_EXPONENT}) *([{MARKS}]?)")
_SURE_COMMA = re.compile(r"[-+]?(?:[0-9]{1,3}(?:[. '][0-9]{3})+,[0-9]+|0*,[0-9]+|[0-9]+,(?:[0-9]{1,2}|[0-9]{4,}))")
_SURE_POINT = re.compile(
    r"[-+]?(?:[0-9]{1,3}(?:,[0-9]{3})+\.[0-9]+|[0-9]{1,3}(?:,[0-9]{3}){2,}|0*\.[0-9]+|[0-9]+\.(?:[0-9]{1,2}|[0-9]{4,}))"
)
_EITHER = re.compile(r"[-+]?[1-9][0-9]{0,2},[0-9]{3}")
_CHARACTERS = re.compile(rf"[-+0-9.,' eEdD{MARKS}]*")
"""What numbers are made of; most texts fail at their first character."""
_INFINITE = re.compile(r"[-+]?inf(?:inity)?", re.IGNORECASE)
_DATE = re.compile(
    r"[0-9]{4}[-/.][0-9]{1,2}[-/.][0-9]{1,2}(?:[T ].*)?|[0-9]{1,2}[-/.][0-9]{1,2}[-/.][0-9]{2,4}(?: .*)?"
    r"|[0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]+)?)?(?: ?[AaPp][Mm])?|[0-9]{4}-[0-9]{2}"
    r"|[0-9]{1,2}[- ][A-Za-z]{3,9}\.?[- ,]+[0-9]{2,4}.*|[A-Z][a-z]{2,8}\.? [0-9]{1,2},? [0-9]{4}.*"
)
_UNIT = re.compile(
    r"[-+]?[0-9][0-9.,]* ?(?!(?:st|nd|rd|th)$)[A-Za-zµμ°Ω²³/]{1,8}"
    r"|(?:USD|EUR|GBP|CHF|JPY|INR|CNY|RMB|Rs\.?|kr) ?[-+]?[0-9][0-9.,]*"
)
_OTHER = {
    "an underscore in a number": re.compile(r"[-+]?[0-9]+(?:_[0-9]+)+(?:\.[0-9]+)?"),
    "a hexadecimal number": re.compile(r"0[xX][0-9A-Fa-f]+"),
    "a number in parentheses": re.compile(r"\([0-9.,]+\)"),
    "a date or time": _DATE,
    "a number with a unit": _UNIT,
    "not finite": _INFINITE,
    "a number behind an apostrophe": re.compile(r"'[-+]?[0-9.,]+'?"),
    "a number with its minus sign behind": re.compile(r"[0-9.,]+-"),
    "a formula": re.compile(r"=.+"),
    "a list": re.compile(r"\[.*\]|\{.*\}", re.DOTALL),
    "several numbers": re.compile(r"[-+]?[0-9.]+(?:[ ;,|]+[-+]?[0-9.]+)+"),
}


@dataclass(frozen=True)
class Number:
    """A number in a cell.

    Args:
        value: as written; "12 %" is 12.
        mark: the percent sign or the currency that stands beside it, or "".
    """

    value: float
    mark: str = ""


def plain(cell: str) -> str:
    """A cell without spaces around it, and with the usual characters in place of those that only look like them."""
    return cell.strip() if cell.isascii() else cell.translate(_ALIKE).strip()


def gaps_of(missing_marks: Iterable[str] = (), not_missing: Iterable[str] = ()) -> frozenset[str]:
    """Texts, as `plain` gives them and in lower case, that mean a missing value."""
    values = {plain(mark).lower() for mark in not_missing}
    return frozenset(gap for gap in _GAPS if gap not in values) | {plain(mark).lower() for mark in missing_marks}


def is_gap(cell: str, gaps: frozenset[str] = _GAPS) -> bool:
    """Whether a cell, as `plain` gives it, holds no value.

    Args:
        cell: its text.
        gaps: texts that mean a missing value, as `gaps_of` gives them.
    """
    return cell.lower() in gaps


def number(cell: str, decimal: str = ".") -> Number | None:
    """The number in a cell as `plain` gives it; None: it holds none, or one that is not finite.

    Args:
        cell: its text.
        decimal: "." or ",".
    """
    if _CHARACTERS.fullmatch(cell) is None:
        return None
    found = _value(cell, decimal)
    if found is not None:
        return Number(found)
    match = _MARKED.fullmatch(cell)
    if match is None:
        return None
    sign, before, digits, after = match.groups()
    if (before and after) or not (before or after) or (sign and digits[0] in "+-"):
        return None
    found = _value(sign + digits.strip(), decimal)
    return None if found is None else Number(found, before or after)


def decimal_of(cell: str) -> str:
    """The decimal mark that a cell shows: "." or ","; "?": a comma that may be either; "": none."""
    bare = cell.strip(MARKS + " ")
    mantissa = _ENDING.sub("", bare)
    if mantissa != bare:  # nobody groups thousands in front of an exponent
        return "," if "," in mantissa else "." if "." in mantissa else ""
    if _SURE_COMMA.fullmatch(bare):
        return ","
    if _SURE_POINT.fullmatch(bare):
        return "."
    return "?" if _EITHER.fullmatch(bare) else ""


def oddity(cell: str) -> str | None:
    """What a text looks like that is nearly a number ("a date or time"); None: like a name."""
    return next((what for what, pattern in _OTHER.items() if pattern.fullmatch(cell)), None)


def all_odd(cells: Iterable[str]) -> str | None:
    """What all cells look like that are nearly numbers, as `oddity` says; None: they look like names, or differ."""
    cells = iter(cells)
    what = oddity(next(cells, ""))
    return what if what is not None and all(_OTHER[what].fullmatch(cell) for cell in cells) else None


def _value(cell: str, decimal: str) -> float | None:
    if decimal == ",":
        if _COMMA.fullmatch(cell):
            return _finite(cell.replace(",", "."))
    elif _POINT.fullmatch(cell):
        return _finite(cell)
    if _GROUPED[decimal].fullmatch(cell):
        digits = re.sub("[.' ]" if decimal == "," else "[,' ]", "", cell)
        return _finite(digits.replace(",", "."))
    return None


def _finite(digits: str) -> float | None:
    found = float(digits.replace("d", "e").replace("D", "e"))
    return found if abs(found) != float("inf") else None
