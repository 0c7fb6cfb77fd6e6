"""Figures of the benchmark: every contender and every case is there, and what is unknown says so."""

from pathlib import Path

from bispike.figures import cost_bars, cost_curves
from bispike.figures.files import write_costs

from ..bench.made_up import made_up_rows


def test_bars_name_cases_and_contenders() -> None:
    figure = cost_bars([*made_up_rows("one"), *made_up_rows("two")])
    time, memory = figure.axes
    assert [label.get_text() for label in time.get_yticklabels()] == ["one", "two"]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["bsd", "bptt", "norse"]
    assert (time.get_xlabel(), memory.get_xlabel()) == ("time of a step (ms)", "memory of a step (MB)")
    assert sum(text.get_text() == " not known" for text in memory.texts) == 2
    assert sorted(bar.get_width() for bar in time.patches) == [10, 10, 20, 20, 40, 40]


def test_curves_run_over_what_is_varied() -> None:
    figure = cost_curves([*made_up_rows("d16", 16), *made_up_rows("d4", 4)])
    time, memory = figure.axes
    assert time.get_xlabel() == "depth"
    assert [list(line.get_xdata()) for line in time.lines] == [[4, 16]] * 3
    assert [line.get_label() for line in time.lines] == ["bsd", "bptt", "norse"]
    assert list(memory.lines[2].get_xdata()) == []
    figure.canvas.draw()
    labels = [label.get_text() for label in (*time.get_yticklabels(), *time.get_yticklabels(minor=True))]
    assert {"10", "20"} <= set(labels)
    assert all(label.replace(".", "").isdigit() for label in labels if label)


def test_the_picture_is_chosen_by_what_varies(tmp_path: Path) -> None:
    for name, rows in {"bars": made_up_rows(), "curves": [*made_up_rows("a", 4), *made_up_rows("b", 16)]}.items():
        assert write_costs(tmp_path / f"{name}.png", rows).stat().st_size > 1000
