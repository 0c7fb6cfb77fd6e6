"""How plausible the rule is: the five criteria as an audit measured them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...analysis.criteria import CRITERIA
from ..html import Html, join, table, tag

ANSWERS = {True: "yes", False: "no", None: "–"}


def criteria(audit: Mapping[str, Any]) -> Html:
    """A row a criterion, with the measurement behind it.

    Args:
        audit: what `Audit.to_dict` made.
    """
    known = audit.get("published") or {}
    rows, explained = [], []
    for name, verdict in audit["criteria"].items():
        label = f"{name} {CRITERIA.get(name, '')}".rstrip()
        row = [label, ANSWERS[bool(verdict["holds"])], ANSWERS[known.get(name)], verdict["finding"]]
        rows.append(row if known else [*row[:2], row[3]])
        explained.append(tag("p", f"{name}: {verdict['how']}", class_="note"))
    head = ["criterion", "holds", *(["published"] if known else []), "measured"]
    about = f"Measured with {audit['data']} on {audit['network']}, {audit['batch']} samples a step."
    notes = " ".join([about, *audit.get("notes", [])])
    return join([table(head, rows), tag("p", notes), *explained])
