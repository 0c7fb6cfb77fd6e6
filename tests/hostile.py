"""Names that act on a terminal, a page, a table or a spreadsheet where they get there raw, and how that is seen."""

from __future__ import annotations

import unicodedata

from hypothesis import strategies as st

HOSTILE = (
    "\x1b]0;owned\x07",
    "\x9b31m",
    "a\rb\x08\x7f",
    "\u202egnp.exe",
    "\u2066a\u2069\u200f\u061c",
    "a\u200bb\ufeff\u00ad",
    "line\nerror: fake\u2028\u2029\x85",
    "\udcff.png",
    "=cmd|' /C calc'!A0",
    "<script>alert(1)</script>|`$x$`",
)
names = st.one_of(st.text(), st.sampled_from(HOSTILE), st.builds("".join, st.lists(st.sampled_from(HOSTILE))))
UNSEEN = ("Cc", "Cf", "Cs", "Zl", "Zp", "Co", "Cn")  # categories of Unicode that show nothing


def acting(text: str, keep: str = "") -> set[str]:
    """Characters of a text that do something instead of showing something, apart from those to keep."""
    return {hex(ord(c)) for c in text if c not in keep and unicodedata.category(c) in UNSEEN}
