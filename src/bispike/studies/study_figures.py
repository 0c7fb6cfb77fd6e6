"""The figures of a study: accuracy of each row, accuracy against cost, learning curves."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from pathlib import Path

from ..figures.files import write_picture
from ..figures.study import Curve, Point, cost_scatter, learning_curves, row_values
from ..runs.epochs import read_metrics
from .rows import TableRow, deciding_data, with_deciding_data
from .study import FIGURES, Outcome


def write_figures(outcomes: Sequence[Outcome], rows: Sequence[TableRow], folder: Path, *, title: str) -> dict[str, str]:
    """Draw the figures for which there are results; returns the paths by kind."""
    measured = next((row.metric for row in rows if row.metric), "accuracy")
    metric = f"{deciding_data(rows)} {measured}"
    rows = with_deciding_data(rows)
    accuracy, cost, learning = (folder / name for name in FIGURES)
    figures = {"picture": (accuracy, row_values(rows, metric=metric, title=title))}
    panels = {
        "median time of a training step (ms)": _points(rows, "step_ms"),
        "energy of a decision (nJ, estimate)": _points(rows, "energy_nj"),
        "neurons that fire per time step (%, mean of layers)": _points(rows, "firing"),
    }
    panels = {label: points for label, points in panels.items() if points}
    if panels:
        figures["cost"] = (cost, cost_scatter(panels, metric=metric))
    curves = _curves(outcomes)
    if curves:
        figures["learning"] = (learning, learning_curves(curves, metric=measured))
    return {kind: str(write_picture(path, figure)) for kind, (path, figure) in figures.items()}


def _points(rows: Sequence[TableRow], key: str) -> list[Point]:
    """Rows with a result and a cost above zero."""
    return [
        Point(row.row, getattr(row, key), row.mean, row.spread, row.activity)
        for row in rows
        if row.mean is not None and getattr(row, key)
    ]


def _curves(outcomes: Sequence[Outcome]) -> list[Curve]:
    """Validation accuracy over epochs of each row, over the epochs that all of its finished seeds have."""
    found: dict[str, list[dict[int, float]]] = {}
    for outcome in outcomes:
        if outcome.summary is not None:
            values = {m["epoch"]: m["validation"] for m in read_metrics(outcome.path) if m["validation"] is not None}
            found.setdefault(outcome.cell.row, []).append(values)
    curves = []
    for row, seeds in found.items():
        epochs = sorted(set.intersection(*(set(values) for values in seeds)))
        if epochs:
            means = [statistics.fmean(values[e] for values in seeds) for e in epochs]
            spreads = [statistics.stdev(v[e] for v in seeds) if len(seeds) > 1 else 0.0 for e in epochs]
            curves.append(Curve(row, epochs, means, spreads))
    return curves
