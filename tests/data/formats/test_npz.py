"""A user's own arrays in an `.npz` file."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from bispike.data import load
from bispike.errors import ConfigurationError, DataError

from ..makers import cycle, pixels

X, Y = pixels(20, 5, 5), cycle(20, 4)


@pytest.mark.parametrize(
    "keys",
    [
        ("x_train", "y_train", "x_test", "y_test"),
        ("train_images", "train_labels", "test_images", "test_labels"),
    ],
)
@pytest.mark.parametrize("compress", [True, False])
def test_both_parts_are_read(tmp_path, keys, compress):
    path = tmp_path / "mine.npz"
    save = np.savez_compressed if compress else np.savez
    save(path, **dict(zip(keys, (X, Y, X[:8], Y[:8, None]), strict=True)))
    data = load(path)
    assert (data.name, len(data.train), len(data.test), data.stimulus.shape) == ("mine", 20, 8, (1, 5, 5))
    assert np.array_equal(data.train.stimuli[:, 0].numpy(), X)


@pytest.mark.parametrize("keys", [("x", "y"), ("X", "y"), ("x_train", "y_train")])
def test_a_missing_test_part_is_split_off(tmp_path, keys):
    np.savez(tmp_path / "mine.npz", **dict(zip(keys, (X, Y), strict=True)))
    data = load(str(tmp_path / "mine.npz"), test_fraction=0.4)
    assert (len(data.train), data.test.counts(4)) == (12, [2] * 4)


def test_names_layout_and_options_not_given(tmp_path):
    np.savez(tmp_path / "a.npz", x=pixels(8, 6, 6, 2), y=cycle(8, 2), class_names=np.array(["no", "yes"]))
    data = load(tmp_path / "a.npz", layout="channels-last", target=None)
    assert (data.stimulus.shape, data.concept.names) == ((2, 6, 6), ("no", "yes"))


def test_missing_arrays_list_what_was_found(tmp_path):
    np.savez(tmp_path / "a.npz", images=X, y_train=Y)
    with pytest.raises(DataError, match=r"x_train and y_train.*found images, y_train"):
        load(tmp_path / "a.npz")
    np.savez(tmp_path / "a.npz", x_train=X, y_train=Y, x_test=X)
    with pytest.raises(DataError, match="received x_test without the other"):
        load(tmp_path / "a.npz")
    np.savez(tmp_path / "a.npz")
    with pytest.raises(DataError, match="found nothing"):
        load(tmp_path / "a.npz")


class Trap:
    """Unpickling this would create a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


def test_pickles_are_never_loaded(tmp_path):
    trap = Trap(tmp_path / "sprung")
    np.savez(tmp_path / "objects.npz", x=np.array([trap, trap], dtype=object), y=Y)
    (tmp_path / "pickled.npz").write_bytes(pickle.dumps(trap))
    for name in ("objects.npz", "pickled.npz"):
        with pytest.raises(DataError, match="pickles"):
            load(tmp_path / name)
    assert not trap.path.exists()


def test_damage_is_named_with_the_path(tmp_path):
    path = tmp_path / "a.npz"
    np.savez_compressed(path, x=X, y=Y)
    whole = path.read_bytes()
    for content in (whole[:-40], whole[:200], b"PK\x03\x04 no", b""):
        path.write_bytes(content)
        with pytest.raises(DataError, match=r"a\.npz: "):
            load(path)
    method = whole.rindex(b"PK\x01\x02") + 10
    path.write_bytes(whole[:method] + b"\x63" + whole[method + 1 :])
    with pytest.raises(DataError, match="damaged"):
        load(path)
    middle = len(whole) // 3
    path.write_bytes(whole[:middle] + bytes(200) + whole[middle + 200 :])
    with pytest.raises(DataError, match="damaged"):
        load(path)


def test_unsound_content_is_named_with_the_path(tmp_path):
    np.savez(tmp_path / "a.npz", x=X, y=Y * 2)
    with pytest.raises(DataError, match=r"a\.npz: training labels: no stimulus of class 1, 3, 5"):
        load(tmp_path / "a.npz")


def test_unknown_options_are_named_together(tmp_path):
    np.savez(tmp_path / "a.npz", x=X, y=Y)
    with pytest.raises(ConfigurationError) as caught:
        load(tmp_path / "a.npz", size=3, layouts="grey")
    assert len(caught.value.problems) == 2
    assert "did you mean 'layout'" in str(caught.value)
