"""Draws architecture.svg: the two pathways of a network with one rule, and the rooms of the package.

python docs/images/architecture.py [FILE]
"""

from __future__ import annotations

import sys
from itertools import pairwise
from pathlib import Path

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

UP, DOWN, MEET, PLAIN = "#2b6cb0", "#b7791f", "#2f855a", "#4a5568"
LAYERS = 3
UP_X, MIDDLE_X, DOWN_X, WIDTH = 1.15, 4.2, 7.25, 2.3
FIRST_Y, STEP_Y = 2.5, 1.75
ROOMS = [
    ("cli", "one verb per file"),
    ("report", "the HTML page, one section per file"),
    ("studies", "grids and their tables"),
    ("experiments", "what combines training and analysis"),
    ("figures", "pictures"),
    ("analysis · bench", "measurements on a network, cost of a step"),
    ("memory · online", "associative memory, learning from a stream"),
    ("training · runs", "the loop, the folder of a run"),
    ("config", "one table of settings, presets"),
    ("data · tasks", "data sets, formats, evaluation"),
    ("rules", "one learning rule per file"),
    ("models", "network classes and builders"),
    ("nn", "synapse, norm, layer, passes"),
    ("functional", "the neuron's equation, losses, kernels"),
    ("settings", "how a setting is declared"),
]


def box(
    axes: Axes, x: float, y: float, width: float, height: float, text: str, colour: str, *, size: float = 9
) -> None:
    """A rounded box around (x, y) with text in its middle."""
    shape = FancyBboxPatch(
        (x - width / 2, y - height / 2),
        width,
        height,
        boxstyle="round,pad=0.02,rounding_size=0.12",
        facecolor=colour + "1a",
        edgecolor=colour,
        linewidth=1.3,
    )
    axes.add_patch(shape)
    axes.text(x, y, text, ha="center", va="center", fontsize=size, color="#1a202c")


def arrow(axes: Axes, start: tuple[float, float], end: tuple[float, float], colour: str, style: str = "-|>") -> None:
    """An arrow between two points."""
    axes.add_patch(FancyArrowPatch(start, end, arrowstyle=style, mutation_scale=12, color=colour, linewidth=1.5))


def draw_pathways(axes: Axes) -> None:
    """Bottom-up on the left, top-down on the right, the alignment of each layer between them."""
    height, top = 0.85, FIRST_Y + LAYERS * STEP_Y
    box(axes, UP_X, 0.6, WIDTH, 0.7, "stimulus  x", PLAIN, size=10)
    box(axes, DOWN_X, 0.6, WIDTH, 0.7, "recalled stimulus", DOWN, size=10)
    box(axes, MIDDLE_X, top + 1.2, 8.4, 0.7, "concept  y: a class, a character, a quantity", PLAIN, size=10)
    box(axes, UP_X, top - 0.2, WIDTH, height, "readout\n$W_L\\,r_L$, decision", UP)
    box(axes, DOWN_X, top - 0.2, WIDTH, height, "concept code\none row per class", DOWN)
    box(axes, MIDDLE_X, top - 0.2, 2.5, height, "task loss", MEET)
    for number in range(1, LAYERS + 1):
        y = FIRST_Y + (number - 1) * STEP_Y
        axes.axhspan(y - 0.65, y + 0.65, color="#edf2f7", zorder=0)
        axes.text(-0.6, y, f"layer {number}", rotation=90, ha="center", va="center", fontsize=9, color=PLAIN)
        box(axes, UP_X, y, WIDTH, height, f"$W_{number}$ → norm → LIF", UP)
        text = f"align($a_{number}$, $p_{number}$)\nlocal loss, closed form"
        box(axes, DOWN_X, y, WIDTH, height, f"LIF ← norm ← $\\Theta_{number}$", DOWN)
        box(
            axes,
            MIDDLE_X,
            y,
            2.5,
            height,
            text,
            MEET,
            size=8.5,
        )
    for y in [*(FIRST_Y + number * STEP_Y for number in range(LAYERS)), top - 0.2]:
        arrow(axes, (UP_X + WIDTH / 2 + 0.05, y), (MIDDLE_X - 1.3, y), MEET, "<|-|>")
        arrow(axes, (DOWN_X - WIDTH / 2 - 0.05, y), (MIDDLE_X + 1.3, y), MEET, "<|-|>")
    stops = [0.6 + 0.35, *(FIRST_Y + number * STEP_Y for number in range(LAYERS)), top - 0.2, top + 1.2]
    for place, (low, high) in enumerate(pairwise(stops)):
        first, last = place == 0, place == len(stops) - 2
        start, end = low + (0.05 if first else height / 2 + 0.03), high - (0.38 if last else height / 2 + 0.03)
        arrow(axes, (UP_X, start), (UP_X, end), UP)
        arrow(axes, (DOWN_X, end), (DOWN_X, start), DOWN)
    axes.text(UP_X + 0.12, 1.47, "encode", fontsize=8, color=UP, va="center")
    axes.text(DOWN_X + 0.12, 1.47, "$\\Theta_0$", fontsize=9, color=DOWN, va="center")
    axes.text(UP_X + 0.12, FIRST_Y + 0.87, "spikes", fontsize=8, color=UP, va="center")
    axes.text(DOWN_X + 0.12, FIRST_Y + 0.87, "spikes", fontsize=8, color=DOWN, va="center")
    axes.text(UP_X, -0.15, "bottom-up pass: perceive", ha="center", fontsize=10, color=UP, weight="bold")
    axes.text(DOWN_X, -0.15, "top-down pass: recall", ha="center", fontsize=10, color=DOWN, weight="bold")
    axes.text(MIDDLE_X, -0.15, "rule: align", ha="center", fontsize=10, color=MEET, weight="bold")
    axes.text(
        MIDDLE_X,
        0.6,
        "no error crosses a layer,\n$W$ and $\\Theta$ are never tied",
        ha="center",
        va="center",
        fontsize=8.5,
    )
    axes.set(xlim=(-0.9, 8.7), ylim=(-0.5, top + 1.75))


def draw_rooms(axes: Axes) -> None:
    """The rooms in the order of their imports, the lowest below."""
    count = len(ROOMS)
    for place, (name, purpose) in enumerate(ROOMS):
        y = count - 1 - place
        colour = MEET if name == "rules" else UP if name in ("models", "nn") else PLAIN
        box(axes, 2.5, y, 5, 0.78, "", colour)
        axes.text(2.5, y + 0.16, name, ha="center", va="center", fontsize=9.5, weight="bold", color="#1a202c")
        axes.text(2.5, y - 0.19, purpose, ha="center", va="center", fontsize=8, color=PLAIN)
    arrow(axes, (5.45, count - 0.7), (5.45, -0.3), PLAIN)
    axes.text(
        5.6,
        (count - 1) / 2,
        "imports point downward only",
        rotation=270,
        ha="left",
        va="center",
        fontsize=8.5,
        color=PLAIN,
    )
    axes.text(2.5, count - 0.25, "rooms of the package", ha="center", fontsize=10, weight="bold", color=PLAIN)
    axes.set(xlim=(-0.2, 6.1), ylim=(-0.6, count + 0.15))


def main(path: Path) -> None:
    """Write the picture."""
    matplotlib.rcParams.update({"svg.hashsalt": "bispike", "svg.fonttype": "path"})
    figure, (left, right) = plt.subplots(1, 2, figsize=(12, 7), width_ratios=(9.6, 6.3))
    for axes in (left, right):
        axes.set_axis_off()
    draw_pathways(left)
    draw_rooms(right)
    figure.subplots_adjust(left=0.01, right=0.99, bottom=0.01, top=0.99, wspace=0.03)
    figure.savefig(path, facecolor="white", metadata={"Date": None} if path.suffix == ".svg" else None)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).with_name("architecture.svg"))
