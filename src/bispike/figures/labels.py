"""Names in a figure that do not lie on each other: along an axis, and beside points."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.transforms import Bbox

from .canvas import FAINT, INK

# Where a name may stand, from the point: dx, dy in points of type; the nearest first.
_PLACES = sorted(
    ((side * dx, dy) for dx in (6, 14, 24, 36) for dy in range(-60, 61, 6) for side in (1, -1)),
    key=lambda place: (abs(place[1]) + 0.7 * abs(place[0]), place[0] < 0, place[1] < 0),
)


def spread_out(values: Sequence[float], *, gap: float, low: float, high: float) -> list[float]:
    """Places near the values, in their order and at least `gap` apart, between low and high if they fit there.

    Returns:
        A place for each value.
    """
    order = sorted(range(len(values)), key=lambda i: values[i])
    # Blocks of names that touch: each lies as near to its values as possible, and merges with a block that it overlaps.
    blocks: list[list[int]] = []
    for i in order:
        blocks.append([i])
        while len(blocks) > 1 and _start(blocks[-1], values, gap) < _end(blocks[-2], values, gap) + gap:
            blocks[-2:] = [blocks[-2] + blocks[-1]]
    places = [0.0] * len(values)
    for block in blocks:
        for k, i in enumerate(block):
            places[i] = _start(block, values, gap) + k * gap
    if order and places[order[0]] < low:
        _push(places, order, low, gap)
    if order and places[order[-1]] > high:
        _push(places, order[::-1], high, -gap)
    return places


def _start(block: Sequence[int], values: Sequence[float], gap: float) -> float:
    return sum(values[i] for i in block) / len(block) - gap * (len(block) - 1) / 2


def _end(block: Sequence[int], values: Sequence[float], gap: float) -> float:
    return _start(block, values, gap) + gap * (len(block) - 1)


def _push(places: list[float], order: Sequence[int], border: float, gap: float) -> None:
    """From the border inwards, move each place that is too near to the one before it."""
    for i in order:
        places[i] = max(places[i], border) if gap > 0 else min(places[i], border)
        border = places[i] + gap


def place_beside(axes: Axes, points: Sequence[tuple[float, float, str]], *, size: float = 8.0) -> None:
    """Write a name beside each point `(x, y, name)`, where it covers no other point and no other name.

    The figure must have been laid out. Where no free place is found the name stands in the least covered one.
    """
    scale = axes.figure.dpi / 72
    centres = [tuple(map(float, axes.transData.transform((x, y)))) for x, y, _ in points]
    taken = [Bbox.from_bounds(cx - 4 * scale, cy - 4 * scale, 8 * scale, 8 * scale) for cx, cy in centres]
    for number in sorted(range(len(points)), key=lambda i: -centres[i][1]):
        x, y, name = points[number]
        text = axes.text(x, y, name, fontsize=size)
        extent = text.get_window_extent()
        text.remove()
        boxes = [(_box(centres[number], extent, dx, dy, scale), (dx, dy)) for dx, dy in _PLACES]
        box, (dx, dy) = min(boxes, key=lambda found: _covered(found[0], taken, axes.get_window_extent()))
        taken.append(box)
        arrow = {"arrowstyle": "-", "color": FAINT, "linewidth": 0.6, "shrinkA": 0, "shrinkB": 3}
        made = axes.annotate(
            name,
            (x, y),
            (dx, dy),
            textcoords="offset points",
            ha="left" if dx > 0 else "right",
            va="center",
            fontsize=size,
            color=INK,
            arrowprops=arrow if abs(dx) > 6 or abs(dy) > 6 else None,
        )
        made.set_in_layout(False)


def _box(centre: Sequence[float], extent: Bbox, dx: float, dy: float, scale: float) -> Bbox:
    """Where a name lies that stands (dx, dy) points from its point, in pixels."""
    left = centre[0] + dx * scale - (extent.width if dx < 0 else 0.0)
    return Bbox.from_bounds(left, centre[1] + dy * scale - extent.height / 2, extent.width, extent.height)


def _covered(box: Bbox, taken: Sequence[Bbox], inside: Bbox) -> float:
    """Area of the box, in square pixels, on what is taken or outside of the axes."""
    covered = sum(_area(Bbox.intersection(box, other)) for other in taken)
    return covered + box.width * box.height - _area(Bbox.intersection(box, inside))


def _area(box: Bbox | None) -> float:
    return 0.0 if box is None else box.width * box.height
