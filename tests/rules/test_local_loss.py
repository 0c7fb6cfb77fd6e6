"""Local losses: each layer follows the autograd gradient of its own classifier's loss, and nothing else."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from bispike.errors import ConfigurationError
from bispike.rules import LocalLoss, check_rule
from tests.builders import batch, rate_network


def seen(leaving: Tensor, side: int) -> Tensor:
    """Mean over the cells of a grid of `side` × `side`, cell by cell."""
    if leaving.dim() == 2 or leaving.shape[2] <= side:
        return leaving.flatten(1)
    size = leaving.shape[2]
    edges = [(i * size // side, -(-(i + 1) * size // side)) for i in range(side)]
    cells = [leaving[:, :, a:b, c:d].mean((2, 3)) for a, b in edges for c, d in edges]
    return torch.stack(cells, 2).flatten(1)


@pytest.mark.parametrize("side", [1, 3])
@pytest.mark.parametrize("norm", [False, True])
@pytest.mark.parametrize("conv", [False, True])
def test_gradients_are_those_of_each_layers_own_loss(conv: bool, norm: bool, side: int) -> None:
    stimulus, labels = batch()
    net = rate_network(conv=conv, norm=norm)
    rule = LocalLoss(net, activation="tanh", side=side)
    report = rule.compute_gradients(stimulus, labels)
    source = net.encode(stimulus)
    for layer in net.layers:
        leaving = layer.pool_rates(layer.up.forward_rates(source, track=False).rate)
        classifier = rule.state.get_submodule(layer.name)
        loss = F.cross_entropy(F.linear(seen(leaving, side), classifier.weight, classifier.bias), labels)
        torch.testing.assert_close(report.layer_losses[layer.name], loss.detach())
        parameters = [*layer.up.parameters(), *classifier.parameters()]
        for parameter, grad in zip(parameters, torch.autograd.grad(loss, parameters), strict=True):
            torch.testing.assert_close(parameter.grad, grad, rtol=1e-9, atol=1e-12)
        source = leaving.detach()
    top = F.cross_entropy(net.readout(source), labels)
    torch.testing.assert_close(net.readout.weight.grad, torch.autograd.grad(top, net.readout.weight)[0])


def test_nothing_above_a_layer_changes_its_gradient() -> None:
    gradients = []
    for factor in (1.0, -2.0):
        net = rate_network(norm=True)
        rule = LocalLoss(net)
        with torch.no_grad():
            for weight in (net.layers[1].up.synapse.weight, net.readout.weight, rule.state.layer2.weight):
                weight.mul_(factor)
        rule.compute_gradients(*batch())
        gradients.append([layer.up.synapse.weight.grad for layer in net.layers])
    assert torch.equal(gradients[0][0], gradients[1][0])
    assert not torch.allclose(gradients[0][1], gradients[1][1])


def test_fixed_classifiers_are_not_trained() -> None:
    trained, fixed = (LocalLoss(rate_network(), classifier=kind) for kind in ("trained", "fixed"))
    assert len(trained.parameters()) == len(fixed.parameters()) + 6
    fixed.compute_gradients(*batch())
    assert all(parameter.grad is None for parameter in fixed.state.parameters())


def test_wrong_options() -> None:
    with pytest.raises(ConfigurationError) as error:
        LocalLoss(rate_network(), classifier="free", side=0)
    assert len(error.value.problems) == 2


def test_fixed_classifiers_keep_the_contract() -> None:
    check_rule(LocalLoss, classifier="fixed")
