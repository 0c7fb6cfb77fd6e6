"""Decisions and recall of a finished run, against the network itself."""

from __future__ import annotations

import pytest
import torch

from bispike import models
from bispike.config.train_config import TrainConfig
from bispike.data import from_arrays
from bispike.errors import ConfigurationError, UnknownNameError
from bispike.nn import Network
from bispike.tasks.decisions import decide
from bispike.training.evaluation import recall, split_of


@pytest.fixture
def network() -> Network:
    return models.mlp([1, 3, 4], [8], ["cat", "dog", "owl", "yak"])


def test_shares_are_the_softmax_of_the_scores_in_falling_order(network: Network) -> None:
    stimuli = torch.rand(7, 1, 3, 4, generator=torch.Generator().manual_seed(0))
    shares = network.eval().logits(stimuli).double().softmax(1)
    for row, found in zip(shares, decide(network, stimuli, best=4, batch_size=3), strict=True):
        assert {name: pytest.approx(share) for name, share in found} == dict(
            zip(network.concept.names, row.tolist(), strict=True)
        )
        assert [share for _, share in found] == sorted(row.tolist(), reverse=True)


def test_best_is_cut_to_the_classes_there_are(network: Network) -> None:
    assert len(decide(network, torch.rand(1, 1, 3, 4), best=9)[0]) == 4
    with pytest.raises(ConfigurationError, match="best"):
        decide(network, torch.rand(1, 1, 3, 4), best=0)


def test_recall_keeps_the_order_that_was_asked_for(network: Network) -> None:
    names, stimuli = recall(network, ["owl", "cat"])
    assert names == ["owl", "cat"]
    assert torch.equal(stimuli, network.recall(torch.tensor([2, 0])))
    assert recall(network)[0] == ["cat", "dog", "owl", "yak"]
    with pytest.raises(UnknownNameError, match="owl"):
        recall(network, ["ow"])


def test_the_parts_of_a_training_do_not_overlap() -> None:
    rows = torch.arange(100.0)[:, None]
    dataset = from_arrays(rows, torch.arange(100) % 4)
    config = TrainConfig(validation=0.2, limit=24)
    parts = {
        name: set(split_of(dataset, config, name).stimuli.flatten().tolist())
        for name in ("test", "validation", "train")
    }
    assert len(parts["train"]) == 24
    assert len(parts["validation"]) == 16
    assert len(parts["test"]) == 20
    assert len(set.union(*parts.values())) == 60
