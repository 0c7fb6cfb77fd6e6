"""Figures of top-down recall: layers of a recalled class, completed cues, drawn images, capacity of a memory."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import torch
from matplotlib.figure import Figure
from torch import Tensor
from torch.nn import functional as F

from ..memory.curves import CurvePoint
from .canvas import GRID, MARKERS, canvas, label_text, styled
from .pictures import show_stimulus

LIMIT = 0.05  # share of wrong bits up to which a pair counts as stored


@styled
def layer_gallery(names: Sequence[str], rows: Sequence[tuple[str, Tensor]], stimuli: Tensor) -> Figure:
    """One column per concept: the recalled stimulus, and below it the top-down firing rates of each layer.

    Args:
        names: of the N concepts.
        rows: name and rates `[N, *shape]` of each layer, lowest first; dense layers are drawn as a square grid of
            neurons, maps as the mean over channels.
        stimuli: `[N, *shape]`.
    """
    figure = canvas(width=max(2.4, 0.95 * len(names) + 0.8), height=1.05 * (len(rows) + 1))
    grid = figure.subplots(len(rows) + 1, len(names), squeeze=False)
    for j, name in enumerate(names):
        show_stimulus(grid[0, j], stimuli[j])
        grid[0, j].set_title(label_text(name, 12), fontsize=8.5)
        for i, (_, rates) in enumerate(rows, start=1):
            show_stimulus(grid[i, j], as_picture(rates[j]))
    for i, label in enumerate(["stimulus", *[name for name, _ in rows]]):
        grid[i, 0].set_ylabel(label, rotation=0, ha="right", va="center", fontsize=8.5)
    return figure


def as_picture(rates: Tensor) -> Tensor:
    """`[1, H, W]` of the rates of a layer: maps averaged over channels, neurons on a square grid."""
    if rates.dim() == 3:
        return rates.mean(0, keepdim=True)
    side = math.ceil(math.sqrt(rates.numel()))
    return F.pad(rates.flatten(), (0, side * side - rates.numel())).view(1, side, side)


@styled
def completion_figure(
    cues: Tensor, passes: Sequence[Tensor], originals: Tensor | None, *, names: Sequence[str] = ()
) -> Figure:
    """One row per cue: the cue, the stimulus after each pass, and the original.

    Args:
        cues: `[N, *shape]`, with NaN or any value where hidden.
        passes: `[N, *shape]` after each pass.
        originals: `[N, *shape]`; None if they are not known.
        names: of the rows.
    """
    columns = [("cue", cues), *[(f"pass {i}", values) for i, values in enumerate(passes, start=1)]]
    if originals is not None:
        columns.append(("original", originals))
    figure = canvas(width=0.95 * len(columns) + 0.9, height=0.98 * len(cues) + 0.3)
    grid = figure.subplots(len(cues), len(columns), squeeze=False)
    for j, (title, values) in enumerate(columns):
        grid[0, j].set_title(title, fontsize=8.5)
        for i in range(len(cues)):
            show_stimulus(grid[i, j], values[i])
    for i, name in enumerate(names):
        grid[i, 0].set_ylabel(label_text(name, 12), rotation=0, ha="right", va="center", fontsize=8.5)
    return figure


@styled
def image_rows(rows: Sequence[tuple[str, Tensor]]) -> Figure:
    """Rows of images `[N, *shape]`, each with a name: originals and reconstructions, or drawn images of a class."""
    columns = max(len(images) for _, images in rows)
    figure = canvas(width=0.72 * columns + 1.0, height=0.75 * len(rows))
    grid = figure.subplots(len(rows), columns, squeeze=False)
    for i, (name, images) in enumerate(rows):
        for j in range(columns):
            if j < len(images):
                show_stimulus(grid[i, j], images[j])
            else:
                grid[i, j].set_axis_off()
        grid[i, 0].set_ylabel(label_text(name, 16), rotation=0, ha="right", va="center", fontsize=8.5)
    return figure


@styled
def capacity_figure(curves: Mapping[str, Sequence[CurvePoint]], *, flipped: float = 0.25) -> Figure:
    """Wrong bits after settling against the number of pairs stored, one panel per side, all memories together."""
    figure = canvas(width=7.2, height=3.1)
    panels = figure.subplots(1, 2, sharey=True)
    for axes, side in zip(panels, ("concept", "stimulus"), strict=True):
        for mark, (name, points) in zip(MARKERS, curves.items(), strict=False):
            values = [100 * getattr(point, side) for point in points]
            axes.plot([point.at for point in points], values, marker=mark, markersize=3.5, label=name)
        axes.axhline(100 * LIMIT, color=GRID, linestyle="--", linewidth=1)
        axes.set_xlabel("pairs stored")
        axes.set_title(f"{side}, {100 * flipped:.0f} % of the cue flipped", fontsize=9)
    panels[0].set_ylabel("wrong bits after settling (%)")
    panels[0].legend(fontsize=8)
    return figure


@styled
def robustness_figure(kinds: Mapping[str, Mapping[str, Sequence[CurvePoint]]], *, pairs: int) -> Figure:
    """Wrong bits of the stimulus against damage to the cue, one panel per kind of damage, all memories together."""
    figure = canvas(width=7.2, height=3.1)
    panels = figure.subplots(1, len(kinds), sharey=True, squeeze=False)[0]
    for axes, (kind, curves) in zip(panels, kinds.items(), strict=True):
        for mark, (name, points) in zip(MARKERS, curves.items(), strict=False):
            shares = [100 * point.at for point in points]
            axes.plot(shares, [100 * p.stimulus for p in points], marker=mark, markersize=3.5, label=name)
        axes.axhline(100 * LIMIT, color=GRID, linestyle="--", linewidth=1)
        axes.set_xlabel(f"{kind} share of the cue (%)")
        axes.set_title(f"{pairs} pairs stored", fontsize=9)
    panels[0].set_ylabel("wrong bits of the stimulus (%)")
    panels[0].legend(fontsize=8)
    return figure


@styled
def replay_figure(sequence: Tensor, forward: Tensor, backward: Tensor) -> Figure:
    """A stored sequence `[length, *shape]` of images, its replay from the first item, and from the last."""
    rows = [
        ("stored", sequence),
        ("forward", torch.cat([sequence[:1], forward])),
        ("backward", torch.cat([backward, sequence[-1:]])),
    ]
    return image_rows(rows)
