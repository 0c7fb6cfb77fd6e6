"""A stranger's format: one module and one line, and every door of the library reads its files."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

from bispike.data import check, formats, load, options_of
from bispike.errors import ConfigurationError, DataError
from tests.cli.conftest import bispike

MODULE = '''
"""Points: one stimulus per line, numbers separated by spaces, then a bar and the class."""

from pathlib import Path

import numpy as np

from bispike.data import from_arrays
from bispike.data.formats import Format, register
from bispike.data.option import TEST_SHARE, Option, positive


def _numbers(path: Path) -> tuple[np.ndarray, list[str]]:
    rows = [line.partition("|") for line in path.read_text().splitlines()]
    return np.array([row[0].split() for row in rows], dtype=np.float32), [row[2].strip() for row in rows]


def read(path: Path, *, like=None, divisor: float = 1.0, test_fraction: float = 0.2):
    values, labels = _numbers(path)
    return from_arrays(values / divisor, np.array(labels), name=path.stem, test_fraction=test_fraction, like=like)


register(
    Format(
        name="points",
        summary="a file of points",
        read=read,
        options=(Option("divisor", "values are divided by it", default=1.0, check=positive("units")), TEST_SHARE),
        endings=(".points",),
        inputs=lambda path, schema: schema.of_array(_numbers(path)[0], path),
        input_endings=(".points",),
    )
)
'''


@pytest.fixture
def points(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The digits as a file of points, with the module of the format imported."""
    monkeypatch.setattr(formats, "registry", dict(formats.registry))
    (tmp_path / "points_format.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    importlib.import_module("points_format")
    digits = load_digits()
    path = tmp_path / "digits.points"
    rows = zip(digits.data.tolist(), digits.target.tolist(), strict=True)
    path.write_text("\n".join(f"{' '.join(map(str, values))} | {label}" for values, label in rows))
    yield path
    del sys.modules["points_format"]


def test_the_format_is_loaded_with_its_options(points: Path) -> None:
    data = load(points, divisor=16.0)
    assert (len(data.train), len(data.test)) == (1437, 360)
    assert data.concept.names == tuple("0123456789")
    assert torch.equal(load(points).train.stimuli, 16 * data.train.stimuli)
    assert options_of(points) == {"divisor": 1.0, "test_fraction": 0.2}
    with pytest.raises(ConfigurationError, match=r"divisor: expected a positive number of units, received -1\."):
        load(points, divisor=-1)
    with pytest.raises(ConfigurationError, match="did you mean 'divisor'"):
        load(points, divsor=2)


def test_the_format_is_checked(points: Path) -> None:
    assert check(points)["ok"] is True
    called = bispike("data", "check", points, "--json")
    assert called.status == 0
    assert called.json["shape"] == [64]
    assert called.json["train"]["count"] == 1437
    points.write_text("1 2 | a\n3 4 | a")
    called = bispike("data", "check", points, "--json")
    assert called.status == 2
    assert "at least 2 classes" in called.json["problems"][0]


def test_a_network_is_trained_on_the_format_and_decides_about_its_files(points: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    words = ["--model", "mlp", "--set", "widths=[12]", "divisor=16", "--limit", "120", "--epochs", "1"]
    called = bispike("train", "--dataset", points, *words, "--time-steps", "2", "--out", run, "--json")
    assert called.status == 0, called.err
    assert called.json["dataset"] == str(points)
    few = tmp_path / "few.points"
    few.write_text("\n".join(points.read_text().splitlines()[:3]))
    called = bispike("predict", run, few, "--json")
    assert called.status == 0, called.err
    rows = called.json["rows"]
    assert [row["input"] for row in rows] == ["few.points[0]", "few.points[1]", "few.points[2]"]
    np.save(tmp_path / "few.npy", load_digits().data[:3])
    same = bispike("predict", run, tmp_path / "few.npy", "--json").json["rows"]
    assert [row["best"] for row in rows] == [row["best"] for row in same]


def test_without_the_module_the_file_is_unknown(points: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(formats.registry, "points")
    with pytest.raises(DataError, match=r"digits\.points: expected a file that ends with"):
        load(points)
