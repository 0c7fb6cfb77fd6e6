"""Figures of a study: accuracy of each row, accuracy against cost, learning curves; names beside what they name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

from .canvas import BOTTOM_UP, FAINT, GRID, INK, MARKERS, SERIES, TOP_DOWN, canvas, label_text, styled, whole_epochs
from .labels import place_beside, spread_out

GAP = 0.35  # height of a row, inches
COLOURS = {"spikes": BOTTOM_UP, "rates": TOP_DOWN}
SHAPES = {"spikes": "o", "rates": "s"}


class Row(Protocol):
    """What is drawn of a row of a study's table."""

    @property
    def row(self) -> str: ...
    @property
    def values(self) -> list[float]: ...
    @property
    def mean(self) -> float | None: ...
    @property
    def spread(self) -> float | None: ...
    @property
    def activity(self) -> str: ...


@dataclass(frozen=True)
class Point:
    """A row in a picture of accuracy against cost: shares of 1 on one side, the cost on the other."""

    name: str
    cost: float
    mean: float
    spread: float | None
    activity: str


@dataclass(frozen=True)
class Curve:
    """Mean and spread over seeds, shares of 1, for each epoch."""

    name: str
    epochs: Sequence[int]
    means: Sequence[float]
    spreads: Sequence[float]


def in_shown_units(metric: str) -> tuple[float, str]:
    """What a metric is multiplied by, and its name with the unit: accuracies in percent, errors as they are."""
    return (1.0, metric) if metric.endswith("mse") else (100.0, f"{metric} (%)")


@styled
def row_values(rows: Sequence[Row], *, metric: str, title: str) -> Figure:
    """A line a row: the value of each seed as a point, the mean as a mark with the spread as a bar."""
    figure = canvas(width=6.0, height=1.0 + GAP * len(rows))
    axes = figure.subplots()
    factor, label = in_shown_units(metric)
    for place, row in enumerate(rows):
        axes.plot(
            [factor * v for v in row.values], [place] * len(row.values), "o", color=FAINT, alpha=0.6, markersize=3.5
        )
        if row.mean is None:
            axes.text(0.5, place, "failed", transform=axes.get_yaxis_transform(), ha="center", va="center")
            continue
        spread = None if row.spread is None else factor * row.spread
        colour = COLOURS.get(row.activity, BOTTOM_UP)
        shape = SHAPES.get(row.activity, "o")
        axes.errorbar(factor * row.mean, place, xerr=spread, fmt=shape, color=colour, capsize=3, elinewidth=1.2)
    axes.set_yticks(range(len(rows)), [label_text(row.row, 30) for row in rows])
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_xlabel(f"{label}; bar: spread over seeds")
    axes.set_title(label_text(title, 70))
    _explain_colours(figure, {row.activity for row in rows})
    return figure


@styled
def cost_scatter(panels: Mapping[str, Sequence[Point]], *, metric: str) -> Figure:
    """Accuracy against each cost, one panel per cost; the cost axis is logarithmic.

    Args:
        panels: for each label of a cost axis its points, at least one.
        metric: name of the accuracy, and of which data.
    """
    figure = canvas(width=4.9 * len(panels) + 0.4, height=4.2)
    factor, named = in_shown_units(metric)
    every = figure.subplots(1, len(panels), squeeze=False, sharey=True)[0]
    for axes, (label, points) in zip(every, panels.items(), strict=True):
        for point in points:
            colour, shape = COLOURS.get(point.activity, BOTTOM_UP), SHAPES.get(point.activity, "o")
            spread = None if point.spread is None else factor * point.spread
            axes.errorbar(
                point.cost, factor * point.mean, yerr=spread, fmt=shape, color=colour, capsize=2.5, elinewidth=1.0
            )
        axes.set_xscale("log")
        axes.margins(x=0.22, y=0.09)
        _plain_log_ticks(axes)
        axes.set_xlabel(label)
    every[0].set_ylabel(f"{named}; bar: spread over seeds")
    _explain_colours(figure, {point.activity for points in panels.values() for point in points})
    figure.draw_without_rendering()  # places are known only when the layout is
    for axes, points in zip(every, panels.values(), strict=True):
        place_beside(axes, [(point.cost, factor * point.mean, label_text(point.name, 22)) for point in points])
    return figure


@styled
def learning_curves(curves: Sequence[Curve], *, metric: str = "accuracy") -> Figure:
    """A validation metric over epochs: mean over seeds, a band of one standard deviation, names at the ends."""
    figure = canvas(width=6.4, height=max(3.6, 0.6 + 0.19 * len(curves)))
    axes = figure.subplots()
    styles = {}
    factor, label = in_shown_units(f"validation {metric}")
    for i, curve in enumerate(curves):
        colour, dashes = SERIES[i % len(SERIES)], ("-", "--", ":", "-.")[i // len(SERIES) % 4]
        means = [factor * value for value in curve.means]
        low = [m - factor * s for m, s in zip(means, curve.spreads, strict=True)]
        high = [m + factor * s for m, s in zip(means, curve.spreads, strict=True)]
        axes.fill_between(curve.epochs, low, high, color=colour, alpha=0.15, linewidth=0)
        marker = MARKERS[i % len(MARKERS)] if len(means) <= 40 else ""
        axes.plot(curve.epochs, means, color=colour, linestyle=dashes, marker=marker, linewidth=1.5, markersize=3.5)
        styles[i] = colour
    axes.set_ylabel(f"{label}; band: spread over seeds")
    axes.margins(x=0.02)
    whole_epochs(axes)
    _name_ends(axes, curves, styles, factor)
    return figure


def _name_ends(axes: Axes, curves: Sequence[Curve], colours: Mapping[int, str], factor: float) -> None:
    """Names right of the axes at the height of the last values, moved apart where they would lie on each other."""
    bottom, top = axes.get_ylim()
    height = axes.get_window_extent().height / axes.figure.dpi * 72  # points
    ends = [factor * curve.means[-1] for curve in curves]
    places = spread_out(ends, gap=10.5 * (top - bottom) / height, low=bottom, high=top)
    beside = axes.get_yaxis_transform()
    for i, (curve, end, place) in enumerate(zip(curves, ends, places, strict=True)):
        start = (curve.epochs[-1] - axes.get_xlim()[0]) / (axes.get_xlim()[1] - axes.get_xlim()[0])
        axes.plot(
            [start, 1.005, 1.05], [end, end, place], color=colours[i], linewidth=0.7, transform=beside, clip_on=False
        )
        axes.text(1.06, place, label_text(curve.name, 24), transform=beside, va="center", fontsize=8.0, color=INK)
    axes.set_ylim(bottom, top)


def _explain_colours(figure: Figure, activities: set[str]) -> None:
    """A legend of what spikes and what has rates, where both occur."""
    if not set(COLOURS) <= activities:
        return
    handles = [
        figure.axes[0].plot([], [], SHAPES[kind], color=colour, label=label)[0]
        for kind, colour, label in (
            ("spikes", BOTTOM_UP, "spiking network"),
            ("rates", TOP_DOWN, "rate network"),
        )
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=2)


def _plain_log_ticks(axes: Axes) -> None:
    low, high = axes.get_xlim()
    subs = (1, 2, 5) if high / low < 200 else (1,)
    axes.xaxis.set_major_locator(LogLocator(subs=subs))
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.tick_params(which="minor", color=GRID)
