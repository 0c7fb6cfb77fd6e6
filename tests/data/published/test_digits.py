"""The embedded digits: a fixed split of scikit-learn's set."""

from __future__ import annotations

import numpy as np
from sklearn.datasets import load_digits

from bispike.data import load


def test_the_split_parts_the_whole_set_and_is_stratified():
    data = load("digits")
    assert (len(data.train), len(data.test), data.stimulus.shape) == (1437, 360, (1, 8, 8))
    whole = np.bincount(load_digits().target)
    shares = np.array(data.test.counts(10)) / whole
    assert (abs(shares - 0.2) < 0.006).all()
    assert (np.array(data.train.counts(10)) + data.test.counts(10) == whole).all()
    assert data.fingerprint == load("digits").fingerprint


def test_pixels_are_the_original_ones_in_0_to_1():
    data = load("digits")
    stimuli = np.concatenate([part[:][0].numpy() for part in (data.train, data.test)])
    original = load_digits().images / 16
    key = [image.round(2).tobytes() for image in (np.round(stimuli[:, 0] * 16) / 16).astype(np.float64)]
    assert sorted(key) == sorted(image.round(2).tobytes() for image in original)
    assert abs(stimuli[:, 0] * 16 - np.round(stimuli[:, 0] * 16)).max() < 0.5 * 16 / 255 + 1e-6
