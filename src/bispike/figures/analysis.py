"""Figures of an analysis: angles to the gradient, linear separability, robustness."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from matplotlib.figure import Figure
from matplotlib.ticker import MultipleLocator

from .canvas import BOTTOM_UP, FAINT, MARKERS, SERIES, TOP_DOWN, canvas, label_text, styled


@styled
def gradient_angles(found: Mapping[str, Any]) -> Figure:
    """Angle to the gradient at each place, before and after training; the line of 90 degrees is no relation."""
    names = [angle["name"] for angle in found["trained"]]
    figure = canvas(height=1.35 + 0.4 * len(names))
    axes = figure.subplots()
    axes.axvline(90, color=FAINT, linestyle=":", linewidth=1.4, label="no relation")
    sides = (
        ("initial", "before training", TOP_DOWN, "s", 0.1),
        ("trained", "after training", BOTTOM_UP, "o", -0.1),
    )
    for key, label, colour, marker, shift in sides:
        known = [(names.index(a["name"]), a) for a in found[key] or [] if a["degrees"] is not None]
        if known:
            degrees, errors = [a["degrees"] for _, a in known], [2 * (a["error"] or 0.0) for _, a in known]
            places = [place + shift for place, _ in known]
            axes.errorbar(degrees, places, xerr=errors, fmt=marker, color=colour, elinewidth=1.2, label=label)
    for place, angle in enumerate(found["trained"]):
        if angle["degrees"] is None:
            axes.text(0.02, place, "does not learn", transform=axes.get_yaxis_transform(), va="center", color=FAINT)
    axes.set_yticks(range(len(names)), [label_text(name) for name in names])
    axes.set_ylim(-0.6, len(names) - 0.4)
    axes.set_xlim(-4, max([100.0, *(a["degrees"] or 0.0 for key, *_ in sides for a in found[key] or [])]) + 5)
    axes.xaxis.set_major_locator(MultipleLocator(30))
    axes.set_xlabel(f"angle to the gradient of {found['reference']} (degrees)")
    axes.set_title("Direction of the weight changes")
    figure.legend(loc="outside lower center", ncols=3)
    return figure


@styled
def separability(found: Mapping[str, Any]) -> Figure:
    """Accuracy of a linear probe at each place, in the trained and in the random network."""
    names = ["input", *found["trained"]]
    figure = canvas(height=3.0)
    axes = figure.subplots()
    sides = (("untrained", "random network", TOP_DOWN, "s"), ("trained", "trained", BOTTOM_UP, "o"))
    for key, label, colour, marker in sides:
        if found[key] is not None:
            shares = [100 * found["input"], *(100 * share for share in found[key].values())]
            axes.plot(range(len(names)), shares, color=colour, marker=marker, label=label)
    axes.set_xticks(range(len(names)), [label_text(name) for name in names])
    axes.set_ylabel("correct (%)")
    axes.set_title("Linear separability")
    figure.legend(loc="outside lower center", ncols=2)
    return figure


@styled
def robustness(found: Mapping[str, Any], *, classes: int | None = None, lost: str = "spikes") -> Figure:
    """Accuracy by severity of the damage to the stimulus, and by the share of what is lost between the layers.

    Args:
        found: part "robustness" of an analysis.
        classes: number of classes, for the level of guessing.
        lost: what is lost, in words.
    """
    figure = canvas(width=7.4, height=3.3)
    left, right = figure.subplots(1, 2, sharey=True)
    clean = 100 * found["clean"]
    kinds = {kind: shares for kind, shares in found["corruptions"].items() if shares is not None}
    for i, (kind, shares) in enumerate(kinds.items()):
        values = [clean, *(100 * share for share in shares)]
        left.plot(
            range(6),
            values,
            color=SERIES[i % len(SERIES)],
            marker=MARKERS[i % len(MARKERS)],
            label=kind.replace("-", " "),
        )
    loss = found["spike_loss"]
    lossy = [clean, *(100 * share for share in loss["accuracy"])]
    right.plot([0, *(100 * p for p in loss["probability"])], lossy, color=SERIES[4], marker=MARKERS[4])
    if classes:
        for axes in (left, right):
            axes.axhline(100 / classes, color=FAINT, linestyle=":", linewidth=1.2)
        right.annotate("guessing", (0, 100 / classes), (0, 3), textcoords="offset points", fontsize=8, color=FAINT)
    left.set_ylabel("correct (%)")
    left.set_xlabel("severity (0: undamaged)")
    left.set_title("Damaged stimuli")
    right.set_xlabel(f"{lost} lost in every layer (%)")
    right.set_title(f"Lost {lost}")
    left.set_ylim(bottom=0)
    figure.legend(loc="outside lower center", ncols=max(1, len(kinds)))
    return figure
