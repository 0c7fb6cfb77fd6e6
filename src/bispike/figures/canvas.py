"""The paper on which figures are drawn: one style, colours that suit colour-blind readers, SVG for light
and dark.

Figures are 4.6 inches wide, so that their text is readable on a phone as well as two beside each other on a
page. The colours of lines and text are names in disguise: `to_svg` turns them into CSS variables with a
value for a light and one for a dark page. Figures are plain `matplotlib.figure.Figure` objects with an Agg
canvas; nothing is registered with pyplot.
"""

from __future__ import annotations

import base64
import io
import re
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, ParamSpec

import matplotlib
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ..escaping import printable

P = ParamSpec("P")

WIDTH = 4.6  # inches

INK, FAINT, GRID = "#1f2328", "#6e7781", "#d9dee3"
BOTTOM_UP, TOP_DOWN = "#0072b2", "#d55e00"
# Okabe & Ito's palette (https://jfly.uni-koeln.de/color/), without black and the two pathways' colours first.
SERIES = (BOTTOM_UP, TOP_DOWN, "#009e73", "#cc79a7", "#56b4e9", "#b58900")
MARKERS = ("o", "s", "^", "D", "v", "P")
_DARK = {
    INK: "#e6edf3",
    FAINT: "#9198a1",
    GRID: "#3d444d",
    BOTTOM_UP: "#4fa8e0",
    TOP_DOWN: "#f0883e",
    "#009e73": "#2fc29a",
    "#cc79a7": "#e29ac4",
    "#56b4e9": "#9bd3f5",
    "#b58900": "#f2c14e",
}
_STYLE: dict[Any, Any] = {
    "font.family": "sans-serif",
    "font.size": 9.0,
    "axes.titlesize": 9.5,
    "axes.titlecolor": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": FAINT,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.facecolor": "none",
    "figure.facecolor": "none",
    "savefig.facecolor": "none",
    "grid.color": GRID,
    "grid.linewidth": 0.6,
    "legend.frameon": False,
    "legend.labelcolor": INK,
    "legend.fontsize": 8.5,
    "lines.linewidth": 1.8,
    "lines.markersize": 4.5,
    "text.color": INK,
    "text.parse_math": False,
    "xtick.color": FAINT,
    "ytick.color": FAINT,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.labelsize": 8.5,
    "ytick.labelsize": 8.5,
    "svg.fonttype": "none",
    "svg.hashsalt": "bispike",
}


@contextmanager
def rendering(style: dict[Any, Any]) -> Iterator[None]:
    """Text is drawn as it is, in a style: dollar signs are no formula, and no missing glyph is warned of.

    Names may be in scripts that the drawing font lacks; a browser has a font for them.
    """
    with matplotlib.rc_context({"text.parse_math": False, **style}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        yield


def styled(draw: Callable[P, Figure]) -> Callable[P, Figure]:
    """Decorator: draw a figure in the report's style, whatever the user's settings of matplotlib are."""

    @wraps(draw)
    def in_style(*args: P.args, **kwargs: P.kwargs) -> Figure:
        with rendering({}):
            matplotlib.rcdefaults()
            matplotlib.rcParams.update(_STYLE)
            return draw(*args, **kwargs)

    return in_style


def canvas(*, height: float = 2.9, width: float = WIDTH) -> Figure:
    """An empty figure (inches)."""
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def whole_epochs(axes: Axes) -> None:
    """Label the x axis as epochs, with ticks at whole numbers only."""
    axes.set_xlabel("epoch")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))


def label_text(name: object, limit: int = 16) -> str:
    """A name for a figure in one line of printable characters, shortened to `limit` of them.

    matplotlib takes a label that begins with an underscore for one that no legend shows: a space before it helps.
    """
    text = printable(" ".join(str(name).split()))
    shown = text if len(text) <= limit else text[: limit - 1] + "…"
    return f" {shown}" if shown.startswith("_") else shown


def to_svg(figure: Figure) -> str:
    """The figure as an SVG document whose colours follow the reader's light or dark setting."""
    buffer = io.StringIO()
    with rendering(_STYLE):
        figure.savefig(buffer, format="svg", dpi=200, metadata={"Date": None, "Creator": None})
    text = buffer.getvalue()
    text = re.sub(r"<\?xml.*?\?>\s*|<!DOCTYPE.*?>\s*|<metadata>.*?</metadata>\s*", "", text, flags=re.DOTALL)
    text = re.sub(r"'DejaVu Sans'(, [^;\"]*)?", "system-ui, sans-serif", text)
    for index, light in enumerate(_DARK):
        text = text.replace(light, f"var(--c{index})")
    lights = "".join(f"--c{i}:{light};" for i, light in enumerate(_DARK))
    darks = "".join(f"--c{i}:{dark};" for i, dark in enumerate(_DARK.values()))
    style = f"<style>:root{{{lights}}}@media(prefers-color-scheme:dark){{:root{{{darks}}}}}</style>"
    return re.sub(r"(<svg[^>]*>)", lambda opening: opening.group(1) + style, text, count=1)


def to_data_uri(figure: Figure) -> str:
    """The figure as a `data:` address of its SVG, for an `<img>`."""
    return "data:image/svg+xml;base64," + base64.b64encode(to_svg(figure).encode()).decode()
