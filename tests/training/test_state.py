"""The parts of a training go into a checkpoint and come back bit for bit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

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


def row(epoch: int) -> dict[str, Any]:
    """The metrics of a finished epoch."""
    numbers = dict.fromkeys(("loss", "train_accuracy", "lr", "seconds", "step_ms"), 0.1 + 0.2)
    lists = {"spike_rate": [0.5, 0.25], "layer_losses": {"layer1": 0.1}, "angle": {"layer1": 90.0}}
    return {"epoch": epoch, "validation": 0.75, "health": {}, **numbers, **lists}


def sums_of(steps: int) -> EpochSums:
    """The sums over some steps."""
    sums = EpochSums()
    for step in range(steps):
        sums.add(8, 0.1 + step, 3, {"layer1": 0.2 + step}, [0.3, 1 / (3 + step)])
        sums.add_time(0.1234567)
    return sums


def halfway() -> TrainingState:
    """In the second epoch, after two of seven steps."""
    return TrainingState(1, 2, 9, sums_of(2), [row(1)])


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
    training.state = halfway()
    again = training_with(tiny_network(dataset, seed=5), name)
    again.restore(saved(training, tmp_path))
    state = again.state
    assert (state.epoch, state.step, state.updates, state.best_weights) == (1, 2, 9, None)
    assert again.position == "epoch 2, step 2 of 7"
    for seed in range(3, 6):
        update(training, seed)
        update(again, seed)
    for one, two in zip(training.network.parameters(), again.network.parameters(), strict=True):
        assert torch.equal(one, two)


def test_plain_values_and_best_weights_survive(network: Network, dataset: Dataset, tmp_path: Path) -> None:
    best = {name: value + 1 for name, value in network.state_dict().items()}
    training = training_with(network, "sgd")
    training.watch.restore({"silent": [0, 3], "saturated": [1, 0]})
    training.state = TrainingState(2, 5, 19, sums_of(5), [row(1), row(2)], 0.75, 1, None, {}, 1e6, best)
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
    with pytest.raises(CheckpointError, match=r"model\.safetensors: weights: does not fit.*lacks layers"):
        checkpoint.load_weights(other, weights, "model.safetensors")
