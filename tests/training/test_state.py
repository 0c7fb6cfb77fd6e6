"""The memory of a training goes into a checkpoint and comes back bit for bit."""

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
from bispike.training import state
from bispike.training.state import EpochSums, State

from .conftest import tiny_network


def built(network: Network, name: str) -> torch.optim.Optimizer:
    weights = [p for p in network.parameters() if p.dim() == 2]  # muon takes matrices only
    return optimizers.build(name, [{"params": weights, "base_lr": 0.01}])


def update(network: Network, optimizer: torch.optim.Optimizer, seed: int) -> None:
    draws = torch.Generator().manual_seed(seed)
    for parameter in network.parameters():
        parameter.grad = torch.randn(parameter.shape, generator=draws)
    optimizer.step()


@pytest.mark.parametrize("name", sorted(optimizers.OPTIMIZERS))
def test_every_optimizer_continues_bit_for_bit(name: str, network: Network, dataset: Dataset, tmp_path: Path) -> None:
    optimizer = built(network, name)
    for seed in range(3):
        update(network, optimizer, seed)
    rule = rules.create("bptt", network)
    checkpoint.save(tmp_path, state.pack(State(1, 2, 3), network, rule, optimizer, None, {}))
    other = tiny_network(dataset, seed=5)
    again = built(other, name)
    saved = checkpoint.load(tmp_path)
    assert saved is not None
    found, best = state.unpack(saved, other, rules.create("bptt", other), again)
    assert (found.epoch, found.step, found.updates, best) == (1, 2, 3, None)
    for seed in range(3, 6):
        update(network, optimizer, seed)
        update(other, again, seed)
    for one, two in zip(network.parameters(), other.parameters(), strict=True):
        assert torch.equal(one, two)


def test_plain_values_and_best_weights_survive(network: Network, dataset: Dataset, tmp_path: Path) -> None:
    sums = EpochSums()
    sums.add(8, 0.1, 3, {"layer1": 0.2}, [0.3, 1 / 3])
    sums.add(8, 0.2, 4, {"layer1": 0.1}, [0.1, 1 / 7])
    before = State(2, 5, 25, sums, [{"epoch": 1, "loss": 0.1 + 0.2}], 0.75, 1, None, {"silent": [0, 3]}, 12.5)
    best = {name: value + 1 for name, value in network.state_dict().items()}
    rule, optimizer = rules.create("bptt", network), built(network, "sgd")
    checkpoint.save(tmp_path, state.pack(before, network, rule, optimizer, best, {}))
    saved = checkpoint.load(tmp_path)
    assert saved is not None
    after, weights = state.unpack(saved, network, rule, optimizer)
    assert after == before
    assert weights is not None
    assert all(torch.equal(weights[name], best[name]) for name in best)
    assert json.loads(json.dumps(before.values())) == before.values()


def test_weights_of_another_network_are_refused(dataset: Dataset) -> None:
    weights = tiny_network(dataset).state_dict()
    other = tiny_network(dataset, norm=True)
    with pytest.raises(CheckpointError, match="do not fit this network"):
        checkpoint.load_weights(other, weights, "model.safetensors")
