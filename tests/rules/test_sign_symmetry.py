"""Sign symmetry: a chain rule in which each weight on the way back is replaced by its sign times a magnitude."""

import pytest
import torch
from torch.nn import functional as F

from bispike.errors import ConfigurationError
from bispike.nn import Network
from bispike.rules import FA, SignSymmetry, check_rule
from tests.builders import batch, rate_network


class Replaced(torch.autograd.Function):
    """x Wᵀ whose derivative with respect to x is B."""

    @staticmethod
    def forward(ctx, x, weight, bias, back):
        ctx.save_for_backward(x, back)
        return F.linear(x, weight, bias)

    @staticmethod
    def backward(ctx, grad):
        x, back = ctx.saved_tensors
        return grad @ back, grad.T @ x, grad.sum(0), None


def gradients_with(net: Network, back: dict[str, torch.Tensor], activation: str) -> list[torch.Tensor]:
    """Autograd of the cross-entropy of a dense network without norms, with `back` on the way down."""
    stimulus, labels = batch()
    act = {"relu": torch.relu, "tanh": torch.tanh}[activation]
    rate = net.encode(stimulus).flatten(1)
    for layer in net.layers:
        synapse = layer.up.synapse
        rate = act(Replaced.apply(rate, synapse.weight, synapse.bias, back.get(layer.name, synapse.weight)))
    scores = Replaced.apply(rate, net.readout.weight, net.readout.bias, back["readout"])
    return list(torch.autograd.grad(F.cross_entropy(scores, labels), net.bottom_up_parameters()))


@pytest.mark.parametrize("activation", ["relu", "tanh"])
@pytest.mark.parametrize("variant", ["uniform", "fixed-random", "batch-random"])
def test_errors_return_through_signs(variant: str, activation: str) -> None:
    net = rate_network()
    rule = SignSymmetry(net, variant=variant, activation=activation, feedback_gain=0.7)
    places = {**{s.name: s.up.synapse for s in net.layers[1:]}, "readout": net.readout}
    source = torch.Generator().manual_seed(5)
    if variant == "uniform":
        magnitudes = {name: torch.tensor(0.7 / synapse.weight.shape[1] ** 0.5) for name, synapse in places.items()}
    elif variant == "fixed-random":
        magnitudes = rule.state_dict()
    else:
        magnitudes = {
            name: torch.empty_like(s.weight).uniform_(-1, 1, generator=source).abs() * 0.7 * (3 / s.fan_in) ** 0.5
            for name, s in places.items()
        }
    back = {name: synapse.weight.detach().sign() * magnitudes[name] for name, synapse in places.items()}
    exact = gradients_with(net, back, activation)
    rule.compute_gradients(*batch(), generator=torch.Generator().manual_seed(5))
    for parameter, grad in zip(rule.parameters(), exact, strict=True):
        torch.testing.assert_close(parameter.grad, grad, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("variant", ["uniform", "fixed-random"])
def test_convolutions_too_are_feedback_alignment_with_those_weights(variant: str) -> None:
    net, twin = rate_network(conv=True, norm=True), rate_network(conv=True, norm=True)
    rule, aligned = SignSymmetry(net, variant=variant), FA(twin)
    weights = {**{s.name: s.up.synapse.weight for s in net.layers[1:]}, "readout": net.readout.weight}
    magnitudes = rule.state_dict() or {name: weight[0].numel() ** -0.5 for name, weight in weights.items()}
    aligned.load_state_dict({name: weight.detach().sign() * magnitudes[name] for name, weight in weights.items()})
    for each in (rule, aligned):
        each.compute_gradients(*batch())
    for ours, theirs in zip(rule.parameters(), aligned.parameters(), strict=True):
        torch.testing.assert_close(ours.grad, theirs.grad, rtol=1e-9, atol=1e-12)


def test_fixed_magnitudes_stay_while_signs_follow_the_weights() -> None:
    net = rate_network()
    rule = SignSymmetry(net, variant="fixed-random")
    before = {name: value.clone() for name, value in rule.state_dict().items()}
    assert all((value >= 0).all() for value in before.values())
    rule.compute_gradients(*batch())
    assert all(torch.equal(before[name], value) for name, value in rule.state_dict().items())
    with torch.no_grad():
        first = net.layers[0].up.synapse.weight.grad.clone()
        net.readout.weight.neg_()  # another top error and other signs: the lowest gradient cannot stay
    rule.compute_gradients(*batch())
    assert not torch.allclose(first, net.layers[0].up.synapse.weight.grad)


def test_wrong_options() -> None:
    with pytest.raises(ConfigurationError) as error:
        SignSymmetry(rate_network(), variant="unifrom", feedback_gain=0)
    assert len(error.value.problems) == 2


@pytest.mark.parametrize("variant", ["batch-random", "fixed-random"])
def test_random_magnitudes_keep_the_contract(variant: str) -> None:
    check_rule(SignSymmetry, variant=variant)
