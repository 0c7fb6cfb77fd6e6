"""Counter-current learning against autograd of its loss as it is written, with a detach at every border."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from bispike import models
from bispike.errors import ConfigurationError
from bispike.nn import Network
from bispike.rules import CCL, check_rule
from tests.builders import rate_network

STIMULUS = torch.rand(6, 1, 8, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
LABELS = torch.tensor([0, 1, 2, 0, 1, 0])


def unit(rows: Tensor) -> Tensor:
    return rows / (rows.square().sum(1, keepdim=True) + 0.01**2).sqrt()


def written_loss(a: Tensor, p: Tensor, *, target: str, product: bool, decorrelation: float) -> Tensor:
    """Features `[B, D]` and templates `[C, D]`; for the identity each sample has a template of its own."""
    wanted = F.one_hot(LABELS, 3).double()
    b = p
    if target == "identity":
        b, wanted = p[LABELS], torch.eye(len(LABELS), dtype=torch.float64)
    if product:
        return 0.5 * 256 / a.shape[1] * (a @ b.T - wanted).square().mean()
    apart = [(unit(r) @ unit(r).T - torch.eye(len(r), dtype=torch.float64)).square().mean() for r in (a, p)]
    return (unit(a) @ unit(b).T - wanted).square().mean() + decorrelation * sum(apart)


def literal(net: Network, **options: object) -> list[Tensor]:
    """Gradients of the sum of all losses, no tape crossing a border."""
    similarity = options.pop("similarity")
    features, templates, maps = [net.standardise(STIMULUS)], [], [len(net.layers[0].feature_shape) == 3]
    below = features[0]
    for layer in net.layers:
        rate = layer.up.forward_rates(below.detach(), track=False).rate
        features.append(rate)
        maps.append(rate.dim() == 4)
        below = layer.pool_rates(rate)
    above = net.code.fixed.double()
    for layer in reversed(net.layers):
        above = layer.down.forward_rates(above.detach(), track=False).rate
        templates.insert(0, above)
    templates.insert(0, net.stimulus_readout(above.detach()))
    loss = F.cross_entropy(net.scores(below.detach()), LABELS)
    for a, p, is_map in zip(features, templates, maps, strict=True):
        product = similarity == "product" or (similarity == "by-layer" and not is_map)
        loss = loss + written_loss(a.flatten(1), p.flatten(1), product=product, **options)
    return list(torch.autograd.grad(loss, [*net.bottom_up_parameters(), *net.top_down_parameters()])), loss.detach()


@pytest.mark.parametrize("target", ["classes", "identity"])
@pytest.mark.parametrize("similarity", ["by-layer", "product", "cosine"])
@pytest.mark.parametrize(("conv", "norm"), [(False, False), (True, True)])
def test_gradients_are_those_of_the_written_loss(conv: bool, norm: bool, similarity: str, target: str) -> None:
    options = {"similarity": similarity, "target": target, "decorrelation": 0.5}
    rule = CCL(rate_network(conv=conv, norm=norm), **options)
    report = rule.compute_gradients(STIMULUS, LABELS)
    net = rate_network(conv=conv, norm=norm)
    net.activation = "elu"
    expected, loss = literal(net, **options)
    torch.testing.assert_close(report.loss + sum(report.layer_losses.values()), loss, rtol=1e-9, atol=1e-12)
    for parameter, grad in zip(rule.parameters(), expected, strict=True):
        torch.testing.assert_close(parameter.grad, grad, rtol=1e-8, atol=1e-11)


def test_recall_is_of_rates() -> None:
    net = rate_network(conv=False, norm=True)
    CCL(net).attach()
    net.eval()
    rate = net.code.fixed[[2, 0]].double()
    for layer in reversed(net.layers):
        drive, norm = layer.down.synapse(rate), layer.down.norm
        rate = F.elu(
            F.batch_norm(drive, norm.running_mean, norm.running_variance, norm.weight, norm.bias, eps=norm.eps)
        )
    expected = net.stimulus_readout(rate) * net.stimulus_std + net.stimulus_mean
    torch.testing.assert_close(net.recall(torch.tensor([2, 0])), expected.detach())


@pytest.mark.parametrize("options", [{"target": "identity"}, {"similarity": "product", "activation": "tanh"}])
def test_keeps_the_contract_under_its_options(options: dict) -> None:
    check_rule(CCL, **options)


def test_wrong_options_are_listed_together() -> None:
    with pytest.raises(ConfigurationError) as error:
        CCL(models.mlp(4, [3], 2), target="both", similarity="distance", decorrelation=-1)
    assert len(error.value.problems) == 3
