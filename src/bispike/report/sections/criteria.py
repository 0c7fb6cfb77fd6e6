"""The plausibility of the rule: the five criteria, as `bispike audit` measured them."""

from __future__ import annotations

from ...analysis.criteria import CRITERIA
from ..html import Html, join, table, tag
from ..registry import section
from ..run import ReportRun

ANSWERS = {True: "yes", False: "no", None: "–"}


@section("Criteria", order=60, applies=lambda record: bool(record.audit))
def criteria(run: ReportRun) -> Html:
    """One row per criterion, with the measurement behind it."""
    audit = run.record.audit or {}
    known = audit.get("published") or {}
    rows, explained = [], []
    for name, verdict in audit["criteria"].items():
        label = f"{name} {CRITERIA.get(name, '')}".rstrip()
        row = [label, ANSWERS[bool(verdict["holds"])], ANSWERS[known.get(name)], verdict["finding"]]
        rows.append(row if known else [*row[:2], row[3]])
        explained.append(tag("p", f"{name}: {verdict['how']}", class_="note"))
    head = ["criterion", "holds", *(["published"] if known else []), "measured"]
    about = f"Measured with {audit['data']} on {audit['network']}, {audit['batch']} samples per step."
    notes = " ".join([about, *audit.get("notes", [])])
    return join([table(head, rows), tag("p", notes), *explained])
