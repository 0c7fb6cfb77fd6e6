"""Figures of the benchmark: time and memory of a training step, contender by contender."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, LogLocator, NullLocator, StrMethodFormatter

from .canvas import MARKERS, SERIES, canvas, label_text, styled

Rows = Sequence[Mapping[str, Any]]

QUANTITIES = (("step_ms", "time of a step (ms)"), ("peak_memory_mb", "memory of a step (MB)"))
BAR = 0.16  # height of a bar, inches


@styled
def cost_curves(rows: Rows) -> Figure:
    """Time and memory against what the suite varies, both axes logarithmic; rows with a value under `at`."""
    figure = canvas(width=9.2, height=3.6)
    panels = figure.subplots(1, 2)
    names = _contenders(rows)
    for axes, (key, label) in zip(panels, QUANTITIES, strict=True):
        for i, name in enumerate(names):
            points = sorted((row["at"], row[key]) for row in rows if _contender(row) == name and row[key])
            style = {"color": SERIES[i % len(SERIES)], "marker": MARKERS[i % len(MARKERS)]}
            axes.plot([x for x, _ in points], [y for _, y in points], label=name, **style)
        axes.set_xscale("log", base=2)
        axes.set_yscale("log")
        axes.xaxis.set_major_locator(FixedLocator(sorted({row["at"] for row in rows})))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_minor_locator(NullLocator())
        axes.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
        axes.set_xlabel(rows[0]["axis"])
        axes.set_ylabel(label)
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=len(names))
    return figure


@styled
def cost_bars(rows: Rows) -> Figure:
    """Time and memory of each contender as bars, a group a case."""
    cases, names = list(dict.fromkeys(row["case"] for row in rows)), _contenders(rows)
    figure = canvas(width=9.2, height=1.3 + BAR * len(cases) * (len(names) + 1))
    panels = figure.subplots(1, 2, sharey=True)
    for axes, (key, label) in zip(panels, QUANTITIES, strict=True):
        for i, name in enumerate(names):
            found = {row["case"]: row[key] or 0.0 for row in rows if _contender(row) == name}
            places = [cases.index(case) * (len(names) + 1) + i for case in found]
            axes.barh(places, list(found.values()), height=0.9, color=SERIES[i % len(SERIES)], label=name)
            _label_bars(axes, places, list(found.values()))
        axes.set_xlabel(label)
        axes.grid(visible=False, axis="y")
        axes.margins(x=0.15)
    middle = (len(names) - 1) / 2
    centres = [i * (len(names) + 1) + middle for i in range(len(cases))]
    panels[0].set_yticks(centres, [label_text(case, 20) for case in cases])
    panels[0].invert_yaxis()
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=len(names))
    return figure


def _label_bars(axes: Axes, places: Sequence[float], values: Sequence[float]) -> None:
    """The value at the end of each bar."""
    for place, value in zip(places, values, strict=True):
        text = f" {value:.3g}" if value < 1000 else f" {value:.0f}"
        axes.text(value, place, text if value else " not known", va="center", fontsize=7)


def _contender(row: Mapping[str, Any]) -> str:
    return str(row["rule"] if row["library"] == "bispike" else row["library"])


def _contenders(rows: Rows) -> list[str]:
    return list(dict.fromkeys(map(_contender, rows)))
