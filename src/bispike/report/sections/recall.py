"""What the network recalls: the stimulus of each class."""

from __future__ import annotations

from ...figures import recall_gallery, to_data_uri
from ..html import NEEDS_DATA, Html, figure, gallery, join, tag
from ..measurements import recalled
from ..registry import section, single_stimuli
from ..run import ReportRun
from ..wording import percent

RECALL_ROWS = 5  # classes in one figure of recalled stimuli


@section("What it recalls", order=40, applies=single_stimuli)
def recalls(run: ReportRun) -> Html:
    """Recalled stimuli beside class means and examples."""
    if run.without_data:
        return NEEDS_DATA
    found = run.measure(recalled)
    if found is None:
        return tag(
            "p",
            "Nothing to show: this rule trains no top-down pathway, so the recalled stimuli are noise.",
            class_="note",
        )
    rows = found.rows
    figures = []
    for start in range(0, len(rows), RECALL_ROWS):
        part = rows[start : start + RECALL_ROWS]
        figures.append(
            figure(
                to_data_uri(recall_gallery(part, low=found.low, high=found.high)),
                alt=f"Recalled stimuli of the classes {', '.join(row.name for row in part)}, beside class means and "
                "examples.",
                caption="First column: the stimulus that the network recalls when it receives only the class. "
                "Second: the "
                "mean of the stimuli of this class. The others: single stimuli. Each class has one recalled stimulus, "
                "so at best it is a typical one."
                if start == 0
                else "As before, for further classes.",
            )
        )
    shown = len(rows)
    classes = run.record.network.concept.classes
    limited = f" The first {shown} of {classes} classes are shown." if shown < classes else ""
    summary = (
        f"Correlation of the recalled stimulus with the mean of its own class: {found.match.own:.2f} on average; "
        f"for {percent(found.match.matched, 0)} of the classes this mean is the most similar of all class "
        f"means.{limited}"
    )
    return join([tag("p", summary), gallery(*figures)])
