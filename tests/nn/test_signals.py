"""Spikes and rates as what travels between layers: each answers as the equations of its pass do."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor

from bispike import models
from bispike.functional import dense_spikes, even_code
from bispike.nn import RATES, SPIKES, Classifier
from tests import reference
from tests.builders import WIRINGS, shaken, stimuli

TIGHT: dict[str, Any] = {"rtol": 1e-9, "atol": 1e-10}


def plain_rates(net: Classifier, pathway: str, source: Tensor) -> list[tuple[Tensor, Tensor]]:
    """(What each layer receives, its rates) in the rate twin: synapse, norm with running statistics, ReLU."""
    found = []
    order = list(net.layers) if pathway == "up" else list(net.layers)[::-1]
    for layer in order:
        path = getattr(layer, pathway)
        drive = path.synapse(source)
        if path.norm is not None:
            shape = (1, -1, *[1] * (drive.dim() - 2))
            unit = (drive - path.norm.running_mean.view(shape)) / (
                path.norm.running_variance.view(shape) + path.norm.eps
            ).sqrt()
            drive = unit * path.norm.weight.view(shape) + path.norm.bias.view(shape)
        rate = torch.where(drive > 0, drive, torch.zeros_like(drive))
        found.append((source, rate))
        source = rate
        if pathway == "up" and layer.pool > 1:
            source = torch.nn.functional.max_pool2d(rate, layer.pool)
    return found


@pytest.mark.parametrize("kind", ["dense", "pooling", "transposed"])
@pytest.mark.parametrize("norm", [False, True])
def test_rates_are_those_of_the_twin(kind: str, norm: bool) -> None:
    net = shaken(WIRINGS[kind](norm=norm, gain=1.7)).eval()
    net.signals = RATES
    x = stimuli(net)
    with torch.no_grad():
        source = net.encode(x)
        expected = plain_rates(net, "up", source)
        steps = list(net.steps(source))
        for step, (below, rate), layer in zip(steps, expected, net.layers, strict=True):
            assert step.layer is layer
            torch.testing.assert_close(step.below, below, **TIGHT)
            torch.testing.assert_close(step.activity.rate, rate, **TIGHT)
        top = expected[-1][1]
        if net.layers[-1].pool > 1:
            top = torch.nn.functional.max_pool2d(top, net.layers[-1].pool)
        torch.testing.assert_close(steps[-1].leaving, top, **TIGHT)
        torch.testing.assert_close(RATES.top(net.layers, source, net.time_steps, constant=True), top, **TIGHT)
        torch.testing.assert_close(net.logits(x), net.readout(top), rtol=1e-6, atol=1e-8)
        labels = torch.tensor([1, 0])
        down = plain_rates(net, "down", torch.eye(net.concept.classes, dtype=torch.float64)[labels])
        lowest = down[-1][1]
        torch.testing.assert_close(RATES.down(net.layers, net.code, labels, net.time_steps), lowest, **TIGHT)
        recalled = net.stimulus_readout(lowest) * net.stimulus_std + net.stimulus_mean
        torch.testing.assert_close(net.recall(labels), recalled, **TIGHT)


@pytest.mark.parametrize("kind", WIRINGS)
def test_spikes_are_those_of_the_passes(kind: str) -> None:
    net = shaken(WIRINGS[kind](norm=True, gain=1.7)).eval()
    ref, x, labels = reference.read(net), stimuli(net), torch.tensor([1, 0, 1])
    up, down = reference.bottom_up(ref, x), reference.top_down(ref, labels)
    with torch.no_grad():
        source = net.encode(x)
        top = SPIKES.top(net.layers, source, net.time_steps, constant=True)
        assert torch.equal(dense_spikes(top, like=x), up[-1].leaving)
        steps = list(net.steps(source))
        for step, there in zip(steps, up, strict=True):
            torch.testing.assert_close(step.leaving, there.leaving.mean(0), **TIGHT)
        found = SPIKES.down(net.layers, net.code, labels, net.time_steps)
        torch.testing.assert_close(found, down[0].rate, **TIGHT)


@pytest.mark.parametrize("signals", [SPIKES, RATES], ids=["spikes", "rates"])
def test_a_spike_code_counts_by_its_time_mean_in_the_rate_twin(signals: Any) -> None:
    net = shaken(models.mlp((6, 5), [7, 4], 3, stimulus_code="given", time_steps=6, gain=2.0, norm=False)).eval()
    train = (torch.rand(4, 6, 5, generator=torch.Generator().manual_seed(0)) < 0.4).double()
    net.signals = signals
    with torch.no_grad():
        found = [step.activity.rate for step in net.steps(net.encode(train))]
        if signals is RATES:
            expected = [rate for _, rate in plain_rates(net, "up", train.mean(1))]
        else:
            expected = [
                there.rate for there in reference._pass(reference.read(net).up, train.transpose(0, 1), local=False)
            ]
    for one, two in zip(found, expected, strict=True):
        torch.testing.assert_close(one, two.detach(), **TIGHT)
    torch.testing.assert_close(net.logits(train), net.readout(expected[-1]).detach(), rtol=1e-6, atol=1e-8)


def test_a_learned_code_that_varies_over_time_comes_down_step_by_step() -> None:
    net = shaken(models.mlp(5, [8, 6], 4, norm=True, concept_code="learned", concept_size=7, gain=2.0)).eval()
    labels = torch.tensor([3, 0])
    expected = reference.top_down(reference.read(net), labels)
    train = net.code.spikes(net.time_steps)
    assert not torch.equal(train[0], train[1])  # else a constant would do
    with torch.no_grad():
        torch.testing.assert_close(SPIKES.down(net.layers, net.code, labels, net.time_steps), expected[0].rate, **TIGHT)
        rate = plain_rates(net, "down", train[:, labels].mean(0))[-1][1]
        torch.testing.assert_close(RATES.down(net.layers, net.code, labels, net.time_steps), rate, **TIGHT)


def test_a_population_emits_its_rates_or_as_many_spikes() -> None:
    rate = torch.tensor([[0.0, 0.25, 0.5, 1.0]])
    assert RATES.emit(rate, 4) is rate
    spikes = SPIKES.emit(rate, 4)
    assert spikes.shape == (4, 1, 4)
    torch.testing.assert_close(spikes.mean(0), rate)
    assert torch.equal(spikes, even_code(rate, 4))


@pytest.mark.parametrize("norm", [False, True])
def test_a_latent_signal_comes_down_through_the_layers_below_it(norm: bool) -> None:
    net = shaken(models.autoencoder(6, [9, 7], 3, latent=5, norm=norm)).eval()
    layers = net.layers[:-1]
    rate = torch.rand(4, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    train = (torch.rand(8, 4, 5, generator=torch.Generator().manual_seed(1)) < 0.4).double()
    ref = reference.read(net)
    with torch.no_grad():
        expected = reference._pass(ref.down[:-1][::-1], train, local=False)[-1]
        torch.testing.assert_close(SPIKES.down_from(layers, train, 8), expected.rate, **TIGHT)
        source = rate
        for layer in reversed(layers):
            source = torch.relu(layer.down.forward_rates(source, track=False).drive)
        torch.testing.assert_close(RATES.down_from(layers, rate, 8), source, **TIGHT)


def test_each_kind_describes_itself() -> None:
    assert (SPIKES.name, SPIKES.unit, SPIKES.largest, SPIKES.spiking) == ("spikes", "spike", 1.0, True)
    assert (RATES.name, RATES.unit, RATES.largest, RATES.spiking) == ("rates", "value", math.inf, False)


@pytest.mark.parametrize("signals", [SPIKES, RATES], ids=["spikes", "rates"])
def test_an_autoencoder_compresses_expands_and_reconstructs(signals: Any) -> None:
    """Three layers below the code: up through all, down through all but the highest."""
    net = shaken(models.autoencoder((2, 3), [9, 8, 7], 3, latent=5, gain=1.5)).eval()
    net.signals = signals
    ref, x = reference.read(net), stimuli(net)
    given = torch.rand(4, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    with torch.no_grad():
        if signals is SPIKES:
            code = reference.bottom_up(ref, x)[-1]
            compressed = code.rate
            lowest = [
                reference._pass(ref.down[:-1][::-1], train, local=False)[-1].rate
                for train in (even_code(given, net.time_steps).double(), code.spikes)
            ]
        else:
            compressed = plain_rates(net, "up", net.encode(x))[-1][1]
            lowest = []
            for values in (given, compressed):
                for layer in reversed(net.layers[:-1]):
                    values = torch.relu(layer.down.forward_rates(values, track=False).drive)
                lowest.append(values)
        torch.testing.assert_close(net.compress(x), compressed, **TIGHT)
        expanded, again = (net.stimulus_readout(rate) * net.stimulus_std + net.stimulus_mean for rate in lowest)
        torch.testing.assert_close(net.expand(given), expanded, **TIGHT)
        torch.testing.assert_close(net.reconstruct(x), again, **TIGHT)


def test_draws_of_a_code_come_from_the_generator() -> None:
    net = models.autoencoder(6, [9], 3, latent=5, stimulus_code="bernoulli", time_steps=8)
    x = torch.rand(5, 6, generator=torch.Generator().manual_seed(0))
    before = torch.get_rng_state()
    for ask in (net.logits, net.compress, net.reconstruct):
        one, two, other = (ask(x, generator=torch.Generator().manual_seed(seed)) for seed in (1, 1, 2))
        assert torch.equal(one, two)
        assert not torch.equal(one, other)
    assert torch.equal(torch.get_rng_state(), before)
