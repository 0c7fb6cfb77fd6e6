"""Figures of stimuli: how one stimulus is shown, and the gallery of recalled ones."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from .canvas import BOTTOM_UP, GRID, canvas, label_text, styled


@dataclass(frozen=True)
class Recollection:
    """What one class calls up, beside what the class looks like.

    Args:
        name: of the class.
        recalled: `[*shape]` the recalled stimulus.
        mean: `[*shape]` mean stimulus of the class; NaN if it has no sample.
        examples: a few stimuli of the class, each `[*shape]`.
    """

    name: str
    recalled: Tensor
    mean: Tensor
    examples: Sequence[Tensor]


def show_stimulus(axes: Axes, stimulus: Tensor, *, low: float = 0.0, high: float = 1.0) -> None:
    """Draw one stimulus: an image `[channels, height, width]`, or the values of a vector as bars.

    Args:
        low, high: values drawn as black and as white; what lies outside is cut off.
    """
    axes.grid(visible=False)
    axes.set_xticks([])
    axes.set_yticks([])
    values = stimulus.detach().float()
    if values.ndim == 3:
        scaled = ((values - low) / max(high - low, 1e-12)).clamp(0, 1)
        shown = scaled.permute(1, 2, 0) if len(scaled) == 3 else scaled.mean(0)
        axes.imshow(shown.numpy(), cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    else:
        flat = values.flatten()
        axes.bar(range(len(flat)), flat.numpy(), width=1.0, color=BOTTOM_UP)
        axes.axhline(0, color=GRID, linewidth=0.6)
        axes.set_ylim(min(low, 0.0), max(high, 1e-6))
        axes.set_box_aspect(1)
    for spine in axes.spines.values():
        spine.set_visible(True)
        spine.set_color(GRID)


@styled
def recall_gallery(rows: Sequence[Recollection], *, low: float = 0.0, high: float = 1.0) -> Figure:
    """A row a class: the recalled stimulus, the mean of the class, and examples, all on one scale."""
    examples = max((len(row.examples) for row in rows), default=0)
    columns = 2 + examples
    figure = canvas(height=0.25 + 0.82 * len(rows))
    grid = figure.subplots(len(rows), columns, squeeze=False)
    for i, row in enumerate(rows):
        pictures = [row.recalled, row.mean, *row.examples]
        for j in range(columns):
            axes = grid[i, j]
            if j >= len(pictures) or math.isnan(float(pictures[j].sum())):
                axes.set_axis_off()
                continue
            show_stimulus(axes, pictures[j], low=low, high=high)
        grid[i, 0].set_ylabel(label_text(row.name, 11), rotation=0, ha="right", va="center")
        grid[i, 0].set_axis_on()
    for j, title in enumerate(["recalled", "class mean", *["example"] * examples]):
        grid[0, j].set_title(title, fontsize=8.5)
    return figure
