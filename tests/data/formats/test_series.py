"""Series: tables of every kind, windows without leaks, protocols, and what is said of bad files."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from bispike.data import load
from bispike.data.memory_limit import Room
from bispike.data.published.series import mackey_glass
from bispike.data.readers.series_table import Policy, Series, read_series, read_table
from bispike.data.series_windows import windowed
from bispike.errors import ConfigurationError, DataError
from bispike.spaces import Quantities

Write = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def make(text: str) -> Path:
        path = tmp_path / "load.csv"
        path.write_text(text)
        return path

    return make


def series_in(path: Path, **policy: str) -> Series:
    """The series in a file that is read by itself."""
    return read_series(read_table(path), Room.of(path), name="load", policy=Policy(**policy))


def ramp(rows: int = 100, columns: int = 3) -> Series:
    steps = np.arange(rows, dtype=np.float64)[:, None]
    return Series("ramp", tuple("abc"[:columns]), np.hstack([steps * (i + 1) for i in range(columns)]))


# ------------------------------------------------------------------ windows


def test_targets_lie_the_horizon_ahead() -> None:
    found = windowed(ramp(), horizon=3, window=5, target="b")
    stimuli, targets = found.train[[2]]
    assert stimuli[0, :, 0].tolist() == [2, 3, 4, 5, 6]
    assert targets[0, :, 0].tolist() == [10, 12, 14, 16, 18]
    assert found.inputs == ("a", "b", "c")
    assert found.horizon == 3
    assert isinstance(found.concept, Quantities)
    assert found.concept.present == (1,)


def test_each_time_of_the_test_part_is_forecast_once_and_from_its_past() -> None:
    found = windowed(ramp(), horizon=3, window=5)
    test, train = found.test, found.train
    ends = test.starts + test.length - 1
    assert test.scored == "last"
    assert test.labels[ends, 0].tolist() == list(range(80, 100))
    assert float(train.labels[int(train.starts[-1]) + 4, 0]) == 79  # the last that is learned from


def test_scaling_uses_the_training_part_only() -> None:
    usual = ramp()
    changed = Series(usual.name, usual.columns, usual.values.copy())
    changed.values[80:] = 1e6
    one, other = (windowed(series, window=5) for series in (usual, changed))
    assert one.stimulus == other.stimulus
    assert one.concept == other.concept
    assert (
        windowed(usual, window=5, protocol="paper").stimulus != windowed(changed, window=5, protocol="paper").stimulus
    )
    np.testing.assert_allclose(one.stimulus.mean, usual.values[:80].mean(0), rtol=1e-6)


def test_no_training_window_reaches_into_validation() -> None:
    found = windowed(ramp(), horizon=3, window=5)
    train, validation = found.split_validation(0.2, 0)
    assert int(train.starts.max()) + 4 + 3 < int(validation.starts.min())
    with pytest.raises(ConfigurationError, match="too short for a validation part"):
        windowed(ramp(30), window=10).split_validation(0.9, 0)


def test_the_paper_estimates_the_last_column_from_the_others() -> None:
    found = windowed(ramp(), protocol="paper", window=8)
    stimuli, targets = found.train[[0]]
    assert stimuli.shape == (1, 8, 2)
    assert targets[0, :, 0].tolist() == [0, 3, 6, 9, 12, 15, 18, 21]
    assert found.concept.names == ("c",)
    assert found.horizon == 0
    assert found.test.scored == "all"
    assert found.split_validation(0.1, 0)[1] is found.test
    assert "too good" in found.notes[-1]


def test_wrong_settings_are_named_together() -> None:
    with pytest.raises(ConfigurationError) as caught:
        windowed(ramp(), target="d", horizon=0, window=0, protocol="usual", target_mode="much", test_fraction=1.0)
    for word in ("column 'd'", "horizon", "window", "protocol", "target_mode", "test_fraction"):
        assert word in str(caught.value)
    with pytest.raises(ConfigurationError, match="at least 2 columns"):
        windowed(ramp(columns=1), protocol="paper", window=5)


def test_what_is_too_short_for_a_window_is_refused() -> None:
    with pytest.raises(DataError, match=r"20 rows are too few for windows of 12 .*shorter window"):
        windowed(ramp(20))


# ------------------------------------------------------------------ tables


def test_tables_come_in_many_forms(write: Write, tmp_path: Path) -> None:
    for text in ("1.5,2\n3.25,4\n", "1,5;2\n3,25;4\n", "1.5\t2\n3.25\t4\n", "\ufeff1.5,2\r\n3.25,4\r\n"):
        found = series_in(write(text))
        assert found.columns == ("column 1", "column 2")
        assert found.values.tolist() == [[1.5, 2], [3.25, 4]]
    found = series_in(write("when,u,v\n2013-06-01 01:00:00,1,2\n2013-06-01 02:00:00,3,4e1\n"))
    assert found.columns == ("u", "v")
    assert found.values.tolist() == [[1, 2], [3, 40]]
    assert "'when' is the time" in found.notes[0]
    packed = tmp_path / "t.csv.gz"
    packed.write_bytes(gzip.compress(b"u\n1\n2\n"))
    assert series_in(packed).values.tolist() == [[1], [2]]


def test_numbers_may_have_decimal_commas_where_commas_part_no_columns(write: Write) -> None:
    found = series_in(write("when;u;v\n2013-06-01 01:00:00;1,5;-2\n2013-06-01 02:00:00;,25;4,0e1\n"))
    assert found.values.tolist() == [[1.5, -2], [0.25, 40]]
    assert found.dialect.decimal == ","


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the file is empty"),
        ("u,v\n", "expected rows below the column names"),
        ("u,v\n1,2\n3\n", "line 3: expected 2 columns, received 1"),
        ("u,v\n1,2\n3,high\n", r"line 3, column 'v': expected a number, received 'high'"),
        ("u,v\n1,2\n3,\n4,5\n", r"line 3: no value in column 'v' \(1 value is.*missing=previous"),
        ("u,u\n1,2\n", "'u' occurs twice"),
        ("u,v\n1,2\n1,inf\n", "line 3, column 'v': expected a finite number, received inf"),
        ("u,v\n1,2\n1,3\n", "'u': expected values that change, received 1 in every row.*drop=.u."),
        ("u,v\na,2\nb,3\n", r"line 2, column 'u': expected a number, received 'a'.*drop=\[u\].*columns="),
    ],
)
def test_bad_tables_are_refused_with_the_place(write: Write, text: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        series_in(write(text))


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(b"u,v\n1,\xff\n")
    with pytest.raises(DataError, match="is not text in UTF-8"):
        load(path, task="series")
    (tmp_path / "t.h5").write_bytes(b"no")
    pytest.importorskip("h5py")
    with pytest.raises(DataError, match="not a readable HDF5"):
        load(tmp_path / "t.h5")


def test_missing_values_are_filled_on_demand_and_never_from_the_future(write: Write) -> None:
    path = write("u,v\n,1\n2,NaN\n?,3\n6,\n")
    before = series_in(path, missing="previous")
    assert before.values.tolist() == [[2, 1], [2, 3], [6, 3]]
    assert "the first 1 row was left out" in before.notes[0]
    path = write("u,v\n1,1\n2,NaN\n?,3\n6,\n")
    before = series_in(path, missing="previous")
    assert before.values.tolist() == [[1, 1], [2, 1], [2, 3], [6, 3]]
    assert "3 missing values were filled (previous)" in before.notes[0]
    between = series_in(path, missing="interpolate")
    assert between.values.tolist() == [[1, 1], [2, 2], [4, 3], [6, 3]]
    assert "forecasts near gaps are too good" in between.notes[0]
    with pytest.raises(ConfigurationError, match="missing"):
        load(path, task="series", missing="guess")
    with pytest.raises(DataError, match="no value at all"):
        series_in(write("u,v\n1,\n2,\n"), missing="previous")


def test_tables_of_pandas_are_read(tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    values = np.random.default_rng(0).normal(size=(30, 2))
    with h5py.File(tmp_path / "speed.h5", "w") as file:
        group = file.create_group("df")
        group["axis0"], group["block0_values"] = np.array([b"773869", b"767541"]), values
    found = series_in(tmp_path / "speed.h5")
    assert found.columns == ("773869", "767541")
    assert found.values.tolist() == values.tolist()
    assert load(tmp_path / "speed.h5", window=4).stimulus.shape == (2,)
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["x"] = values
    with pytest.raises(DataError, match="block0_values"):
        read_table(tmp_path / "other.h5")


def test_blocks_of_several_types_and_the_index_of_pandas_are_read(tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    whole, real = np.arange(20)[:, None] ** 2, np.random.default_rng(0).normal(size=(20, 2))
    with h5py.File(tmp_path / "mixed.h5", "w") as file:
        group = file.create_group("df")
        group["axis0"] = np.array([b"a", b"n", b"b"])
        group["block0_items"], group["block0_values"] = np.array([b"a", b"b"]), real
        group["block1_items"], group["block1_values"] = np.array([b"n"]), whole
        group["axis1"] = 1577836800 * 10**9 + np.arange(20)[::-1] * 300 * 10**9
        group["axis1"].attrs["kind"] = np.bytes_("datetime64")
    found = series_in(tmp_path / "mixed.h5")
    assert found.columns == ("a", "n", "b")
    np.testing.assert_array_equal(found.values, np.stack([real[:, 0], whole[:, 0], real[:, 1]], 1)[::-1])
    assert found.frequency is not None
    assert found.frequency.text == "5 minutes"
    assert found.time_ahead(1) == "2020-01-01T01:40:00"


# ------------------------------------------------------------------ by name


def test_sets_that_are_not_downloaded_say_where_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BISPIKE_DATA", str(tmp_path))
    with pytest.raises(DataError, match=r"not downloaded: get it from .*DCRNN.* put it into .*metr_la"):
        load("metr-la")


def test_a_file_that_is_not_the_published_one_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BISPIKE_DATA", str(tmp_path))
    (tmp_path / "exchange_rate").mkdir()
    (tmp_path / "exchange_rate" / "exchange_rate.txt.gz").write_bytes(gzip.compress(b"1,2\n3,4\n"))
    with pytest.raises(DataError, match="expected 7588 rows of 8 columns, received 2 of 2"):
        load("exchange-rate")


def test_mackey_glass_solves_its_equation() -> None:
    coarse, fine = (mackey_glass(120, every=2.0, inner=inner) for inner in (20, 160))
    np.testing.assert_allclose(coarse[:60], fine[:60], rtol=1e-4)
    # before the delay has passed the past is constant: x' = k − 0.1 x, in closed form
    level = 0.2 * 1.2 / (1 + 1.2**10) / 0.1
    times = 2.0 * np.arange(8)
    np.testing.assert_allclose(fine[:8], level + (1.2 - level) * np.exp(-0.1 * times), rtol=1e-6)
    found = load("mackey-glass")
    assert found.train[[0]][0].shape == (1, 32, 1)
    assert 0.2 < float(found.train.stimuli.min()) < float(found.train.stimuli.max()) < 1.5
    assert len(found.test) == 750
    assert torch.isfinite(found.train.stimuli).all()
