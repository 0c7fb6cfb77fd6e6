"""The kind of a network follows from its builder and its ends, whatever its weights."""

from __future__ import annotations

import pytest
import torch

from bispike import models, rules, tasks
from bispike.experiments.kinds import Kind, kind_of
from bispike.nn import Network
from bispike.spaces import Quantities

QUANTITIES = Quantities(("a", "b"), mean=(0.0, 0.0), std=(1.0, 1.0))
NETWORKS = {
    Kind.CLASSES: lambda: models.mlp((6,), [5], 3),
    Kind.AUTOENCODER: lambda: models.autoencoder((6,), [5], 3),
    Kind.TEXT: lambda: models.rnn(7, [5], 7),
    Kind.SERIES: lambda: models.rnn(2, [5], QUANTITIES),
    Kind.SEQUENCES: lambda: models.rnn(7, [5], 3),
}


@pytest.mark.parametrize("kind", NETWORKS)
def test_each_builder_makes_a_network_of_its_kind(kind: Kind) -> None:
    network: Network = NETWORKS[kind]()
    assert kind_of(network) is kind
    assert tasks.of(network).sequential == (kind not in (Kind.CLASSES, Kind.AUTOENCODER))
    torch.nn.init.zeros_(next(iter(network.parameters())))
    assert kind_of(network) is kind


def test_a_rule_on_rates_makes_a_network_of_rates() -> None:
    for rule, spikes in (("bsd", True), ("backprop", False)):
        network = models.mlp((6,), [5], 3)
        rules.create(rule, network)
        assert network.signals.spiking is spikes
