"""How predictions are judged, what they are compared with, and text that goes on."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from bispike import models
from bispike.data.formats.series import windowed
from bispike.data.formats.text import from_text
from bispike.data.readers.series_table import Series
from bispike.data.sequence_dataset import Windows
from bispike.errors import ConfigurationError, DataError
from bispike.nn import SequenceNetwork
from bispike.tasks import Judged, baselines, evaluate_sequences, write_on
from bispike.tasks.judging import mean_steps

TEXT = "the quick brown fox jumps over the lazy dog. " * 20


def walk(rows: int = 400, seed: int = 0) -> Series:
    """Two columns: a random walk, and its value three steps ago with noise."""
    draws = np.random.default_rng(seed)
    first = draws.normal(size=rows + 3).cumsum()
    second = first[:rows] + 0.1 * draws.normal(size=rows)
    return Series("walk", ("now", "then"), np.stack([first[3:], second], 1))


def test_measures_are_those_of_their_definitions() -> None:
    said, true = torch.tensor([[1.0, 10.0], [2.0, 20.0]]), torch.tensor([[2.0, 10.0], [4.0, 30.0]])
    judged = Judged(torch.tensor([2.0, 10.0]).double(), torch.tensor([0.5, 5.0]).double())
    judged.add(said[:1], true[:1])
    judged.add(said[1:], true[1:])
    found = judged.result()
    assert found["mse"] == pytest.approx((0.25 + 0 + 1 + 1) / 4)
    assert found["mae"] == pytest.approx((0.5 + 0 + 1 + 1) / 4)
    assert found["mase"] == pytest.approx((2 + 0 + 4 + 2) / 4)
    assert found["smape"] == pytest.approx(100 * (2 / 3 + 0 + 4 / 6 + 20 / 50) / 4)


def test_a_text_is_judged_at_all_positions() -> None:
    found = from_text(TEXT, name="fox", window=8)
    network = models.create("rnn", found.stimulus, found.concept, widths=[8], threshold=0.5, excitability=0.5)
    assert isinstance(network, SequenceNetwork)
    assert isinstance(found.test, Windows)
    judged = evaluate_sequences(network, found.test, batch_size=7)
    stimuli, labels = found.test[:]
    scores = network.logits(stimuli)
    assert judged["samples"] == labels.numel()
    assert judged["accuracy"] == pytest.approx(float((scores.argmax(2) == labels).double().mean()))
    nats = torch.nn.functional.cross_entropy(scores.flatten(0, 1), labels.flatten())
    assert judged["bits"] == pytest.approx(float(nats) / math.log(2), rel=1e-5)
    assert sum(map(sum, judged["confusion"])) == labels.numel()


def test_a_series_is_judged_at_the_last_position() -> None:
    found = windowed(walk(), horizon=2, window=6)
    network = models.create("rnn", found.stimulus, found.concept, widths=[8], threshold=0.5, excitability=0.5)
    assert isinstance(network, SequenceNetwork)
    assert isinstance(found.test, Windows)
    assert isinstance(found.train, Windows)
    judged = evaluate_sequences(network, found.test, batch_size=7, steps=mean_steps(found.train))
    stimuli, targets = found.test[:]
    error = (network.logits(stimuli) - targets)[:, -1].double() / torch.tensor(found.concept.scale).double()
    assert judged["mse"] == pytest.approx(float(error.square().mean()), rel=1e-5)
    assert judged["accuracy"] is None
    assert judged["mase"] > 0


def test_baselines_see_what_a_network_sees() -> None:
    found = windowed(walk(2000), horizon=1, window=6)
    measured = baselines(found)
    assert list(measured) == ["naive", "mean", "linear, own", "linear, all"]
    # what follows the second column is in the first one's past; nobody can forecast the walk itself
    assert measured["linear, all"]["mse"] < measured["linear, own"]["mse"]
    assert measured["naive"]["mse"] < measured["mean"]["mse"]
    steps = np.abs(np.diff(walk(2000).values, axis=0))[:1599].mean(0)
    errors = np.abs(np.diff(walk(2000).values, axis=0))[1599:].mean(0)
    assert measured["naive"]["mase"] == pytest.approx((errors / steps).mean(), rel=1e-3)


def test_baselines_of_an_estimate_have_no_present_value() -> None:
    measured = baselines(windowed(walk(), protocol="paper", window=6))
    assert list(measured) == ["mean", "linear, all"]
    with pytest.raises(DataError, match="expected a series"):
        baselines(from_text(TEXT, name="fox", window=8))


def test_text_goes_on_from_its_beginning() -> None:
    found = from_text(TEXT, name="fox", window=8)
    network = models.create("rnn", found.stimulus, found.concept, widths=[8], threshold=0.5, excitability=0.5)
    assert isinstance(network, SequenceNetwork)
    written = write_on(network, "the q", 30, seed=1)
    assert len(written) == 30
    assert set(written) <= set(TEXT)
    assert written == write_on(network, "the q", 30, seed=1)
    assert written != write_on(network, "the q", 30, seed=2)
    likeliest = write_on(network, "the q", 3, temperature=0)
    said = network.logits(torch.tensor([[found.concept.names.index(c) for c in "the q"]]))[0, -1]
    assert likeliest[0] == found.concept.names[int(said.argmax())]
    with pytest.raises(ConfigurationError, match="vocabulary"):
        write_on(network, "ÄÖÜ", 3)
    with pytest.raises(ConfigurationError, match="at least 0"):
        write_on(network, "the", -1)
