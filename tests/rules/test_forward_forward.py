"""Forward-Forward: gradients of each layer's own loss, labels in the stimulus, and decisions by goodness."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from bispike import models
from bispike.errors import ConfigurationError
from bispike.nn import Network
from bispike.rules import ForwardForward, check_rule
from tests.builders import batch, rate_network

AMPLITUDE, THETA, KAPPA = 4.0, 0.7, 3.0


def labelled(net: Network, stimulus: Tensor, labels: Tensor) -> Tensor:
    source = net.encode(stimulus).clone()
    for row, label in zip(source, labels, strict=True):
        row.view(-1)[:3] = 0
        row.view(-1)[label] = AMPLITUDE
    return source


def normed(rate: Tensor) -> Tensor:
    length = rate.flatten(1).norm(dim=1) / rate[0].numel() ** 0.5
    return rate / length.view(-1, *[1] * (rate.dim() - 1))


@pytest.mark.parametrize("loss", ["threshold", "pair"])
@pytest.mark.parametrize("norm", [False, True])
@pytest.mark.parametrize("conv", [False, True])
def test_gradients_are_those_of_each_layers_own_loss(
    conv: bool, norm: bool, loss: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    stimulus, labels = batch()
    wrong = (labels + torch.tensor([1, 2, 1, 1, 2, 2])) % 3
    net = rate_network(conv=conv, norm=norm)
    threshold = {"threshold": THETA} if loss == "threshold" else {}
    rule = ForwardForward(net, loss=loss, **threshold, sharpness=KAPPA, amplitude=AMPLITUDE).attach()
    monkeypatch.setattr(rule, "_wrong_labels", lambda *_: wrong)
    report = rule.compute_gradients(stimulus, labels)
    source = torch.cat([labelled(net, stimulus, labels), labelled(net, stimulus, wrong)])
    for layer in net.layers:
        rate = layer.up.forward_rates(source, track=False).rate
        true, false = rate.square().flatten(1).mean(1).chunk(2)
        if loss == "pair":
            value = F.softplus(KAPPA * (false - true)).mean()
        else:
            value = (F.softplus(KAPPA * (THETA - true)) + F.softplus(KAPPA * (false - THETA))).mean()
        torch.testing.assert_close(report.layer_losses[layer.name], value.detach(), rtol=1e-6, atol=1e-9)
        parameters = list(layer.up.parameters())
        for parameter, grad in zip(parameters, torch.autograd.grad(value, parameters), strict=True):
            torch.testing.assert_close(parameter.grad, grad, rtol=1e-5, atol=1e-8)
        source = normed(layer.pool_rates(rate.detach()))


def test_a_layer_cannot_read_the_goodness_of_the_one_below() -> None:
    """Without biases, a louder layer below changes nothing above."""
    goodness = []
    for factor in (1.0, 7.0):
        net = rate_network()
        rule = ForwardForward(net).attach()
        with torch.no_grad():
            net.layers[0].up.synapse.weight.mul_(factor)
        rates = [step.activity.rate for step in rule._layer_pass(net.encode(batch()[0]), track=False)]
        goodness.append([rate.detach().square().mean() for rate in rates])
    assert goodness[1][0] > 40 * goodness[0][0]
    torch.testing.assert_close(goodness[0][1:], goodness[1][1:], rtol=1e-5, atol=0)


def test_the_label_with_the_highest_summed_goodness_is_decided_for(monkeypatch: pytest.MonkeyPatch) -> None:
    for options, first in (({}, 0), ({"first_layer": "skipped"}, 1)):
        net = rate_network(norm=True).eval()
        ForwardForward(net, amplitude=AMPLITUDE, **options).attach()
        stimulus, _ = batch()
        expected = torch.zeros(len(stimulus), 3, dtype=torch.float64)
        for label in range(3):
            source = labelled(net, stimulus, torch.full((len(stimulus),), label))
            for i, layer in enumerate(net.layers):
                rate = layer.up.forward_rates(source, track=False).rate.detach()
                if i >= first:
                    expected[:, label] += rate.square().mean(1)
                source = normed(rate)
        for rows in (1, 6, 13, 1024):  # pairs at once do not change the scores
            monkeypatch.setattr("bispike.rules.local.forward_forward.ROWS", rows)
            torch.testing.assert_close(net.logits(stimulus), expected, rtol=1e-6, atol=1e-8)


def test_the_readout_decides_without_reading_the_label_entries() -> None:
    net = rate_network()
    ForwardForward(net, inference="readout").attach()
    stimulus, _ = batch()
    other = stimulus.clone()
    other.flatten(1)[:, :3] = 9.0
    torch.testing.assert_close(net.logits(stimulus), net.logits(other))


def test_negatives_are_wrong_and_as_frequent_as_they_should_be() -> None:
    labels = torch.zeros(4000, dtype=torch.int64)
    scores = torch.tensor([5.0, 0.0, 1.0]).expand(4000, 3)
    shares = {}
    for kind in ("uniform", "hard"):
        rule = ForwardForward(models.mlp(9, [4], 3), negatives=kind)
        wrong = rule._wrong_labels(labels, scores, torch.Generator().manual_seed(0))
        assert (wrong != labels).all()
        shares[kind] = float((wrong == 2).double().mean())
    assert abs(shares["uniform"] - 0.5) < 0.03
    assert abs(shares["hard"] - torch.e / (1 + torch.e)) < 0.03


def test_what_it_cannot_be_used_with() -> None:
    with pytest.raises(ConfigurationError, match="more values than classes"):
        ForwardForward(models.mlp(3, [4], 3))
    with pytest.raises(ConfigurationError) as error:
        ForwardForward(models.mlp(9, [4], 3), loss="sum", negatives="none", threshold=0, amplitude=-1)
    assert len(error.value.problems) == 4


@pytest.mark.parametrize("options", [{"loss": "pair", "negatives": "hard"}, {"inference": "readout"}])
def test_it_keeps_the_contract_under_its_options(options: dict) -> None:
    check_rule(ForwardForward, **options)


@pytest.mark.parametrize("norm", [False, True])
def test_the_readout_sees_the_rates_of_a_neutral_label(norm: bool) -> None:
    """The amplitude over C in each of the label's entries; the readout learns and decides from those rates."""
    stimulus, labels = batch()
    net, twin = (rate_network(norm=norm).eval() for _ in range(2))
    source = twin.encode(stimulus).clone()
    source.flatten(1)[:, :3] = AMPLITUDE / 3
    for layer in twin.layers:
        source = normed(layer.up.forward_rates(source, track=False).rate.detach())
    scores = twin.readout(source)
    loss = F.cross_entropy(scores, labels)
    report = ForwardForward(net, inference="readout", amplitude=AMPLITUDE).compute_gradients(stimulus, labels)
    torch.testing.assert_close(report.loss, loss.detach(), rtol=1e-6, atol=1e-8)
    assert int(report.correct) == int((scores.argmax(1) == labels).sum())
    torch.testing.assert_close(net.logits(stimulus), scores.detach(), rtol=1e-6, atol=1e-7)
    expected = torch.autograd.grad(loss, list(twin.readout.parameters()))
    for parameter, grad in zip(net.readout.parameters(), expected, strict=True):
        torch.testing.assert_close(parameter.grad, grad, rtol=1e-6, atol=1e-8)


def test_values_of_a_spike_code_are_its_time_means() -> None:
    coded = models.mlp((6, 64), [7, 6, 5], 3, norm=False, gain=1.5, stimulus_code="given", time_steps=6).double()
    plain = models.mlp((64,), [7, 6, 5], 3, norm=False, gain=1.5).double()
    train = (torch.rand(5, 6, 64, generator=torch.Generator().manual_seed(0)) < 0.4).double()
    for options in ({}, {"inference": "readout"}):
        for each in (coded, plain):
            ForwardForward(each, amplitude=AMPLITUDE, **options).attach()
        torch.testing.assert_close(coded.logits(train), plain.logits(train.mean(1)), rtol=1e-9, atol=1e-11)
