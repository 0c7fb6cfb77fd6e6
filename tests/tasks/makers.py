"""Small sequences and networks for them."""

from __future__ import annotations

import numpy as np

from bispike import models
from bispike.data.formats.text import from_text
from bispike.data.readers.series_table import Series
from bispike.data.sequence_dataset import SequenceDataset
from bispike.nn import SequenceNetwork

TEXT = "the quick brown fox jumps over the lazy dog. " * 20


def fox() -> SequenceDataset:
    """A text in windows of 8 characters."""
    return from_text(TEXT, name="fox", window=8)


def walk(rows: int = 400, seed: int = 0) -> Series:
    """Two columns: a random walk, and its value three steps ago with noise."""
    draws = np.random.default_rng(seed)
    first = draws.normal(size=rows + 3).cumsum()
    second = first[:rows] + 0.1 * draws.normal(size=rows)
    return Series("walk", ("now", "then"), np.stack([first[3:], second], 1))


def network_for(data: SequenceDataset) -> SequenceNetwork:
    """A small recurrent network."""
    network = models.create("rnn", data.stimulus, data.concept, widths=[8], threshold=0.5, excitability=0.5)
    assert isinstance(network, SequenceNetwork)
    return network
