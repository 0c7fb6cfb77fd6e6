"""Figures: labelled, well-formed, drawn without global state, whatever the names and sizes are."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from xml.etree import ElementTree

import matplotlib
import pytest
import torch
from matplotlib._pylab_helpers import Gcf
from matplotlib.figure import Figure

from bispike import figures
from bispike.analysis import Agreement, LayerReading, firing_health
from bispike.figures.files import write_picture
from bispike.figures.study import Point, cost_scatter, row_values

from ..hostile import HOSTILE, acting

EYE = torch.eye(3)
METRICS = [
    {"epoch": 1, "loss": 2.0, "train_accuracy": 0.3, "validation": 0.2, "layer_losses": {"layer1": 3.0}},
    {"epoch": 2, "loss": 1.0, "train_accuracy": 0.6, "validation": None, "layer_losses": {"layer1": 1.5}},
]
HEALTH = firing_health([LayerReading(f"layer{i}", torch.rand(6, 5), torch.rand(3, 5), None) for i in (1, 2)])
TRAIN = torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
IMAGE = torch.rand(1, 6, 5)
NAMES = ("a", "$b_$", "数字<&>")

DRAWN: dict[str, Callable[[], Figure]] = {
    "loss": lambda: figures.loss_curve(METRICS),
    "accuracy": lambda: figures.accuracy_curve(METRICS, guessing=0.1),
    "layer losses": lambda: figures.layer_loss_curves(METRICS),
    "validation": lambda: figures.validation_curves({"_a": [(1, 0.5), (2, 0.6)], NAMES[2]: [(1, 0.4)]}),
    "angles": lambda: figures.angle_curves({"layer1": [(0, 90.0), (1, 70.0)]}, {"layer1": 2.0}),
    "confusion": lambda: figures.confusion_heatmap(torch.tensor([[3, 1, 0], [0, 0, 0], [0, 0, 4]]), NAMES),
    "many classes": lambda: figures.confusion_heatmap(torch.eye(40).long(), [f"class {i}" for i in range(40)]),
    "affinity": lambda: figures.affinity_pair(-EYE, EYE, NAMES, layer="layer1"),
    "affinity, no start": lambda: figures.affinity_pair(None, EYE / math.nan, NAMES, layer="layer1"),
    "raster": lambda: figures.raster(
        IMAGE, [figures.Raster("layer1", TRAIN, TRAIN), figures.Raster("s2", TRAIN, TRAIN)], true="a", decided=NAMES[1]
    ),
    "raster, one pathway": lambda: figures.raster(
        torch.randn(7), [figures.Raster("layer1", TRAIN, None)], true="a", decided="b"
    ),
    "firing": lambda: figures.firing_rates(HEALTH),
    "idle": lambda: figures.idle_units(HEALTH),
    "idle, one pathway": lambda: figures.idle_units(HEALTH, pathways=figures.PATHWAYS[:1]),
    "agreement": lambda: figures.agreement_levels([Agreement("layer1", 0.9, 0.6, 0.5, 0.3, 0.01)]),
    "recall": lambda: figures.recall_gallery(
        [
            figures.Recollection(NAMES[2], IMAGE, IMAGE, [IMAGE, IMAGE]),
            figures.Recollection("absent", IMAGE, IMAGE * math.nan, []),
        ]
    ),
    "recall, colour": lambda: figures.recall_gallery(
        [figures.Recollection("a", torch.rand(3, 4, 4), torch.rand(3, 4, 4), [torch.rand(3, 4, 4)])]
    ),
    "recall, vector": lambda: figures.recall_gallery([figures.Recollection("a", torch.randn(9), torch.randn(9), [])]),
}


@pytest.fixture(params=DRAWN, ids=list(DRAWN))
def drawn(request: pytest.FixtureRequest) -> tuple[str, Figure]:
    return request.param, DRAWN[request.param]()


def test_figure_is_a_well_formed_picture_without_foreign_references(drawn: tuple[str, Figure]) -> None:
    text = figures.to_svg(drawn[1])
    root = ElementTree.fromstring(text)
    assert root.tag.endswith("svg")
    loaded = [value for node in root.iter() for key, value in node.attrib.items() if key.endswith("href")]
    assert all(value.startswith(("data:image/png;base64,", "#")) for value in loaded)
    assert not re.search(r"url\((?!#)", text)
    assert figures.to_data_uri(drawn[1]).startswith("data:image/svg+xml;base64,")


def test_axes_with_a_scale_are_labelled(drawn: tuple[str, Figure]) -> None:
    if drawn[0].startswith("recall"):
        assert all(not axes.get_xticks().size for axes in drawn[1].axes if axes.axison)
        return
    scaled = [axes for axes in drawn[1].axes if len(axes.get_xticks()) and axes.get_label() != "<colorbar>"]
    assert scaled
    assert all(axes.get_xlabel() for axes in scaled)
    left = scaled[0]
    assert left.get_ylabel() or any(label.get_text() for label in left.get_yticklabels())


def test_drawing_leaves_no_trace_in_the_process(drawn: tuple[str, Figure]) -> None:
    before = dict(matplotlib.rcParams)
    figures.to_svg(DRAWN[drawn[0]]())
    assert dict(matplotlib.rcParams) == before
    assert not Gcf.figs


def test_drawing_does_not_depend_on_the_users_settings() -> None:
    plain = figures.to_svg(DRAWN["loss"]())
    with matplotlib.rc_context({"font.size": 30, "axes.grid": False, "lines.linewidth": 9}):
        assert figures.to_svg(DRAWN["loss"]()) == plain


def test_colours_have_a_value_for_light_and_dark_pages() -> None:
    text = figures.to_svg(DRAWN["accuracy"]())
    style, rest = text.split("</style>", 1)
    assert "prefers-color-scheme:dark" in style
    used = set(re.findall(r"var\((--c\d+)\)", rest))
    assert len(used) >= 4
    for name in used:
        assert style.count(f"{name}:") == 2
    assert "#0072b2" not in rest


def test_names_are_shown_as_text_and_not_as_formulas() -> None:
    text = figures.to_svg(DRAWN["confusion"]())
    words = "".join(ElementTree.fromstring(text).itertext())
    assert all(name in words for name in NAMES)


@pytest.mark.parametrize(
    ("name", "expected"), [("short", "short"), ("a\tb\x00", r"a b\x00"), ("_a", " _a"), ("x" * 20, "x" * 15 + "…")]
)
def test_long_and_unprintable_names_are_made_fit(name: str, expected: str) -> None:
    from bispike.figures.canvas import label_text

    assert label_text(name) == expected


def test_spikes_are_drawn_where_they_happened() -> None:
    figure = figures.raster(IMAGE, [figures.Raster("s", TRAIN, TRAIN)], true="a", decided="a")
    _, seen, imagined = figure.axes
    for axes in (seen, imagined):
        segments = axes.collections[0].get_segments()
        marks = {(float(s[0][0]), round(float(s.mean(0)[1]), 3)) for s in segments}
        assert marks == {(1.0, 0.0), (2.0, 1.0), (3.0, 0.0), (3.0, 1.0)}


def test_local_losses_are_relative_to_the_first_epoch() -> None:
    line = figures.layer_loss_curves(METRICS).axes[0].lines[0]
    assert list(line.get_ydata()) == [1.0, 0.5]


def test_before_and_after_share_one_scale() -> None:
    figure = figures.affinity_pair(0.1 * EYE, EYE, NAMES, layer="layer1")
    assert {axes.images[0].get_clim() for axes in figure.axes[:2]} == {(-1.0, 1.0)}


@pytest.mark.parametrize(("row", "unit"), [({"loss": 0.5}, "nats"), ({"loss": 0.5, "mse": 0.4}, "mean squared error")])
def test_the_loss_has_the_unit_of_its_task(row: dict[str, float], unit: str) -> None:
    (axes,) = figures.loss_curve([{"epoch": 1, **row}]).axes
    assert axes.get_ylabel() == f"loss ({unit})"


def test_no_name_acts_in_a_picture_or_warns(tmp_path: Path) -> None:
    """Warnings are errors here: of missing glyphs, of labels that no legend shows, of formulas that are none."""
    names = [*HOSTILE, "$\\frac{x$", "_under", "数字"]
    rows = [SimpleNamespace(row=name, values=[0.1], mean=0.15, spread=0.05, activity="spikes") for name in names]
    drawn = [
        figures.confusion_heatmap(torch.eye(len(names)).long(), names),
        figures.validation_curves({name: [(1, 0.5)] for name in names}),
        row_values(rows, metric="accuracy", title=names[0]),
        cost_scatter({"ms": [Point(name, 1.0 + i, 0.5, None, "spikes") for i, name in enumerate(names)]}, metric="x"),
    ]
    for figure in drawn:
        text = figures.to_svg(figure)
        assert acting(text, "\n") == set()
        ElementTree.fromstring(text)
    write_picture(tmp_path / "rows.png", drawn[2])
