"""Handwritten digits, 8x8, that come with scikit-learn: the data set that needs no download.

Pixel values 0..16 (dots in a 4x4 cell of the scanned digit) are spread over 0..255. The set has no parts
of its own; the split into 1437 training and 360 test digits is fixed here, stratified.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from .. import labels as labelling
from ..assemble import assemble
from ..dataset import Dataset
from ..sampling import stratified
from .entry import DatasetEntry

TEST_FRACTION = 0.2
SEED = 1797


def read(folder: Path | None = None) -> Dataset:
    """The digits; the folder is not used."""
    from sklearn.datasets import load_digits

    bunch = load_digits()
    counts = np.asarray(bunch.images)
    pixels = ((counts.astype(np.uint16) * 255 + 8) // 16).astype(np.uint8)
    stimuli = torch.from_numpy(pixels[:, None].copy())
    labels = torch.from_numpy(np.asarray(bunch.target).astype(np.int64))
    train, test = stratified(labels, TEST_FRACTION, seed=SEED)
    names = tuple(str(digit) for digit in range(10))
    return assemble("digits", stimuli[train], labelling.Labels(labels[train], labels[test], names), stimuli[test])


ENTRIES = (
    DatasetEntry(
        name="digits",
        summary="handwritten digits (embedded)",
        shape=(1, 8, 8),
        classes=10,
        sizes=(1437, 360),
        source="E. Alpaydin, C. Kaynak 1998, UCI handwritten digits (test part), with scikit-learn",
        licence="CC BY 4.0",
        read=read,
        locate=lambda folder: folder,
    ),
)
