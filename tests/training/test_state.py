"""The parts of a training go into a checkpoint and come back bit for bit."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from bispike import rules
from bispike.config import optimizers
from bispike.data import Dataset
from bispike.errors import CheckpointError
from bispike.nn import Network
from bispike.runs import checkpoint
from bispike.training.state import EpochSums, Training, TrainingState

from .conftest import tiny_network


def training_with(network: Network, optimizer: str) -> Training:
    weights = [p for p in network.parameters() if p.dim() == 2]  # muon takes matrices only
    built = optimizers.build(optimizer, [{"params": weights, "base_lr": 0.01}])
    return Training(network, rules.create("bptt", network), built, steps=7)


def update(training: Training, seed: int) -> None:
    draws = torch.Generator().manual_seed(seed)
    for parameter in training.network.parameters():
        parameter.grad = torch.randn(parameter.shape, generator=draws)
    training.optimizer.step()


def saved(training: Training, folder: Path) -> checkpoint.Checkpoint:
    """The checkpoint of a training as it is read from its folder."""
    checkpoint.save(folder, training.snapshot({}))
    found = checkpoint.load(folder)
    assert found is not None
    return found


@pytest.mark.parametrize("name", sorted(optimizers.OPTIMIZERS))
def test_every_optimizer_continues_bit_for_bit(name: str, network: Network, dataset: Dataset, tmp_path: Path) -> None:
    training = training_with(network, name)
    for seed in range(3):
        update(training, seed)
    training.state = TrainingState(1, 2, 3)
    again = training_with(tiny_network(dataset, seed=5), name)
    again.restore(saved(training, tmp_path))
    state = again.state
    assert (state.epoch, state.step, state.updates, state.best_weights) == (1, 2, 3, None)
    assert again.position == "epoch 2, step 2 of 7"
    for seed in range(3, 6):
        update(training, seed)
        update(again, seed)
    for one, two in zip(training.network.parameters(), again.network.parameters(), strict=True):
        assert torch.equal(one, two)


def test_plain_values_and_best_weights_survive(network: Network, dataset: Dataset, tmp_path: Path) -> None:
    sums = EpochSums()
    sums.add(8, 0.1, 3, {"layer1": 0.2}, [0.3, 1 / 3])
    sums.add(8, 0.2, 4, {"layer1": 0.1}, [0.1, 1 / 7])
    sums.add_time(0.1234567)
    best = {name: value + 1 for name, value in network.state_dict().items()}
    training = training_with(network, "sgd")
    training.watch.restore({"silent": [0, 3], "saturated": [1, 0]})
    training.state = TrainingState(2, 5, 25, sums, [{"epoch": 1, "loss": 0.1 + 0.2}], 0.75, 1, None, {}, 1e6, best)
    values = training.state.values()
    again = training_with(tiny_network(dataset, seed=5), "sgd")
    again.restore(saved(training, tmp_path))
    assert again.state == training.state
    assert again.state.best_weights is not None
    assert all(torch.equal(again.state.best_weights[name], best[name]) for name in best)
    assert again.watch.counts() == {"silent": [0, 3], "saturated": [1, 0]}
    assert again.peak_memory_mb == 1e6  # of an earlier process, larger than what this one uses
    assert json.loads(json.dumps(values)) == values


def test_weights_of_another_network_are_refused(dataset: Dataset) -> None:
    weights = tiny_network(dataset).state_dict()
    other = tiny_network(dataset, norm=True)
    with pytest.raises(CheckpointError, match="do not fit this network"):
        checkpoint.load_weights(other, weights, "model.safetensors")
