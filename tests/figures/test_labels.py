"""Names that do not lie on each other."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.text import Annotation, Text

from bispike.figures.labels import spread_out
from bispike.figures.study import Curve, Point, cost_scatter, learning_curves


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(0, 10), max_size=8))
def test_places_keep_order_and_distance_and_stay_inside(values: list[float]) -> None:
    places = spread_out(values, gap=1.0, low=0.0, high=10.0)
    order = sorted(range(len(values)), key=lambda i: values[i])
    for before, after in pairwise(order):
        assert places[after] - places[before] >= 1 - 1e-9
    assert all(-1e-9 <= place <= 10 + 1e-9 for place in places)


def test_values_that_are_far_apart_keep_their_places() -> None:
    assert spread_out([3.0, 1.0, 9.0], gap=1.0, low=0.0, high=10.0) == [3.0, 1.0, 9.0]
    assert spread_out([2.0, 2.0], gap=1.0, low=0.0, high=10.0) == [1.5, 2.5]


def test_names_of_crowded_points_do_not_overlap() -> None:
    points = [Point(f"rule-{i}", 5 + 0.1 * i, 0.9 + 0.0005 * i, 0.001, "spikes") for i in range(8)]
    figure = cost_scatter({"cost": points}, metric="accuracy")
    figure.draw_without_rendering()
    names = [child for child in figure.axes[0].get_children() if isinstance(child, Annotation)]
    assert sorted(name.get_text() for name in names) == [point.name for point in points]
    boxes = [Text.get_window_extent(name) for name in names]
    assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])


def test_every_curve_is_named_at_its_end() -> None:
    figure = learning_curves([Curve(f"r{i}", [1, 2], [0.5, 0.9], [0.0, 0.1]) for i in range(5)])
    texts = {text.get_text(): text.get_position()[1] for text in figure.axes[0].texts}
    assert set(texts) == {f"r{i}" for i in range(5)}
    assert len(set(texts.values())) == 5
