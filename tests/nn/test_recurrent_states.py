"""Recurrent pathways beyond one pass: norms backwards, first weights, states, what carries a tape and what does not."""

from __future__ import annotations

import pytest
import torch

from bispike import models, rules
from bispike.functional import lif
from bispike.nn import RecurrentState

from .test_recurrent import series_network, symbols, text_network, values

# ------------------------------------------------------------------ the norm backwards


@pytest.mark.parametrize("samples", [1, 2, 5])
@pytest.mark.parametrize("kind", ["spikes", "rates"])
def test_backwards_the_norm_takes_off_what_the_samples_share(kind: str, samples: int) -> None:
    """Of one sample nothing is shared, else nothing would be left of its gradient."""
    network = series_network().double()
    path = network.paths[0]
    draw = torch.Generator().manual_seed(0)
    with torch.no_grad():
        path.norm.running_mean.copy_(torch.rand(9, generator=draw))
        path.norm.running_variance.copy_(torch.rand(9, generator=draw) + 0.5)
    source = torch.randn(1, samples, 3, generator=draw, dtype=torch.float64)
    weights = torch.randn(samples, 9, generator=draw, dtype=torch.float64)
    before = RecurrentState(torch.rand(samples, 9, generator=draw, dtype=torch.float64))
    if kind == "spikes":
        value = path.taped_positions(source, before, 3, constant=True)[0].mean(0)[0]
    else:
        value = path.rate_positions(source, before)[0].rate
    found = torch.autograd.grad((value * weights).sum(), path.synapse.weight)[0]
    received = torch.cat([source[0], before.rate], 1)
    scale = path.norm.weight / (path.norm.running_variance + path.norm.eps).sqrt()
    shift = path.norm.bias - path.norm.running_mean * scale
    raw = (received @ path.synapse.weight.T + path.synapse.bias).detach().requires_grad_()
    drive = raw * scale + shift
    rate = lif(drive, path.neuron, time_steps=3).mean(0) if kind == "spikes" else torch.relu(drive)
    torch.testing.assert_close(value, rate)
    grad = torch.autograd.grad((rate * weights).sum(), raw)[0]
    if samples > 1:
        grad = grad - grad.mean(0)
    torch.testing.assert_close(found, grad.T @ received)
    assert float(grad.abs().max()) > 0


@pytest.mark.parametrize("name", ["bptt", "backprop"])
def test_one_sequence_alone_teaches(name: str) -> None:
    network = series_network().double()
    rules.create(name, network).compute_gradients(
        values(1, 4, dtype=torch.float64), values(1, 4, columns=2, seed=1, dtype=torch.float64)
    )
    assert float(network.paths[0].synapse.weight.grad.abs().max()) > 0


def test_first_weights_of_a_recurrent_pathway() -> None:
    """Uniform: from below with deviation gain/√D (gain where one unit is active at a time), from itself gain/√H."""
    path = text_network([40]).paths[0]
    for one_hot, below in ((False, 6**-0.5), (True, 1.0)):
        path.initialise(0.7, torch.Generator().manual_seed(0), one_hot=one_hot)
        draw = torch.Generator().manual_seed(0)
        bounds = [0.7 * below * 3**0.5, 0.7 * 40**-0.5 * 3**0.5]
        for part, bound, width in zip(path.parts(), bounds, (6, 40), strict=True):
            expected = torch.empty(40, width).uniform_(-bound, bound, generator=draw)
            assert torch.equal(part.detach(), expected)
        assert float(path.synapse.bias.detach().abs().max()) == 0


@pytest.mark.parametrize("carry", [False, True])
def test_a_state_may_be_gone_on_from_twice(carry: bool) -> None:
    network = text_network(carry=carry).double().eval()
    source = network.encode(symbols(3, 4)).double()
    state = network.rest(3)
    list(network.bottom_up_positions(source[:2], state))
    kept = list(state)
    found = [[step.activity.rate for step in network.bottom_up_positions(source[2:], list(kept))] for _ in range(2)]
    assert all(torch.equal(one, two) for one, two in zip(*found, strict=True))


def test_unless_said_otherwise_a_gradient_goes_back_through_all_positions() -> None:
    network = text_network(norm=False).double()
    path, source = network.paths[0], network.encode(symbols(3, 4)).double()
    found = []
    for options in ({}, {"truncate": 0}, {"truncate": 1}):
        spikes, raw = path.taped_positions(source, path.rest(3), 2, constant=True, **options)
        assert not raw.requires_grad
        found.append(torch.autograd.grad(spikes[:, -1].sum(), path.synapse.weight)[0])
    assert torch.equal(found[0], found[1])
    assert not torch.allclose(found[0], found[2])


def test_answers_have_no_tape() -> None:
    for network, stimulus in ((text_network(), symbols(2, 4)), (series_network(), values(2, 4))):
        assert not network.logits(stimulus).requires_grad
        assert not network.top_rates(stimulus).requires_grad
        _, means, raws = network.taped_positions(network.encode(stimulus))
        assert not any(value.requires_grad for value in [*means, *raws])
    flat = models.mlp(4, [3], 2)
    spikes, rates = flat.bottom_up_taped(flat.encode(torch.ones(2, 4)))
    assert spikes.requires_grad
    assert not any(rate.requires_grad for rate in rates)
