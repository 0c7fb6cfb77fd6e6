"""Figures of learning: what changed from epoch to epoch."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from .canvas import BOTTOM_UP, FAINT, MARKERS, SERIES, TOP_DOWN, canvas, label_text, styled, whole_epochs

Metrics = Sequence[Mapping[str, Any]]


@styled
def loss_curve(metrics: Metrics) -> Figure:
    """Loss at the top of the network over epochs: a cross-entropy in nats, or a mean squared error of forecasts."""
    figure = canvas()
    axes = figure.subplots()
    _line(axes, _series(metrics, "loss"), colour=BOTTOM_UP, marker="o", label="training")
    axes.set_title("Loss at the top")
    forecasts = any("mse" in row for row in metrics)
    axes.set_ylabel("loss (mean squared error)" if forecasts else "loss (nats)")
    _from_zero(axes)
    whole_epochs(axes)
    return figure


@styled
def accuracy_curve(metrics: Metrics, *, guessing: float) -> Figure:
    """Training and validation accuracy over epochs, in percent, with the level of guessing."""
    figure = canvas()
    axes = figure.subplots()
    for key, label, colour, marker in (
        ("train_accuracy", "training", BOTTOM_UP, "o"),
        ("validation", "validation", TOP_DOWN, "s"),
    ):
        points = [(epoch, 100 * value) for epoch, value in _series(metrics, key)]
        if points:
            _line(axes, points, colour=colour, marker=marker, label=label)
    axes.axhline(100 * guessing, color=FAINT, linestyle=":", linewidth=1.2, label="guessing")
    axes.set_title("Accuracy")
    axes.set_ylabel("correct (%)")
    low, high = axes.get_ylim()
    axes.set_ylim(max(low, 0), min(high, 103))
    figure.legend(loc="outside lower center", ncols=3)
    whole_epochs(axes)
    return figure


@styled
def validation_curves(curves: Mapping[str, Sequence[tuple[int, float]]]) -> Figure:
    """Validation accuracy of several runs over epochs; (epoch, share) for each run."""
    figure = canvas(height=3.2)
    axes = figure.subplots()
    for i, (name, points) in enumerate(curves.items()):
        colour, marker = SERIES[i % len(SERIES)], MARKERS[i % len(MARKERS)]
        dashes = ("-", "--", ":")[i // len(SERIES) % 3]
        scaled = [(epoch, 100 * value) for epoch, value in points]
        _line(axes, scaled, colour=colour, marker=marker, label=label_text(name, 24), dashes=dashes)
    axes.set_title("Validation accuracy")
    axes.set_ylabel("correct (%)")
    whole_epochs(axes)
    figure.legend(loc="outside lower center", ncols=2)
    return figure


@styled
def layer_loss_curves(metrics: Metrics) -> Figure:
    """Alignment loss of each layer over epochs, relative to the first epoch."""
    figure = canvas()
    axes = figure.subplots()
    for i, name in enumerate(layer_loss_names(metrics)):
        points = _series([{"epoch": row["epoch"], "loss": row["layer_losses"].get(name)} for row in metrics], "loss")
        first = next((abs(v) for _, v in points if v), 1.0)
        colour, marker = SERIES[i % len(SERIES)], MARKERS[i % len(MARKERS)]
        _line(axes, [(e, v / first) for e, v in points], colour=colour, marker=marker, label=label_text(name))
    axes.set_title("Local loss of each layer")
    axes.set_ylabel("loss / loss in the first epoch")
    _from_zero(axes)
    axes.legend(loc="best", ncols=2)
    whole_epochs(axes)
    return figure


@styled
def angle_curves(angles: Mapping[str, Sequence[tuple[int, float]]], spreads: Mapping[str, float]) -> Figure:
    """Angle between W and the transposed top-down weights over epochs, with the band of random weights.

    Args:
        angles: for each place, (epoch, degrees); epoch 0 is before training.
        spreads: for each place, the standard deviation of the angle of random weights, in degrees.
    """
    figure = canvas(height=3.1)
    axes = figure.subplots()
    widest = 2 * max(spreads.values(), default=0.0)
    axes.axhspan(90 - widest, 90 + widest, color=FAINT, alpha=0.25, linewidth=0, label="random weights")
    for i, (name, points) in enumerate(angles.items()):
        colour, marker = SERIES[i % len(SERIES)], MARKERS[i % len(MARKERS)]
        _line(axes, points, colour=colour, marker=marker, label=label_text(name))
    values = [v for points in angles.values() for _, v in points if math.isfinite(v)]
    axes.set_ylim(min(0.0, *values) if min(values, default=90) < 30 else 30, max([100.0, *values]) + 5)
    axes.set_title("Angle between W and Θᵀ")
    axes.set_ylabel("angle (degrees)")
    axes.yaxis.set_major_locator(MaxNLocator(7, steps=[1, 1.5, 3, 10]))
    axes.legend(loc="lower left", ncols=2)
    whole_epochs(axes)
    return figure


def layer_loss_names(metrics: Metrics) -> list[str]:
    """Layers that have a local loss, in the order of the log."""
    return list(dict.fromkeys(name for row in metrics for name in row.get("layer_losses") or {}))


def _series(metrics: Metrics, key: str) -> list[tuple[int, float]]:
    return [(int(row["epoch"]), float(row[key])) for row in metrics if row.get(key) is not None]


def _line(
    axes: Axes, points: Sequence[tuple[int, float]], *, colour: str, marker: str, label: str, dashes: str = "-"
) -> None:
    epochs, values = [p[0] for p in points], [p[1] for p in points]
    axes.plot(epochs, values, color=colour, linestyle=dashes, marker=marker if len(points) <= 40 else "", label=label)


def _from_zero(axes: Axes) -> None:
    """Let the y axis begin at 0 and leave room above the highest point."""
    values = np.concatenate([np.asarray(line.get_ydata(), dtype=float) for line in axes.lines])
    highest = float(values.max(initial=0.0, where=np.isfinite(values)))
    axes.set_ylim(0, 1.06 * highest or 1)
