"""Direct feedback alignment: backprop where the broadcast is the readout's transpose, B e everywhere else."""

import pytest
import torch

from bispike import models
from bispike.nn import Network
from bispike.rules import DFA, Backprop
from tests.builders import batch, rate_network


def with_broadcast(net: Network, weights: dict[str, torch.Tensor], **options: str) -> DFA:
    rule = DFA(net, **options)
    rule.load_state_dict({f"{name}.weight": weight.detach().clone() for name, weight in weights.items()})
    return rule


@pytest.mark.parametrize("activation", ["relu", "tanh"])
@pytest.mark.parametrize("norm", [False, True])
@pytest.mark.parametrize("conv", [False, True])
def test_with_one_hidden_layer_and_the_readouts_transpose_it_is_backpropagation(
    conv: bool, norm: bool, activation: str
) -> None:
    gradients = []
    for kind in (Backprop, DFA):
        net = rate_network(conv=conv, norm=norm, depth=1)
        broadcast = {"layer1": net.readout.weight.T}
        rule = (
            with_broadcast(net, broadcast, activation=activation) if kind is DFA else kind(net, activation=activation)
        )
        rule.compute_gradients(*batch())
        gradients.append([parameter.grad for parameter in rule.parameters()])
    for exact, direct in zip(*gradients, strict=True):
        torch.testing.assert_close(direct, exact, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("norm", [False, True])
@pytest.mark.parametrize("conv", [False, True])
def test_each_layer_learns_from_the_broadcast_error_alone(conv: bool, norm: bool) -> None:
    """The gradient of ⟨B e, what leaves the layer⟩, with what enters it held."""
    stimulus, labels = batch()
    net = rate_network(conv=conv, norm=norm)
    rule = DFA(net, activation="tanh")
    rule.compute_gradients(stimulus, labels)
    for step in net.bottom_up_rates(net.encode(stimulus), track=False):
        top = step.leaving.detach()
    error = (net.readout(top).softmax(1) - torch.eye(3, dtype=torch.float64)[labels]) / len(labels)
    source = net.encode(stimulus)
    for layer in net.layers:
        leaving = layer.pool_rates(layer.up.forward_rates(source, track=False).rate)
        taught = (error @ rule.state_dict()[f"{layer.name}.weight"].T).view_as(leaving)
        exact = torch.autograd.grad((taught.detach() * leaving).sum(), list(layer.up.parameters()))
        for parameter, grad in zip(layer.up.parameters(), exact, strict=True):
            torch.testing.assert_close(parameter.grad, grad, rtol=1e-6, atol=1e-12)
        source = leaving.detach()


def test_the_broadcast_is_of_each_layers_size_and_stays() -> None:
    net = models.mlp(8, [7, 6], 3)
    rule = DFA(net, feedback_gain=2.0)
    before = {name: value.clone() for name, value in rule.state_dict().items()}
    assert {name: list(value.shape) for name, value in before.items()} == {
        "layer1.weight": [7, 3],
        "layer2.weight": [6, 3],
    }
    bound = 2.0  # of the uniform weights: gain √(3/K)
    assert all(0.6 * bound < value.abs().max() <= bound for value in before.values())
    rule.compute_gradients(torch.rand(5, 8), torch.tensor([0, 1, 2, 0, 1]))
    assert all(torch.equal(before[name], value) for name, value in rule.state_dict().items())
