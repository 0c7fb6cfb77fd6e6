"""What is not a training any more is named: the layer, the rates, what to try."""

from __future__ import annotations

import math

import pytest
import torch

from bispike.errors import DivergenceError
from bispike.nn import Network
from bispike.training import health
from bispike.training.health import FiringWatch

LAYERS = ["layer1", "layer2"]


def test_finite_values_pass() -> None:
    health.check_values(1.0, {"layer1": 0.5}, LAYERS, [0.1, 0.0], "epoch 1")


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_the_lowest_layer_whose_loss_is_not_finite_is_named(value: float) -> None:
    losses = {"layer2": value, "layer1": value, "recall": value}
    with pytest.raises(DivergenceError, match=r"epoch 3, step 7: the loss of layer1 .*layer1 0\.100, layer2 0\.000"):
        health.check_values(1.0, losses, LAYERS, [0.1, 0.0], "epoch 3, step 7")
    with pytest.raises(DivergenceError, match="loss of recall"):
        health.check_values(1.0, {"layer1": 1.0, "recall": value}, LAYERS, [0.1, 0.0], "")
    with pytest.raises(DivergenceError, match="loss of the readout"):
        health.check_values(value, {"layer1": 1.0}, LAYERS, [0.1, 0.0], "")
    with pytest.raises(DivergenceError, match="rate of layer2"):
        health.check_values(1.0, {}, LAYERS, [0.1, value], "")


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("layers.1.up.synapse.weight", r"layer2 \(bottom-up\)"),
        ("layers.0.down.synapse.weight", r"layer1 \(top-down\)"),
        ("readout.weight", "readout"),
    ],
)
def test_weights_that_are_not_finite_are_found(network: Network, name: str, place: str) -> None:
    trained = list(network.parameters())
    health.check_weights(network, trained, [0.1, 0.2], "epoch 1")
    with torch.no_grad():
        network.get_parameter(name).view(-1)[-1] = math.nan
    with pytest.raises(DivergenceError, match=f"weights of {place} are not finite.*Try a lower lr"):
        health.check_weights(network, trained, [0.1, 0.2], "epoch 1")


def test_a_layer_is_silent_only_after_a_whole_window() -> None:
    watch = FiringWatch(LAYERS, largest=1.0, window=3)
    for rate in (0.0, 0.0):
        watch.count([rate, 0.5])
    assert watch.findings(100) == {}
    watch.count([0.0, 0.5])
    assert watch.findings(100) == {"layer1": "silent"}
    watch.count([1e-6, 0.5])
    assert watch.findings(100) == {}


def test_saturation_is_one_of_spikes_only() -> None:
    for largest in (1.0, math.inf):
        watch = FiringWatch(LAYERS, largest=largest, window=2)
        watch.count([0.5, 1.0])
        watch.count([0.5, 1.0])
        assert watch.findings(100) == ({"layer2": "saturated"} if largest == 1.0 else {})


def test_a_network_that_is_silent_for_an_epoch_ends_the_training() -> None:
    watch = FiringWatch(LAYERS, largest=1.0, window=2)
    for _ in range(4):
        watch.count([0.0, 0.0])
    assert watch.findings(5) == {"layer1": "silent", "layer2": "silent"}
    watch.count([0.0, 0.0])
    with pytest.raises(DivergenceError, match="lower threshold, a larger gain"):
        watch.findings(5)


def test_counts_survive_a_checkpoint() -> None:
    watch, again = (FiringWatch(LAYERS, largest=1.0) for _ in range(2))
    watch.count([0.0, 1.0])
    again.restore(watch.counts())
    assert again.counts() == {"silent": [1, 0], "saturated": [0, 1]}


def test_warnings_name_the_layer_and_a_remedy() -> None:
    assert "layer2 has not fired" in health.finding_text("layer2", "silent")
    assert "higher threshold" in health.finding_text("layer2", "saturated")
