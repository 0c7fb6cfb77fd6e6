"""SVHN's MATLAB files."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.io import savemat

from bispike.data import load
from bispike.data.published.svhn import FILES, read, read_mat
from bispike.errors import DataError

from ..makers import pixels


def write(path, count=20, **changes):
    images = pixels(count, 3, 32, 32)
    digits = np.arange(count) % 10 + 1
    savemat(path, {"X": images.transpose(2, 3, 1, 0), "y": digits[:, None]} | changes)
    return images, digits


def test_images_lie_upright_and_ten_means_zero(tmp_path):
    images, digits = write(tmp_path / FILES[0])
    write(tmp_path / FILES[1])
    data = read(tmp_path)
    assert np.array_equal(data.train.stimuli.numpy(), images)
    assert data.train.labels.tolist() == (digits % 10).tolist()
    assert load(tmp_path).fingerprint == data.fingerprint


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"X": np.zeros((32, 32, 3, 20))}, "uint8"),
        ({"y": np.zeros((19, 1))}, "20 images but 19 labels"),
        ({"y": np.full((20, 1), 11)}, "digits 1..10"),
    ],
)
def test_other_content_is_named(tmp_path, changes, message):
    write(tmp_path / "a.mat", **changes)
    with pytest.raises(DataError, match=message):
        read_mat(tmp_path / "a.mat")


def test_damage_is_named(tmp_path):
    path = tmp_path / "a.mat"
    savemat(path, {"Z": [1]})
    with pytest.raises(DataError, match="found none"):
        read_mat(path)
    write(path)
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(DataError, match="not a readable MATLAB 5 file"):
        read_mat(path)
    path.write_bytes(b"")
    with pytest.raises(DataError, match="not a readable MATLAB 5 file"):
        read_mat(path)
