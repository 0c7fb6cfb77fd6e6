"""Figures as files: the recalled stimuli of a run, the costs of a step, any figure."""

from __future__ import annotations

import io
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure
from torch import Tensor

from ..errors import ConfigurationError
from ..runs.outputs import MARK, write_output
from .canvas import canvas, label_text, rendering, styled
from .cost import cost_bars, cost_curves
from .pictures import show_stimulus

FORMATS = ("png", "svg", "pdf", "jpg")
COLUMNS = 10  # recalled stimuli in a row
_MARKED: dict[str, dict[str, Any]] = {
    "png": {"metadata": {"Comment": MARK}},
    "svg": {"metadata": {"Description": MARK, "Date": None}},
    "pdf": {"metadata": {"Subject": MARK, "CreationDate": None}},
    "jpg": {"pil_kwargs": {"comment": MARK.encode()}},
}
"""Where each format keeps the remark that the file is bispike's."""


def write_recall(path: str | Path, names: Sequence[str], stimuli: Tensor, *, overwrite: bool = False) -> Path:
    """Draw the recalled stimuli `[N, *shape]` of N concepts; see `write_picture`."""
    return write_picture(path, recall_figure(names, stimuli), overwrite=overwrite)


def write_costs(path: str | Path, rows: Sequence[Mapping[str, Any]]) -> Path:
    """Draw time and memory of the benchmark's rows: curves where the suite varies something, bars otherwise."""
    varied = len({row["at"] for row in rows}) > 1 and all(row["at"] is not None for row in rows)
    return write_picture(path, cost_curves(rows) if varied else cost_bars(rows))


@styled
def recall_figure(names: Sequence[str], stimuli: Tensor) -> Figure:
    """Each recalled stimulus with its label, up to ten in a row."""
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


def write_picture(path: str | Path, figure: Figure, *, overwrite: bool = False) -> Path:
    """Save a figure on white paper, in the format that the path's ending names; returns the path.

    Args:
        path: of the file.
        figure: what is drawn.
        overwrite: whether a file that bispike did not write may be replaced.

    Raises:
        ConfigurationError: the ending is none of `FORMATS`.
        UserError: a file that bispike did not write is there, or the path cannot be written.
    """
    target = Path(path)
    kind = target.suffix.lower().removeprefix(".")
    if kind not in FORMATS:
        raise ConfigurationError(f"{target}: expected a picture file that ends in .{', .'.join(FORMATS)}.")
    content = io.BytesIO()
    with rendering({"svg.fonttype": "none", "svg.hashsalt": "bispike"}):
        figure.savefig(content, format=kind, dpi=200, facecolor="white", **_MARKED[kind])
    return write_output(target, content.getvalue(), overwrite=overwrite)
