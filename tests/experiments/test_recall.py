"""Figures of recall and memory, the mask of a cue, and the memory's study."""

import json
from pathlib import Path

import pytest
import torch

from bispike.errors import ConfigurationError
from bispike.experiments import memory as memory_study
from bispike.figures.recall import (
    as_picture,
    capacity_figure,
    completion_figure,
    image_rows,
    layer_gallery,
    replay_figure,
    robustness_figure,
)
from bispike.memory import CurvePoint


def test_a_panel_for_each_side_and_a_line_for_each_memory() -> None:
    points = [CurvePoint(10, 0.0, 0.01), CurvePoint(20, 0.02, 0.1)]
    figure = capacity_figure({"ours": points, "other": points})
    assert [len(axes.lines) for axes in figure.axes] == [3, 3]  # with the limit
    assert figure.axes[1].lines[0].get_ydata()[1] == pytest.approx(10)
    assert all(axes.get_xlabel() for axes in figure.axes)
    figure = robustness_figure({"flipped": {"ours": points}, "masked": {"ours": points}}, pairs=7)
    assert [axes.get_xlabel().split()[0] for axes in figure.axes] == ["flipped", "masked"]


def test_strips_and_galleries_have_a_cell_for_each_picture() -> None:
    images = torch.rand(3, 1, 4, 4)
    assert len(completion_figure(images, [images, images], images).axes) == 3 * 4
    assert len(completion_figure(images, [images], None, names=["a", "b", "c"]).axes) == 3 * 2
    assert len(layer_gallery(["a", "b", "c"], [("layer1", torch.rand(3, 10))], images).axes) == 6
    assert len(image_rows([("a", images), ("b", images[:1])]).axes) == 6
    assert len(replay_figure(images, images[1:], images[:-1]).axes) == 9


def test_neurons_are_drawn_on_a_square_grid() -> None:
    assert as_picture(torch.ones(10)).shape == (1, 4, 4)
    assert float(as_picture(torch.ones(10)).sum()) == 10
    assert as_picture(torch.ones(5, 3, 2)).shape == (1, 3, 2)


def test_the_study_writes_its_numbers_and_pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory_study, "PAIRS", (5, 10))
    monkeypatch.setattr(memory_study, "SHARES", (0.0, 0.2))
    monkeypatch.setattr(memory_study, "MASKED", (0.0, 0.5))
    found = memory_study.measure_memories(tmp_path, seeds=1, passes=8)
    assert found["capacity"]["bispike 784 × 100"] == 10
    assert found == json.loads((tmp_path / "memory.json").read_text())
    assert {path.name for path in tmp_path.glob("*.png")} == {"memory-capacity.png", "memory-robustness.png"}
    head, rows = memory_study.capacity_table(found)
    assert [row[0] for row in rows] == ["5", "10"]
    assert all(len(row) == len(head) for row in rows)
    with pytest.raises(ConfigurationError, match="passes"):
        memory_study.measure_memories(tmp_path, passes=0)
