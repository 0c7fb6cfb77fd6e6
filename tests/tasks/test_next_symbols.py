"""Networks of text: measures by their definitions, and the continuation of a text."""

from __future__ import annotations

import math

import pytest
import torch

from bispike import tasks
from bispike.data.series_windows import windowed
from bispike.errors import ConfigurationError
from bispike.tasks import continue_text

from .makers import TEXT, fox, network_for, walk


def test_all_positions_of_a_text_count() -> None:
    data = fox()
    network = network_for(data)
    found = tasks.of(network).evaluate(data.test, batch_size=7)
    stimuli, labels = data.test[:]
    scores = network.logits(stimuli)
    assert found["samples"] == labels.numel()
    assert found["accuracy"] == pytest.approx(float((scores.argmax(2) == labels).double().mean()))
    nats = torch.nn.functional.cross_entropy(scores.flatten(0, 1), labels.flatten())
    assert found["bits"] == pytest.approx(float(nats) / math.log(2), rel=1e-5)
    assert sum(map(sum, found["confusion"])) == labels.numel()


def test_the_mean_of_the_scores_decides_a_vote() -> None:
    data = fox()
    network = network_for(data)
    part = data.test.subset(slice(0, 5))
    object.__setattr__(part, "scored", "vote")
    found = tasks.of(network).evaluate(part, batch_size=2)
    stimuli, labels = part[:]
    decided = network.logits(stimuli).mean(1).argmax(1)
    assert found["samples"] == 5
    assert found["correct"] == int((decided == labels[:, 0]).sum())


def test_a_text_continues_from_its_beginning() -> None:
    data = fox()
    network = network_for(data)
    drawn = continue_text(network, "the q", 30, seed=1)
    assert len(drawn) == 30
    assert set(drawn) <= set(TEXT)
    assert drawn == continue_text(network, "the q", 30, seed=1)
    assert drawn != continue_text(network, "the q", 30, seed=2)
    likeliest = continue_text(network, "the q", 3, temperature=0)
    scores = network.logits(torch.tensor([[data.concept.names.index(c) for c in "the q"]]))[0, -1]
    assert likeliest[0] == data.concept.names[int(scores.argmax())]
    assert continue_text(network, "the q", 3, temperature=1e-300) == likeliest


def test_what_cannot_be_continued_is_refused() -> None:
    network = network_for(fox())
    with pytest.raises(ConfigurationError, match="vocabulary"):
        continue_text(network, "ÄÖÜ", 3)
    with pytest.raises(ConfigurationError, match="at least 0"):
        continue_text(network, "the", -1)
    with pytest.raises(ConfigurationError, match="at most 1,000,000"):
        continue_text(network, "the", 10**12)
    with pytest.raises(ConfigurationError, match="expected a network for next symbols, received one for forecasting"):
        continue_text(network_for(windowed(walk(), window=6)), "the", 1)
