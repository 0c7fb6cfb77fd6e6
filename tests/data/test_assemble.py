"""Arrays in memory: layouts, scales, labels, and everything that can be wrong with them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from bispike.data import from_arrays
from bispike.errors import ConfigurationError, DataError

from .makers import cycle, pixels


def both(x, y=None, **options):
    labels = cycle(len(x), 2) if y is None else y
    return from_arrays(x, labels, x, labels, **options)


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((8, 5), (5,)),
        ((8, 5, 6), (1, 5, 6)),
        ((8, 5, 6, 3), (3, 5, 6)),
        ((8, 3, 5, 6), (3, 5, 6)),
        ((8, 1, 5, 6), (1, 5, 6)),
        ((8, 16, 4, 4), (16, 4, 4)),
        ((8, 4, 4, 16), (16, 4, 4)),
    ],
)
def test_axes_are_told_by_their_lengths(shape, expected):
    assert both(pixels(*shape)).stimulus.shape == expected


@given(
    count=st.integers(2, 5),
    channels=st.integers(1, 5),
    height=st.integers(1, 6),
    width=st.integers(1, 6),
    order=st.sampled_from(["channels-first", "channels-last"]),
)
@settings(max_examples=40, deadline=None)
def test_a_given_layout_puts_every_pixel_in_its_place(count, channels, height, width, order):
    first = pixels(count, channels, height, width)
    stored = first if order == "channels-first" else np.ascontiguousarray(first.transpose(0, 2, 3, 1))
    data = both(stored, layout=order)
    assert np.array_equal(data.train.stimuli.numpy(), first)


def test_an_axis_that_could_be_either_needs_the_layout():
    with pytest.raises(DataError, match="channels-first or channels-last"):
        both(pixels(4, 5, 6, 7))
    with pytest.raises(ConfigurationError, match="layout"):
        both(pixels(4, 5, 6), layout="NCHW")
    with pytest.raises(DataError, match="needs 4 axes"):
        both(pixels(4, 5, 6), layout="channels-last")


@pytest.mark.parametrize(
    ("values", "kind", "unit"),
    [
        (pixels(4, 3, 3), torch.uint8, 255),
        (pixels(4, 3, 3).astype(np.int64), torch.uint8, 255),
        (pixels(4, 3, 3).astype(np.float64), torch.uint8, 255),
        (pixels(4, 3, 3) / 2 + 0.1, torch.float32, 255),
        (pixels(4, 3, 3).astype(np.float64) / 255, torch.float32, 1),
        (pixels(4, 3, 3).astype(np.uint16) * 257, torch.float32, 65535),
        (pixels(4, 3, 3).astype(np.float32) - 128, torch.float32, 1),
        (pixels(4, 9).astype(np.float64), torch.float32, 1),
        (pixels(4, 9).astype(np.int64), torch.float32, 1),
        (pixels(4, 9), torch.float32, 1),
    ],
)
def test_values_are_scaled_by_the_documented_rule(values, kind, unit):
    train = both(values).train
    assert train.stimuli.dtype == kind
    expected = (values.astype(np.float64) / unit).reshape(4, -1)
    np.testing.assert_allclose(train[:][0].flatten(1).numpy(), expected, rtol=1e-6)


def test_truth_values_are_black_and_white():
    train = both(np.array([[[True, False]], [[False, True]]])).train
    assert train.stimuli.flatten().tolist() == [255, 0, 0, 255]


def test_the_scale_of_the_training_part_holds_for_the_test_part():
    bright, dark = np.full((4, 2, 2), 200.0), np.full((4, 2, 2), 1.0)
    data = from_arrays(bright, cycle(4, 2), dark, cycle(4, 2))
    assert data.test[[0]][0].max() == pytest.approx(1 / 255)


def test_arrays_of_the_caller_are_copied_and_may_be_read_only():
    values, labels = pixels(6, 3, 3), cycle(6, 2)
    values.setflags(write=False)
    labels.setflags(write=False)
    data = both(values, labels)
    data.train.stimuli.zero_()
    data.train.labels.zero_()
    assert values.sum() > 0
    assert labels.sum() > 0


def test_lists_tensors_and_other_byte_orders_are_accepted():
    assert both([[0.5, 1.0], [1.0, 0.0]]).stimulus.shape == (2,)
    assert both(torch.rand(4, 3), torch.tensor([0, 1, 0, 1])).stimulus.shape == (3,)
    swapped = np.arange(8, dtype=">f4").reshape(4, 2)
    assert torch.equal(both(swapped).train.stimuli, torch.arange(8.0).reshape(4, 2))


def test_texts_are_numbered_in_sorted_order():
    data = both(pixels(4, 3), np.array(["dog", "ant", "dog", "cat"]))
    assert data.concept.names == ("ant", "cat", "dog")
    assert data.train.labels.tolist() == [2, 0, 2, 1]


def test_labels_in_one_column_and_of_any_integer_type():
    data = both(pixels(4, 3), np.array([[0], [1], [1], [0]], dtype=np.uint8))
    assert data.train.labels.tolist() == [0, 1, 1, 0]
    assert data.concept.names == ("0", "1")


def test_a_missing_test_part_is_split_off_and_told():
    data = from_arrays(pixels(50, 4), cycle(50, 5))
    assert (len(data.train), data.test.counts(5)) == (40, [2] * 5)
    assert "split off" in data.notes[0]
    assert from_arrays(pixels(50, 4), cycle(50, 5)).fingerprint == data.fingerprint


X = pixels(6, 3, 3)
Y = np.array([0, 1, 2, 0, 1, 2])
NAN = X.astype(float) / 255
NAN[4, 1, 2] = np.nan

BAD = {
    "counts differ": ({"x": X, "y": Y[:5]}, "6 stimuli but 5 labels"),
    "no stimuli": ({"x": X[:0], "y": Y[:0]}, "at least one stimulus"),
    "one axis": ({"x": X[:, 0, 0], "y": Y}, r"\[N, D\]"),
    "objects": ({"x": np.array([[1, None]] * 6, dtype=object), "y": Y}, "dtype object"),
    "ragged rows": ({"x": [[1, 2], [3]], "y": [0, 1]}, "one shape"),
    "complex": ({"x": X * 1j, "y": Y}, "dtype complex"),
    "not a number": ({"x": NAN, "y": Y}, r"1 values are not finite.*\[4, 0, 1, 2\]"),
    "infinite": ({"x": np.full((6, 2), np.inf), "y": Y}, "not finite"),
    "too large": ({"x": np.full((6, 2), 1e300), "y": Y}, "not finite"),
    "negative label": ({"x": X, "y": Y - 1}, "received -1"),
    "classes -1 and 1": ({"x": X, "y": np.array([-1, 1] * 3)}, "y > 0"),
    "float labels": ({"x": X, "y": Y + 0.5}, "float64"),
    "one-hot labels": ({"x": X, "y": np.eye(3)[Y]}, "argmax"),
    "object labels": ({"x": X, "y": np.array([0, None] * 3)}, "dtype object"),
    "huge label": ({"x": X, "y": np.array([0, 1, 2, 0, 1, 2**63 + 5], dtype=np.uint64)}, "class numbers"),
    "empty class": ({"x": X, "y": np.array([0, 1, 3, 0, 1, 3])}, "no stimulus of class 2;.*unique"),
    "count from 1": ({"x": X, "y": Y + 1}, "no stimulus of class 0;.*y - 1"),
    "one class": ({"x": X, "y": Y * 0}, "at least 2 classes"),
    "beyond the names": ({"x": X, "y": Y, "class_names": ["a", "b"]}, r"0\.\.1, received 2 at row 2"),
    "unused name": ({"x": X, "y": Y, "class_names": ["a", "b", "c", "d"]}, r"class 3 \(d\)"),
    "half a test part": ({"x": X, "y": Y, "x_test": X}, "only one of the two"),
    "test of other shape": ({"x": X, "y": Y, "x_test": X[:, :2], "y_test": Y}, "as in training"),
    "test of other axes": ({"x": X, "y": Y, "x_test": X[:, 0], "y_test": Y}, "expected 3 axes"),
    "test of other type": ({"x": X, "y": Y, "x_test": X / 255, "y_test": Y}, "whole values in 0..255"),
    "bytes only in the test": ({"x": X / 255, "y": Y, "x_test": X, "y_test": Y}, "in the unit of"),
    "strange test class": ({"x": X, "y": Y, "x_test": X, "y_test": Y + 1}, "no stimulus of class 3"),
    "strange test text": (
        {"x": X, "y": list("abcabc"), "x_test": X, "y_test": list("abcabd")},
        "d not among the 3 classes",
    ),
    "texts and numbers": ({"x": X, "y": list("abcabc"), "x_test": X, "y_test": Y}, "same kind"),
    "too few to split": ({"x": X[:3], "y": Y[:3]}, "too few"),
    "bad share": ({"x": X, "y": Y, "test_fraction": 1.0}, "test_fraction"),
}


@pytest.mark.parametrize("case", BAD)
def test_each_mistake_is_named(case):
    given, message = BAD[case]
    given = dict(given)
    with pytest.raises(DataError, match=message):
        from_arrays(given.pop("x"), given.pop("y"), **given)
