"""Figures of matrices: decisions against true classes, bottom-up features against class templates."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import Colormap
from matplotlib.figure import Figure
from torch import Tensor

from .canvas import FAINT, canvas, label_text, styled

FEW = 12  # up to so many classes each is named and each cell has its number


@styled
def confusion_heatmap(matrix: Tensor, names: Sequence[str]) -> Figure:
    """Confusion matrix `[C, C]` (counts), coloured by the share of each true class."""
    shares = 100 * matrix / matrix.sum(1, keepdim=True)
    figure = canvas(height=3.9)
    axes = figure.subplots()
    image = axes.imshow(shares.numpy(), cmap=_coloured("cividis"), vmin=0, vmax=100, interpolation="nearest")
    _name_classes(axes, names)
    axes.set_xlabel("decision")
    axes.set_ylabel("true class")
    if len(names) <= FEW:
        for i, row in enumerate(matrix.tolist()):
            for j, count in enumerate(row):
                if count:
                    colour = "#000000" if shares[i, j] > 50 else "#ffffff"
                    axes.text(j, i, str(count), ha="center", va="center", fontsize=7.5, color=colour)
    figure.colorbar(image, ax=axes, label="share of the true class (%)", pad=0.02)
    return figure


@styled
def affinity_pair(before: Tensor | None, after: Tensor, names: Sequence[str], *, layer: str) -> Figure:
    """Affinity `[C, C]` of one layer before and after training, on the same scale from -1 to 1."""
    shown = [("after training", after)] if before is None else [("before", before), ("after training", after)]
    figure = canvas(height=2.4)
    grid = figure.subplots(1, len(shown), squeeze=False)[0]
    for axes, (title, matrix) in zip(grid, shown, strict=True):
        image = axes.imshow(matrix.numpy(), cmap=_coloured("PuOr_r"), vmin=-1, vmax=1, interpolation="nearest")
        axes.set_title(f"{label_text(layer)}: {title}")
        _name_classes(axes, names, size=7)
        axes.set_xlabel("top-down template of")
    grid[0].set_ylabel("bottom-up mean of")
    if len(grid) > 1:
        grid[1].set_yticklabels([])
    figure.colorbar(image, ax=list(grid), label="cosine", shrink=0.8, pad=0.02, ticks=[-1, 0, 1])
    return figure


def _coloured(name: str) -> Colormap:
    """A colour map in which unknown values (an absent class) are grey."""
    return colormaps[name].with_extremes(bad=FAINT)


def _name_classes(axes: Axes, names: Sequence[str], *, size: float = 8.0) -> None:
    axes.grid(visible=False)
    if len(names) <= FEW:
        short = [label_text(name, 9) for name in names]
        upright = max(len(name) for name in short) <= 2
        axes.set_xticks(range(len(names)), short, rotation=0 if upright else 90, fontsize=size)
        axes.set_yticks(range(len(names)), short, fontsize=size)
    axes.tick_params(length=0)
