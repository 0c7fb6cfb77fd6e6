"""Difference target propagation: local losses against autograd, and what its feedback comes to in linear networks."""

import pytest
import torch
from torch import Tensor

from bispike import models
from bispike.errors import ConfigurationError
from bispike.functional import activate
from bispike.nn import Classifier
from bispike.rules import DTP, Backprop, check_rule
from tests.builders import batch, rate_network

SIGMA, STEP = 0.3, 0.2


def jacobians(net: Classifier) -> list[Tensor]:
    """Of each place above a layer of a linear network, `[above, layer]`."""
    above = [*[layer.up.synapse for layer in net.layers[1:]], net.readout]
    return [synapse.weight.detach() for synapse in above]


def cosine(a: Tensor, b: Tensor) -> float:
    return float(torch.cosine_similarity(a.detach().flatten(), b.detach().flatten(), 0))


def train_feedback(net: Classifier, stimuli: Tensor, *, steps: int, lr: float, **options: object) -> None:
    """The feedback alone; the bottom-up weights stay."""
    rule = DTP(net, activation="identity", **options)
    ours = [p for p in rule.parameters() if id(p) in {id(q) for q in net.top_down_parameters()}]
    optimizer = torch.optim.Adam(ours, lr=lr)
    draws, labels = torch.Generator().manual_seed(1), torch.arange(len(stimuli)) % 3
    for step in range(steps):
        optimizer.param_groups[0]["lr"] = lr * (1 - step / steps)
        rule.compute_gradients(stimuli, labels, generator=draws)
        optimizer.step()


@pytest.mark.parametrize("noise", [0.1, 1.0])
def test_difference_feedback_approaches_the_transposed_jacobian_of_a_linear_network(noise: float) -> None:
    net = models.mlp(12, [10, 8, 6], 3, norm=False).double()
    before = [cosine(s.down.synapse.weight, j.T) for s, j in zip(net.layers, jacobians(net), strict=True)]
    assert max(map(abs, before)) < 0.5
    stimuli = torch.randn(64, 12, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    train_feedback(net, stimuli, steps=300, lr=0.02, feedback_loss="difference", noise=noise)
    for layer, jacobian in zip(net.layers, jacobians(net), strict=True):
        learned = layer.down.synapse.weight.detach()
        assert cosine(learned, jacobian.T) >= 0.98
        assert 0.9 < float(learned.norm() / jacobian.norm()) < 1.1


def test_reconstructing_feedback_is_at_rest_at_the_best_linear_inverse() -> None:
    """G = Σ Jᵀ (J Σ Jᵀ)⁻¹, where the gradient of the loss, which is convex in G, vanishes; at Jᵀ it does not."""
    net = models.mlp(8, [6, 5], 3, norm=False).double()
    stimuli = torch.randn(20000, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    labels = torch.arange(len(stimuli)) % 3
    rule = DTP(net, activation="identity", feedback_loss="reconstruction", noise=SIGMA).attach()
    steps = list(net.bottom_up_rates(net.encode(stimuli)))
    sizes = []
    for best in (True, False):
        for step, jacobian in zip(steps, jacobians(net), strict=True):
            rate, synapse = step.activity.rate.detach(), step.layer.down.synapse
            spread = torch.cov(rate.T, correction=0) + SIGMA**2 * torch.eye(rate.shape[1])
            inverse = spread @ jacobian.T @ torch.linalg.inv(jacobian @ spread @ jacobian.T)
            with torch.no_grad():
                synapse.weight.copy_(inverse if best else jacobian.T)
                synapse.bias.copy_(rate.mean(0) - synapse.weight @ jacobian @ rate.mean(0))
        rule.compute_gradients(stimuli, labels, generator=torch.Generator().manual_seed(0))
        sizes.append(torch.stack([step.layer.down.synapse.weight.grad.norm() for step in steps]))
    assert (sizes[0] < 0.03 * sizes[1]).all()


def test_with_transposed_feedback_a_linear_network_learns_by_backpropagation() -> None:
    gradients = []
    for kind in (Backprop, DTP):
        net = models.mlp((1, 8, 8), [7, 6, 5], 3, norm=False).double()
        with torch.no_grad():
            for layer, jacobian in zip(net.layers, jacobians(net), strict=True):
                layer.down.synapse.weight.copy_(jacobian.T)
        kind(net, activation="identity").compute_gradients(*batch())
        gradients.append([parameter.grad for parameter in net.bottom_up_parameters()])
    for exact, propagated in zip(*gradients, strict=True):
        torch.testing.assert_close(propagated, exact, rtol=1e-8, atol=1e-11)


def literal_losses(net: Classifier, kind: str, feedback: str, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Both losses of a step as their formulas are written: of the layers, and of the feedback."""
    stimulus, labels = batch()
    steps = list(net.bottom_up_rates(net.encode(stimulus), track=False))
    names = [step.layer for step in steps]
    enters = [net.encode(stimulus), *[step.leaving.detach() for step in steps]]
    rates = [layer.up.forward_rates(below, track=False).rate for layer, below in zip(names, enters, strict=False)]

    def back(i: int, values: Tensor) -> Tensor:
        return activate(names[i].down.synapse(values), feedback)

    def forward(i: int, values: Tensor) -> Tensor:
        leaving = names[i].pool_rates(values)
        if i + 1 == len(names):
            return net.readout(leaving)
        drive, pathway = names[i + 1].up.synapse(leaving), names[i + 1].up
        if pathway.norm is not None:
            drive = pathway.norm(drive, pathway.norm.statistics(steps[i + 1].activity.raw_drive, track=False))
        return activate(drive, pathway.activation)

    upper = net.readout(enters[-1]).detach().requires_grad_()
    loss = torch.nn.functional.cross_entropy(upper, labels, reduction="sum")
    target = (upper - STEP * torch.autograd.grad(loss, upper)[0]).detach()
    upper = upper.detach()
    up_loss = down_loss = torch.zeros((), dtype=torch.float64)
    for i in reversed(range(len(names))):
        rate = rates[i].detach()
        noise = SIGMA * torch.randn(rate.shape, generator=generator, dtype=torch.float64)
        noisy = forward(i, rate + noise).detach()
        if kind == "reconstruction":
            down_loss = down_loss + (back(i, noisy) - rate - noise).square().sum() / 2
        else:
            other = SIGMA * torch.randn(upper.shape, generator=generator, dtype=torch.float64)
            change = back(i, upper + other) - back(i, upper)
            down_loss = down_loss - (noise * (back(i, noisy) - back(i, upper))).sum() / SIGMA**2
            down_loss = down_loss + change.square().sum() / 2 / SIGMA**2
        target = (rate + back(i, target) - back(i, upper)).detach()
        up_loss = up_loss + (rates[i] - target).square().sum() / 2 / STEP
        upper = rate
    return up_loss / len(labels), down_loss / len(labels)


@pytest.mark.parametrize("kind", ["difference", "reconstruction"])
@pytest.mark.parametrize("feedback", ["identity", "tanh"])
@pytest.mark.parametrize("norm", [False, True])
@pytest.mark.parametrize("conv", [False, True])
def test_gradients_are_those_of_the_local_losses(conv: bool, norm: bool, feedback: str, kind: str) -> None:
    net = rate_network(conv=conv, norm=norm)
    options = {"activation": "tanh", "feedback_activation": feedback, "feedback_loss": kind}
    rule = DTP(net, **options, noise=SIGMA, target_step=STEP)
    report = rule.compute_gradients(*batch(), generator=torch.Generator().manual_seed(3))
    up_loss, down_loss = literal_losses(net, kind, feedback, torch.Generator().manual_seed(3))
    assert list(report.layer_losses) == net.layer_names
    torch.testing.assert_close(sum(report.layer_losses.values()), up_loss.detach(), rtol=1e-6, atol=1e-9)
    layers = [p for layer in net.layers for p in layer.up.parameters()]
    for loss, parameters in ((up_loss, layers), (down_loss, rule.feedback_parameters())):
        for parameter, grad in zip(parameters, torch.autograd.grad(loss, parameters), strict=True):
            torch.testing.assert_close(parameter.grad, grad, rtol=1e-6, atol=1e-9)


def test_fixed_feedback_is_not_trained() -> None:
    net = rate_network()
    rule = DTP(net, feedback_loss="fixed")
    rule.compute_gradients(*batch())
    assert all(parameter.grad is None for parameter in net.top_down_parameters())


def test_wrong_options() -> None:
    with pytest.raises(ConfigurationError) as error:
        DTP(rate_network(), feedback_loss="none", feedback_activation="step", noise=0, target_step=-1)
    assert len(error.value.problems) == 4


@pytest.mark.parametrize(
    "options", [{"feedback_loss": "reconstruction"}, {"feedback_loss": "fixed"}, {"feedback_activation": "tanh"}]
)
def test_it_keeps_the_contract_under_its_options(options: dict) -> None:
    check_rule(DTP, **options)
