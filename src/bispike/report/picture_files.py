"""Pictures as files of their own: the recalled stimuli of a run, the accuracies of a study, the costs of a step."""

from __future__ import annotations

import io
import math
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.figure import Figure
from torch import Tensor

from ..errors import ConfigurationError
from ..training.files import make_folder, write_atomic
from ..training.study_table import TableRow
from .figures.canvas import BOTTOM_UP, FAINT, TOP_DOWN, canvas, label_text, styled
from .figures.cost import cost_bars, cost_curves
from .figures.pictures import show_stimulus

FORMATS = ("png", "svg", "pdf", "jpg")
COLUMNS = 10  # recalled stimuli beside each other
GAP = 0.35  # height of a row of a study, inches


def write_recall(path: str | Path, names: Sequence[str], stimuli: Tensor) -> Path:
    """Draw the recalled stimuli `[N, *shape]` of N concepts; returns the path."""
    return _write(path, recall_figure(names, stimuli))


def write_study(path: str | Path, rows: Sequence[TableRow], *, title: str) -> Path:
    """Draw the accuracy of each row of a study; returns the path."""
    return _write(path, study_figure(rows, title=title))


def write_costs(path: str | Path, rows: Sequence[Mapping[str, Any]]) -> Path:
    """Draw time and memory of the benchmark's rows: curves where the suite varies something, bars otherwise."""
    varied = len({row["at"] for row in rows}) > 1 and all(row["at"] is not None for row in rows)
    return _write(path, cost_curves(rows) if varied else cost_bars(rows))


@styled
def recall_figure(names: Sequence[str], stimuli: Tensor) -> Figure:
    """A labelled picture of each recalled stimulus, up to ten in a row."""
    columns = min(COLUMNS, len(names))
    lines = math.ceil(len(names) / columns)
    figure = canvas(width=max(2.4, 1.0 * columns), height=1.25 * lines)
    image = stimuli.ndim == 4
    low, high = (0.0, 1.0) if image else (float(stimuli.min()), float(stimuli.max()))
    for i, axes in enumerate(figure.subplots(lines, columns, squeeze=False).flat):
        if i >= len(names):
            axes.set_axis_off()
            continue
        show_stimulus(axes, stimuli[i], low=low, high=high)
        axes.set_title(label_text(names[i], 14), fontsize=8.5)
    return figure


@styled
def study_figure(rows: Sequence[TableRow], *, title: str) -> Figure:
    """A line a row: the value of each seed as a point, the mean as a mark with the spread as a bar."""
    figure = canvas(width=6.0, height=1.0 + GAP * len(rows))
    axes = figure.subplots()
    for place, row in enumerate(rows):
        axes.plot([100 * v for v in row.values], [place] * len(row.values), "o", color=FAINT, alpha=0.6, markersize=3.5)
        if row.mean is None:
            axes.text(0.5, place, "failed", transform=axes.get_yaxis_transform(), ha="center", va="center")
            continue
        spread = None if row.spread is None else 100 * row.spread
        axes.errorbar(100 * row.mean, place, xerr=spread, fmt="D", color=BOTTOM_UP, ecolor=TOP_DOWN, capsize=3)
    axes.set_yticks(range(len(rows)), [label_text(row.row, 30) for row in rows])
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_xlabel(f"test {next((row.metric for row in rows if row.metric), 'accuracy')} (%); bar: spread over seeds")
    axes.set_title(label_text(title, 70))
    return figure


def _write(path: str | Path, figure: Figure) -> Path:
    target = Path(path)
    kind = target.suffix.lower().removeprefix(".")
    if kind not in FORMATS:
        raise ConfigurationError(f"{target}: expected a picture file that ends in .{', .'.join(FORMATS)}.")
    content = io.BytesIO()
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "bispike"}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        figure.savefig(content, format=kind, dpi=200, facecolor="white")
    make_folder(target.parent)
    write_atomic(target, content.getvalue())
    return target
