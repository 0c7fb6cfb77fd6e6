"""Measures against their definitions."""

from __future__ import annotations

import math

import pytest
import torch

from bispike.data import Dataset
from bispike.errors import ConfigurationError
from bispike.nn import Network
from bispike.training.measures import evaluate, pathway_angles, peak_memory_mb

from .conftest import tiny_network


@pytest.mark.parametrize("batch_size", [1, 7, 256])
def test_accuracy_and_confusion_count_decisions(network: Network, dataset: Dataset, batch_size: int) -> None:
    stimuli, labels = dataset.test[range(len(dataset.test))]
    decided = network.perceive(stimuli)
    found = evaluate(network, dataset.test, batch_size)
    assert found["accuracy"] == pytest.approx((decided == labels).double().mean().item())
    for true in range(3):
        for taken in range(3):
            assert found["confusion"][true][taken] == int(((labels == true) & (decided == taken)).sum())
    assert (found["samples"], found["correct"]) == (40, int((decided == labels).sum()))


def test_the_network_is_left_as_it_was(dataset: Dataset) -> None:
    network = tiny_network(dataset, norm=True, stimulus_code="bernoulli").train()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    first = evaluate(network, dataset.test, seed=3)
    assert network.training
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())
    assert evaluate(network, dataset.test, seed=3) == first


def test_a_transform_sees_every_stimulus(network: Network, dataset: Dataset) -> None:
    seen: list[torch.Tensor] = []

    def blank(stimuli: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        seen.append(stimuli)
        return torch.zeros_like(stimuli)

    found = evaluate(network, dataset.test, 16, transform=blank)
    assert torch.equal(torch.cat(seen), dataset.test[range(40)][0])
    assert sum(any(column) for column in zip(*found["confusion"], strict=True)) == 1  # all look the same


def test_an_empty_split_is_refused(network: Network, dataset: Dataset) -> None:
    with pytest.raises(ConfigurationError, match="empty split"):
        evaluate(network, dataset.test.subset([]))


def test_angles_between_equal_opposite_and_orthogonal_pathways(network: Network) -> None:
    up = network.layers[0].up.synapse.weight  # 12 x 16
    down = network.stimulus_readout.weight  # 16 x 12
    with torch.no_grad():
        down.copy_(2 * up.T)
        assert pathway_angles(network)["stimulus"] == pytest.approx(0, abs=0.05)
        down.copy_(-up.T)
        assert pathway_angles(network)["stimulus"] == pytest.approx(180, abs=0.05)
        up.zero_()[0, 0] = 1
        down.zero_()[1, 0] = 1
        assert pathway_angles(network)["stimulus"] == pytest.approx(90)
        down[0, 0] = math.sqrt(3)
        assert pathway_angles(network)["stimulus"] == pytest.approx(30, abs=1e-3)
        up.zero_()
        assert pathway_angles(network)["stimulus"] == 90


def test_peak_memory_never_falls() -> None:
    first = peak_memory_mb(torch.device("cpu"))
    assert 10 < first <= peak_memory_mb(torch.device("cpu"))
