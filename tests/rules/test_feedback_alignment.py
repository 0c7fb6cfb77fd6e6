"""Feedback alignment is backpropagation with other weights on the way down: with the same ones it is the same."""

import pytest
import torch

from bispike.nn import Network
from bispike.rules import FA, Backprop
from tests.builders import rate_network


def build(*, conv: bool, norm: bool, activation: str = "relu") -> Network:
    net = rate_network(conv=conv, norm=norm)
    net.activation = activation
    return net


@pytest.mark.parametrize("activation", ["relu", "tanh", "elu", "identity"])
@pytest.mark.parametrize("norm", [False, True])
@pytest.mark.parametrize("conv", [False, True])
def test_with_the_forward_weights_it_is_backpropagation(conv: bool, norm: bool, activation: str) -> None:
    stimulus = torch.rand(6, 1, 8, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    labels = torch.tensor([0, 1, 2, 0, 1, 2])
    gradients = []
    for kind in (Backprop, FA):
        net = build(conv=conv, norm=norm)
        rule = kind(net, activation=activation)
        if kind is FA:
            own = {**{s.name: s.up.synapse.weight for s in net.layers[1:]}, "readout": net.readout.weight}
            rule.load_state_dict({name: weight.detach().clone() for name, weight in own.items()})
        rule.compute_gradients(stimulus, labels)
        gradients.append([parameter.grad for parameter in rule.parameters()])
    for exact, aligned in zip(*gradients, strict=True):
        torch.testing.assert_close(aligned, exact, rtol=1e-9, atol=1e-12)


def test_feedback_is_random_and_stays() -> None:
    net = build(conv=False, norm=True)
    rule = FA(net)
    before = {name: value.clone() for name, value in rule.state_dict().items()}
    forward = {**{layer.name: layer.up.synapse for layer in net.layers}, "readout": net.readout}
    ours = torch.cat([weight.flatten() for weight in before.values()])
    theirs = torch.cat([forward[name].weight.detach().flatten() for name in before])
    cosine = torch.cosine_similarity(ours, theirs, 0)
    assert abs(float(cosine)) < 0.5
    rule.compute_gradients(torch.rand(6, 1, 8, 8, dtype=torch.float64), torch.tensor([0, 1, 2, 0, 1, 2]))
    assert all(torch.equal(before[name], value) for name, value in rule.state_dict().items())
