"""Figures of spiking: the raster of both pathways, firing rates, silent units, agreement."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from ..analysis import Agreement, Firing, LayerFiring
from .canvas import BOTTOM_UP, FAINT, GRID, INK, TOP_DOWN, canvas, label_text, styled
from .pictures import show_stimulus

PATHWAYS = ("bottom-up", "top-down")


@dataclass(frozen=True)
class Raster:
    """Spikes of a few units of one layer for one stimulus and for the imagination of its class.

    Args:
        name: name of the layer.
        seen: `[T, U]` 0 or 1, bottom-up.
        imagined: `[T, U]` 0 or 1, top-down; None where that pathway is not trained.
    """

    name: str
    seen: Tensor
    imagined: Tensor | None


@styled
def raster(stimulus: Tensor, layers: Sequence[Raster], *, true: str, decided: str) -> Figure:
    """Spikes of the pathways: time steps to the right, units upward, layers stacked from bottom to top."""
    units = sum(layer.seen.shape[1] for layer in layers)
    sides = [("bottom-up", BOTTOM_UP, [layer.seen for layer in layers])]
    imagined = [layer.imagined for layer in layers if layer.imagined is not None]
    if len(imagined) == len(layers):
        sides.append(("top-down", TOP_DOWN, imagined))
    figure = canvas(height=1.3 + 0.032 * units)
    picture, *panels = figure.subplots(1, 1 + len(sides), width_ratios=[0.8, *[2 / len(sides)] * len(sides)])
    show_stimulus(picture, stimulus)
    picture.set_title(f"“{label_text(true, 11)}”\ndecided: {label_text(decided, 11)}", fontsize=8.5)
    for axes, (title, colour, trains) in zip(panels, sides, strict=True):
        _frame(axes, title, steps=trains[0].shape[0])
        centres = _marks(axes, trains, colour=colour)
        axes.set_yticks(centres, [label_text(s.name) for s in layers], rotation=90, va="center")
        axes.tick_params(axis="y", length=0, labelleft=axes is panels[0])
    return figure


def _marks(axes: Axes, layers: Sequence[Tensor], *, colour: str) -> list[float]:
    """A mark for each spike of trains `[T, U]`, layer above layer; the heights of the layers' centres."""
    base, centres = 0, []
    for trains in layers:
        step, unit = trains.nonzero(as_tuple=True)
        axes.vlines(step + 1, unit + base - 0.45, unit + base + 0.45, color=colour, linewidth=3.0)
        if base:
            axes.axhline(base - 2, color=FAINT, linewidth=0.8)
        centres.append(base + (trains.shape[1] - 1) / 2)
        base += trains.shape[1] + 3
    axes.set_ylim(-1, base - 3)
    return centres


def _frame(axes: Axes, title: str, *, steps: int) -> None:
    axes.set_title(title)
    axes.set_xlabel("time step")
    axes.set_xlim(0.4, steps + 0.6)
    axes.set_xticks(range(1, steps + 1, max(1, steps // 8)))
    axes.grid(visible=False, axis="y")


@styled
def firing_rates(health: Sequence[LayerFiring], *, pathways: Sequence[str] = PATHWAYS) -> Figure:
    """Mean firing rate of each layer, with the middle 80 % of its units."""
    figure = canvas(height=0.95 + 0.31 * len(pathways) * len(health))
    axes = figure.subplots()
    for pathway, places, height, colour, sides in _bars(health, pathways):
        axes.barh(places, [100 * s.rate for s in sides], height=height, color=colour, label=pathway)
        quantiles = [np.quantile(100 * s.unit_rates.numpy(), [0.1, 0.9]) for s in sides]
        lows, highs = np.stack(quantiles, 1)
        axes.hlines(places, lows, highs, color=INK, linewidth=1.2)
    _layers(axes, [layer.name for layer in health])
    axes.set_xlabel("spikes per 100 time steps")
    axes.set_title("Firing rate")
    axes.set_xlim(0, max(axes.get_xlim()[1], 10))
    figure.legend(loc="outside lower center", ncols=2)
    return figure


@styled
def idle_units(health: Sequence[LayerFiring], *, pathways: Sequence[str] = PATHWAYS) -> Figure:
    """Share of dead and of saturated units of each layer."""
    figure = canvas(height=1.05 + 0.31 * len(pathways) * len(health))
    axes = figure.subplots()
    for pathway, places, height, colour, sides in _bars(health, pathways):
        dead, always = [100 * s.dead for s in sides], [100 * s.saturated for s in sides]
        axes.barh(places, dead, height=height, color=colour, label=f"{pathway}: never")
        hatched: dict[str, Any] = {
            "facecolor": "none",
            "edgecolor": colour,
            "hatch": "////",
            "label": f"{pathway}: always",
        }
        axes.barh(places, always, left=dead, height=height, **hatched)
        for place, a, b in zip(places, dead, always, strict=True):
            text = f"{a:.0f} / {b:.0f}"
            axes.annotate(text, (a + b, place), (3, 0), textcoords="offset points", va="center", fontsize=8)
    _layers(axes, [layer.name for layer in health])
    axes.set_xlabel("units (%)")
    axes.set_title("Units that never / always spike")
    axes.set_xlim(0, min(118.0, max(1.25 * axes.get_xlim()[1], 10)))
    figure.legend(loc="outside lower center", ncols=2)
    return figure


def _bars(
    health: Sequence[LayerFiring], pathways: Sequence[str]
) -> Iterator[tuple[str, list[float], float, str, list[Firing]]]:
    """For each pathway: its name, the places and the thickness of its bars, its colour, its firing."""
    height = 0.72 / len(pathways)
    for i, pathway in enumerate(pathways):
        places = [j + (i - (len(pathways) - 1) / 2) * 1.1 * height for j in range(len(health))]
        if pathway == "bottom-up":
            yield pathway, places, height, BOTTOM_UP, [layer.bottom_up for layer in health]
        else:
            yield pathway, places, height, TOP_DOWN, [layer.top_down for layer in health]


@styled
def agreement_levels(agreements: Sequence[Agreement]) -> Figure:
    """Agreement of the two pathways' spikes at each layer: own class, other classes, chance."""
    figure = canvas(height=1.15 + 0.45 * len(agreements))
    axes = figure.subplots()
    for i, level in enumerate(agreements):
        axes.plot([100 * level.other, 100 * level.own], [i, i], color=GRID, linewidth=4, zorder=1)
    places = range(len(agreements))
    chance = [100 * level.chance for level in agreements]
    axes.scatter(chance, places, marker="|", s=260, color=INK, linewidths=2, label="chance")
    other = [100 * level.other for level in agreements]
    axes.scatter(other, places, s=46, facecolors="none", edgecolors=TOP_DOWN, linewidths=1.6, label="other class")
    axes.scatter([100 * level.own for level in agreements], places, s=52, color=BOTTOM_UP, label="own class")
    _layers(axes, [level.name for level in agreements])
    axes.set_xlim(min(50.0, min([*chance, *other]) - 5), 101)
    axes.set_xlabel("equal spikes (%)")
    axes.set_title("Agreement of the two pathways")
    figure.legend(loc="outside lower center", ncols=3)
    return figure


def _layers(axes: Axes, names: Sequence[str]) -> None:
    axes.set_yticks(range(len(names)), [label_text(name) for name in names])
    axes.set_ylim(-0.6, len(names) - 0.4)
    axes.grid(visible=False, axis="y")
