"""The figure of a few-shot experiment: accuracy on each class before and after, for each way of learning."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from matplotlib.figure import Figure

from ...arguments import checked
from ...figures.canvas import FAINT, MARKERS, SERIES, canvas, label_text, styled


@checked
@styled
def forgetting(summaries: Sequence[dict[str, Any]], new: Sequence[str], *, shots: int) -> Figure:
    """Accuracy on each class after the new ones were taught, against the one before.

    Args:
        summaries: from `summarise`.
        new: names of the new classes; they stand to the right, shaded.
        shots: examples of each.
    """
    names = list(summaries[0]["classes"])
    figure = canvas(width=7.2, height=3.4)
    axes = figure.subplots()
    known = len(names) - len(new)
    axes.axvspan(known - 0.5, len(names) - 0.5, color=FAINT, alpha=0.15, linewidth=0)
    before = [summaries[0]["classes"][name]["before"] for name in names[:known]]
    axes.plot(range(known), [100 * value for value in before], "_", color="black", markersize=18, label="before (BSD)")
    for index, summary in enumerate(summaries):
        offset = (index - (len(summaries) - 1) / 2) * 0.14
        values = [100 * summary["classes"][name]["after"] for name in names]
        places = [place + offset for place in range(len(names))]
        axes.plot(places, values, MARKERS[index], color=SERIES[index], label=summary["way"], linestyle="none")
    axes.set_xticks(range(len(names)), [label_text(name, 9) for name in names])
    axes.set_xlim(-0.5, len(names) - 0.5)
    axes.set_ylim(-3, 103)
    axes.set_xlabel(f"class (shaded: new, {shots} examples each)")
    axes.set_ylabel("correct decisions (%)")
    figure.legend(loc="outside upper center", ncols=3)
    return figure
