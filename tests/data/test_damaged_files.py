"""Damaged files of data are refused in words that name the place, or read as far as they are sound."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bispike import data
from bispike.data.published import n_mnist
from bispike.data.user_files import read_inputs
from bispike.errors import DataError, UserError
from tests.data.makers import schema

from ..fuzz import data_bombs as files
from ..fuzz.data_files import make_n_mnist
from .makers import cycle, pixels

GREY = schema(1, 4, 4)
HEADERS = (b"{'descr': '<f8', 'fortran_order': False, 'shape': (2", b"\n x", b"[" * 5000, b"{'descr': 5}", b"")


@pytest.mark.parametrize("header", HEADERS)
def test_damaged_headers_of_arrays_are_named(tmp_path: Path, header: bytes) -> None:
    (tmp_path / "x.npy").write_bytes(b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header)
    with pytest.raises(DataError, match="damaged"):
        read_inputs([tmp_path / "x.npy"], GREY)


def test_files_beside_the_arrays_are_left_out(tmp_path: Path) -> None:
    files.npz(tmp_path / "a.npz", x=files.npy((2, 16), "|u1", bytes(32)), y=b"no array")
    with pytest.raises(DataError, match="found x"):
        data.load(tmp_path / "a.npz")


def test_texts_that_are_none_are_named(tmp_path: Path) -> None:
    x = files.npy((12, 2), "|u1", bytes(24))
    files.npz(tmp_path / "a.npz", x=x, y=files.npy((12,), "<U1", b"\xff\xff\xff\x7f" * 12))
    with pytest.raises(DataError, match="characters that do not exist"):
        data.load(tmp_path / "a.npz")
    files.npz(tmp_path / "b.npz", x=x, y=files.npy((12,), "|S1", b"\xff" * 12))
    with pytest.raises(DataError, match="expected texts in UTF-8"):
        data.load(tmp_path / "b.npz")


@pytest.mark.parametrize(
    ("key", "values", "message"),
    [
        ("x", np.array(["a", "b"]), "whole numbers as x"),
        ("x", np.array([0.5, 1.0]), "whole numbers as x"),
        ("y", np.array([np.nan, 1.0]), "whole numbers as y"),
        ("p", np.array([0.5, 1.0]), "whole numbers as p"),
        ("t", np.array([np.inf, 1.0]), "finite times"),
        ("t", np.array([b"a", b"b"]), "finite times"),
        ("sample", np.array([1j, 0]), "whole numbers as sample"),
    ],
)
def test_columns_of_events_that_are_no_numbers_are_named(
    tmp_path: Path, key: str, values: np.ndarray, message: str
) -> None:
    columns: dict[str, Any] = {name: np.array([0, 1]) for name in ("t", "x", "y", "p", "sample")}
    np.savez(tmp_path / "e.npz", labels=np.array([0, 1, 0, 1]), **columns | {key: values})
    with pytest.raises(DataError, match=message):
        data.load(tmp_path / "e.npz")


def test_a_recording_without_events_is_empty(tmp_path: Path) -> None:
    make_n_mnist(tmp_path)
    (tmp_path / "Train" / "0" / "1.bin").write_bytes(bytes([0, n_mnist.OVERFLOW, 0, 0, 0]))
    assert not n_mnist.read(tmp_path, bins=2).train[0][0].any()


def test_values_beyond_float32_are_named(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("u,v\n" + "1,2\n3,1e300\n" * 60)
    with pytest.raises(DataError, match="Change their unit"):
        data.load(tmp_path / "a.csv", task="series")


def test_a_cell_that_is_too_long_is_named_briefly(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("1," * 15 + "x" * 200_000)
    with pytest.raises(DataError, match="not a readable table") as caught:
        read_inputs([tmp_path / "x.csv"], GREY)
    (tmp_path / "x.csv").write_text("1," * 15 + "x" * 100_000)
    with pytest.raises(DataError, match=r"\(of 100000 characters\)' is not a number") as caught:
        read_inputs([tmp_path / "x.csv"], GREY)
    assert len(str(caught.value)) < 1000


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("a.csv", {"delimiter": 5}, "delimiter: expected one character"),
        ("a.csv", {"delimiter": ";;"}, "delimiter: expected one character"),
        ("a.csv", {"target": 3}, "target: expected a text"),
        ("a.csv", {"memory_limit": float("inf")}, "memory_limit: expected a positive number"),
        ("a.txt", {"encoding": 8}, "encoding: expected a text"),
        ("a.txt", {"encoding": "utf\0"}, "encoding: .* is not known"),
        ("a.txt", {"encoding": "idna"}, "is not text in IDNA"),
        ("a.txt", {"window": 10**400}, "window: expected a whole number of at most"),
        ("a.csv", {"task": "series", "horizon": 10**400}, "horizon: expected a whole number of at most"),
        ("a.npz", {"duration": float("inf")}, "unknown option|duration"),
        ("a.npz", {"layout": ["grey"]}, "unknown layout"),
    ],
)
def test_options_of_another_kind_are_refused(tmp_path: Path, name: str, options: dict[str, Any], message: str) -> None:
    (tmp_path / "a.csv").write_text("u,label\n" + "1,a\n2,b\n" * 40)
    (tmp_path / "a.txt").write_bytes(b"\xe4" * 300)
    np.savez(tmp_path / "a.npz", x=pixels(12, 4, 4), y=cycle(12, 2))
    with pytest.raises(UserError, match=message):
        data.load(tmp_path / name, **options)
