"""Figures of runs on sequences: forecast and true values, errors over epochs, firing over positions, memory over
lengths."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, LogLocator, NullLocator, StrMethodFormatter
from torch import Tensor

from .canvas import BOTTOM_UP, FAINT, MARKERS, SERIES, TOP_DOWN, canvas, label_text, styled, whole_epochs


@styled
def forecast_curves(curves: Sequence[tuple[str, Tensor, Tensor]], *, horizon: int) -> Figure:
    """One panel per quantity: true values, and their forecasts `horizon` steps before (0: estimates)."""
    figure = canvas(width=7.2, height=1.5 * len(curves) + 0.7)
    panels = figure.subplots(len(curves), 1, sharex=True, squeeze=False)[:, 0]
    what = f"forecast {horizon} steps before" if horizon > 1 else "forecast one step before" if horizon else "estimated"
    for axes, (name, true, forecast) in zip(panels, curves, strict=True):
        axes.plot(true.numpy(), color=FAINT, linewidth=2.2, label="true")
        axes.plot(forecast.numpy(), color=BOTTOM_UP, linewidth=1.1, label=what)
        axes.set_ylabel(label_text(name, 16))
    panels[-1].set_xlabel("steps of the test part")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=2)
    return figure


@styled
def error_curve(metrics: Sequence[Mapping[str, Any]]) -> Figure:
    """Mean squared error on the validation part over epochs."""
    figure = canvas()
    axes = figure.subplots()
    points = [(int(row["epoch"]), float(row["mse"])) for row in metrics if row.get("mse") is not None]
    axes.plot([e for e, _ in points], [v for _, v in points], color=TOP_DOWN, marker="s", markersize=3.5)
    axes.set_title("Error")
    axes.set_ylabel("validation MSE (σ²)")
    whole_epochs(axes)
    return figure


@styled
def rates_over_positions(rates: Mapping[str, Tensor]) -> Figure:
    """Mean firing rate of each layer at each position of a window."""
    figure = canvas()
    axes = figure.subplots()
    for i, (name, values) in enumerate(rates.items()):
        places = range(1, len(values) + 1)
        axes.plot(places, 100 * values, color=SERIES[i], marker=MARKERS[i], markersize=3, label=name)
    axes.set_title("Firing over a sequence")
    axes.set_xlabel("position")
    axes.set_ylabel("spikes per 100 time steps")
    axes.set_ylim(bottom=0)
    axes.legend()
    return figure


@styled
def memory_over_lengths(memory: Mapping[str, Mapping[int, int]]) -> Figure:
    """Memory of a training step against the length of the sequences, one line per rule; both axes logarithmic."""
    figure = canvas()
    axes = figure.subplots()
    for i, (rule, found) in enumerate(memory.items()):
        sizes = [size / 2**20 for size in found.values()]
        axes.plot(list(found), sizes, color=SERIES[i], marker=MARKERS[i], label=label_text(rule, 24))
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    axes.xaxis.set_major_locator(FixedLocator(sorted({length for found in memory.values() for length in found})))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axes.set_title("Memory of a training step")
    axes.set_xlabel("positions in a sequence")
    axes.set_ylabel("MiB")
    axes.legend()
    return figure
