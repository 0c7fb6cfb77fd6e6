"""Operations against counts by hand and by brute force; energy against the stated figures."""

from __future__ import annotations

import pytest
import torch

from bispike import models, rules
from bispike.analysis import fan_out, inference_operations
from bispike.nn import IdentityShortcut, Network, Residual
from bispike.nn.synapse import Conv, Dense
from bispike.spaces import Quantities


def brute_fan_out(conv: Conv) -> torch.Tensor:
    """Count the (output position, kernel position) pairs that read each source position, one by one."""
    counts = torch.zeros(conv.source)
    for y in range(conv.target[1]):
        for x in range(conv.target[2]):
            for dy in range(conv.kernel):
                for dx in range(conv.kernel):
                    row, column = y * conv.stride + dy - conv.padding, x * conv.stride + dx - conv.padding
                    if 0 <= row < conv.source[1] and 0 <= column < conv.source[2]:
                        counts[:, row, column] += conv.target[0]
    return counts


@pytest.mark.parametrize(("size", "kernel", "stride"), [(5, 3, 1), (6, 3, 2), (7, 5, 2), (4, 1, 1)])
def test_fan_out_of_a_convolution_is_exact_at_borders(size: int, kernel: int, stride: int) -> None:
    conv = Conv((2, size, size), 3, kernel=kernel, stride=stride)
    assert torch.equal(fan_out(conv), brute_fan_out(conv))


def test_fan_out_of_a_dense_synapse_is_its_number_of_targets() -> None:
    assert fan_out(Dense((3, 2, 2), (7,))).eq(7).all()


def test_a_shortcut_without_weights_counts_one_addition_a_spike_whatever_its_gain() -> None:
    synapse = Residual(Conv((3, 4, 4), 2), IdentityShortcut(0.3), 2)
    assert torch.equal(fan_out(synapse), torch.cat([brute_fan_out(Conv((3, 4, 4), 2)), torch.ones(2, 4, 4)]))


def test_a_residual_network_by_hand() -> None:
    network = models.resnet((1, 4, 4), [2], 2, blocks=[1], time_steps=4)
    stimuli = torch.randn(6, 1, 4, 4, generator=torch.Generator().manual_seed(0))
    first, second, third = (record.spikes.float().sum(0).sum(0) / 6 for record in network.observe(stimuli))
    within = brute_fan_out(Conv((2, 4, 4), 2))
    found = inference_operations(network, stimuli)
    expected = (first * (within + 1) + second * within + third * 2).sum()
    assert found.accumulates == pytest.approx(float(expected))


def spiking(**options: object) -> Network:
    return models.mlp((5,), [4, 3], 2, **{"time_steps": 6, "norm": False, "seed": 3, "gain": 3.0, **options})


def test_a_spiking_network_by_hand() -> None:
    network, stimuli = spiking(), torch.randn(6, 5, generator=torch.Generator().manual_seed(0))
    first, second = (record.spikes.float().sum() / 6 for record in network.observe(stimuli))
    assert 0 < first < 6 * 4  # neither silent nor saturated
    found = inference_operations(network, stimuli, batch_size=4)
    assert found.multiplies == found.multiplies_nonzero == 5 * 4  # the current, once for all steps
    assert found.accumulates == pytest.approx(float(first * 3 + second * 2))
    assert found.energy_nj == pytest.approx(1e-3 * (4.6 * 20 + 0.9 * found.accumulates))
    assert found.synaptic_operations == 20 + found.accumulates


@pytest.mark.parametrize("code", ["bernoulli", "latency"])
def test_spikes_at_the_input_need_no_multiplication(code: str) -> None:
    network, stimuli = spiking(stimulus_code=code), torch.rand(6, 5, generator=torch.Generator().manual_seed(0))
    found = inference_operations(network, stimuli, generator=torch.Generator().manual_seed(1))
    source = network.encode(stimuli, generator=torch.Generator().manual_seed(1))
    with network.inference():
        first, second = (6 * step.activity.rate.sum() for step in network.bottom_up_pass(source))
    assert found.multiplies == 0
    assert float(source.sum()) > 0
    assert found.accumulates == pytest.approx(float(source.sum() * 4 + first * 3 + second * 2) / 6)


def test_a_rate_network_multiplies_everywhere() -> None:
    network, stimuli = spiking(), torch.randn(8, 5, generator=torch.Generator().manual_seed(0))
    rules.create("backprop", network)
    active = [step.leaving.gt(0).sum() / 8 for step in network.bottom_up_rates(network.encode(stimuli))]
    found = inference_operations(network, stimuli)
    assert (found.accumulates, found.multiplies) == (0, 5 * 4 + 4 * 3 + 3 * 2)
    assert found.multiplies_nonzero == pytest.approx(float(20 + active[0] * 3 + active[1] * 2))
    assert found.energy_nj == pytest.approx(4.6e-3 * 38)
    assert found.energy_nj_nonzero == pytest.approx(4.6e-3 * found.multiplies_nonzero)
    assert found.multiplies_nonzero < 38


def test_pooled_maps_are_counted_after_pooling() -> None:
    network = models.cnn((1, 6, 6), [3, 4], 3, pools=[2, 1], dense=[], time_steps=3, norm=False, gain=3.0, seed=1)
    stimuli = torch.randn(3, 1, 6, 6, generator=torch.Generator().manual_seed(0))
    expected, source = 0.0, network.encode(stimuli)
    for step, above in zip(
        network.bottom_up_pass(source), [network.layers[1].up.synapse, network.readout], strict=True
    ):
        spikes = step.layer.pool_spikes(step.activity.spikes)
        dense = spikes if isinstance(spikes, torch.Tensor) else spikes.dense()
        fan = brute_fan_out(above) if isinstance(above, Conv) else torch.full(step.layer.output_shape, 3.0)
        expected += float((dense.float().sum((0, 1)) * fan).sum()) / 3
    found = inference_operations(network, stimuli)
    assert expected > 0
    assert found.accumulates == pytest.approx(expected)
    assert found.multiplies == float(brute_fan_out(network.layers[0].up.synapse).sum())


@pytest.mark.parametrize("kind", ["text", "series"])
@pytest.mark.parametrize("activity", ["spikes", "rates"])
def test_a_position_of_a_recurrent_network_by_hand(kind: str, activity: str) -> None:
    """Layers of 5 and 4 neurons; each neuron also reaches its own layer at the next position."""
    target = tuple("abcdef") if kind == "text" else Quantities(("u", "v"))
    features, classes = (6, 6) if kind == "text" else (3, 2)
    network = models.create("rnn", features, target, widths=[5, 4], time_steps=3, threshold=0.5, excitability=0.5)
    draws = torch.Generator().manual_seed(0)
    stimuli = torch.randint(6, (3, 7), generator=draws) if kind == "text" else torch.randn(3, 7, 3, generator=draws)
    if activity == "rates":
        rules.create("backprop", network)
    source = network.encode(stimuli)
    with network.inference():
        if activity == "rates":
            rates = [layer.rate.detach() for _, layer in network.rates_positions(source)]
        else:
            rates = [step.activity.rate for step in network.bottom_up_positions(source, network.rest(3))]
    found = inference_operations(network, stimuli, batch_size=2)
    entering = 5 * (1 if kind == "text" else features)
    if activity == "spikes":
        spikes = [float(rate.sum()) * 3 / 21 for rate in rates]
        assert min(spikes) > 0
        within = spikes[0] * (5 + 4) + spikes[1] * (4 + classes)
        assert found.accumulates == pytest.approx(within + (entering if kind == "text" else 0))
        assert found.multiplies == found.multiplies_nonzero == (0 if kind == "text" else entering)
    else:
        nonzero = [float((rate != 0).sum()) / 21 for rate in rates]
        assert found.accumulates == 0
        assert found.multiplies == pytest.approx(5 * features + 5 * (5 + 4) + 4 * (4 + classes))
        within = nonzero[0] * (5 + 4) + nonzero[1] * (4 + classes)
        assert found.multiplies_nonzero == pytest.approx(entering + within)


def test_counting_leaves_the_network_as_it_was() -> None:
    network, stimuli = spiking(), torch.randn(4, 5)
    before = network.logits(stimuli)
    inference_operations(network, stimuli)
    assert torch.equal(network.logits(stimuli), before)
    for synapse in [layer.up.synapse for layer in network.layers]:
        assert not synapse._forward_pre_hooks
        assert "forward_packed" not in vars(synapse)
