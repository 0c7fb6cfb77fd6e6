"""What is not a training any more is named: the stage, the rates, what to try."""

from __future__ import annotations

import math

import pytest
import torch

from bispike.errors import DivergenceError
from bispike.nn import Network
from bispike.training import health
from bispike.training.health import FiringWatch

STAGES = ["stage1", "stage2"]


def test_finite_values_pass() -> None:
    health.check_values(1.0, {"stage1": 0.5}, STAGES, [0.1, 0.0], "epoch 1")


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_the_lowest_stage_whose_loss_is_not_finite_is_named(value: float) -> None:
    losses = {"stage2": value, "stage1": value, "recall": value}
    with pytest.raises(DivergenceError, match=r"epoch 3, step 7: the loss of stage1 .*stage1 0\.100, stage2 0\.000"):
        health.check_values(1.0, losses, STAGES, [0.1, 0.0], "epoch 3, step 7")
    with pytest.raises(DivergenceError, match="loss of recall"):
        health.check_values(1.0, {"stage1": 1.0, "recall": value}, STAGES, [0.1, 0.0], "")
    with pytest.raises(DivergenceError, match="loss of the readout"):
        health.check_values(value, {"stage1": 1.0}, STAGES, [0.1, 0.0], "")
    with pytest.raises(DivergenceError, match="rate of stage2"):
        health.check_values(1.0, {}, STAGES, [0.1, value], "")


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("stages.1.up.synapse.weight", r"stage2 \(bottom-up\)"),
        ("stages.0.down.synapse.weight", r"stage1 \(top-down\)"),
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


def test_a_stage_is_silent_only_after_a_whole_window() -> None:
    watch = FiringWatch(STAGES, spiking=True, window=3)
    for rate in (0.0, 0.0):
        watch.see([rate, 0.5])
    assert watch.findings(100) == {}
    watch.see([0.0, 0.5])
    assert watch.findings(100) == {"stage1": "silent"}
    watch.see([1e-6, 0.5])
    assert watch.findings(100) == {}


def test_saturation_is_one_of_spikes_only() -> None:
    for spiking in (True, False):
        watch = FiringWatch(STAGES, spiking=spiking, window=2)
        watch.see([0.5, 1.0])
        watch.see([0.5, 1.0])
        assert watch.findings(100) == ({"stage2": "saturated"} if spiking else {})


def test_a_network_that_is_silent_for_an_epoch_ends_the_training() -> None:
    watch = FiringWatch(STAGES, spiking=True, window=2)
    for _ in range(4):
        watch.see([0.0, 0.0])
    assert watch.findings(5) == {"stage1": "silent", "stage2": "silent"}
    watch.see([0.0, 0.0])
    with pytest.raises(DivergenceError, match="lower threshold, a larger gain"):
        watch.findings(5)


def test_counts_survive_a_checkpoint() -> None:
    watch, again = (FiringWatch(STAGES, spiking=True) for _ in range(2))
    watch.see([0.0, 1.0])
    again.restore(watch.counts())
    assert again.counts() == {"silent": [1, 0], "saturated": [0, 1]}


def test_warnings_name_the_stage_and_a_remedy() -> None:
    assert "stage2 has not fired" in health.finding_text("stage2", "silent")
    assert "higher threshold" in health.finding_text("stage2", "saturated")
