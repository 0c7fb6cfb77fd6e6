"""`net(x)`: the answer of `logits`, with a tape where gradients are enabled; networks as parts of other modules."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bispike import models, rules
from bispike.nn import Autoencoder, Classifier, Network, SequenceClassifier, SequenceForecaster, StimulusNetwork
from bispike.nn.sequence_network import SequenceNetwork
from bispike.spaces import Quantities
from tests.builders import WIRINGS, exact, shaken, stimuli

TIGHT: dict[str, Any] = {"rtol": 1e-8, "atol": 1e-9}


def sequence_network(kind: str, **options: Any) -> SequenceNetwork:
    series = Quantities(("u", "v"), (0.5, -1.0), (2.0, 0.5), (2, 0), (1.0, 3.0))
    target = series if kind == "series" else tuple("abcdef")
    size = 3 if kind == "series" else 6
    options = {"threshold": 0.5, "excitability": 0.5, **options}
    return models.create("rnn", size, target, widths=[9, 7], **options).double()  # type: ignore[return-value]


def sequences(kind: str) -> Tensor:
    draw = torch.Generator().manual_seed(0)
    if kind == "series":
        return torch.randn(4, 5, 3, generator=draw, dtype=torch.float64)
    return torch.randint(6, (4, 5), generator=draw)


@pytest.mark.parametrize("kind", WIRINGS)
@pytest.mark.parametrize("rule", ["bptt", "bsd", "backprop"])
def test_a_call_returns_the_logits(kind: str, rule: str) -> None:
    net = shaken(WIRINGS[kind](norm=True, gain=1.7)).eval()
    rules.create(rule, net)
    x = stimuli(net)
    expected = net.logits(x)
    with torch.no_grad():
        assert torch.equal(net(x), expected)
    scores = net(x)
    assert scores.requires_grad
    torch.testing.assert_close(scores.detach(), expected, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("decoder", ["drive", "cosine"])
@pytest.mark.parametrize("norm", [False, True])
@pytest.mark.parametrize("kind", ["dense", "pooling", "residual"])
def test_the_gradient_of_a_call_in_training_is_that_of_bptt(kind: str, norm: bool, decoder: str) -> None:
    net = exact(shaken(WIRINGS[kind](norm=norm, gain=1.7, decoder=decoder)))
    x, labels = stimuli(net, 6), torch.arange(6) % 3
    rule = rules.create("bptt", net)
    parameters = rule.parameters()
    scores = net(x)
    loss = F.cross_entropy(scores, labels)
    expected = torch.autograd.grad(loss, parameters)
    report = rule.compute_gradients(x, labels)
    torch.testing.assert_close(report.loss, loss.detach(), rtol=1e-6, atol=1e-8)
    assert int(report.correct) == int((scores.argmax(1) == labels).sum())
    for parameter, gradient in zip(parameters, expected, strict=True):
        torch.testing.assert_close(parameter.grad, gradient, **TIGHT)
    assert max(float(gradient.abs().max()) for gradient in expected) > 0


@pytest.mark.parametrize("norm", [False, True])
def test_the_gradient_of_a_call_on_rates_is_that_of_backpropagation(norm: bool) -> None:
    net = exact(shaken(WIRINGS["pooling"](norm=norm, gain=1.7)))
    rule = rules.create("backprop", net)
    x, labels = stimuli(net, 6), torch.arange(6) % 3
    expected = torch.autograd.grad(F.cross_entropy(net(x), labels), rule.parameters())
    rule.compute_gradients(x, labels)
    for parameter, gradient in zip(rule.parameters(), expected, strict=True):
        torch.testing.assert_close(parameter.grad, gradient, **TIGHT)


@pytest.mark.parametrize("rule", ["bptt", "backprop"])
def test_a_call_in_training_moves_the_running_statistics_as_a_step_does(rule: str) -> None:
    net, twin = (shaken(WIRINGS["dense"](norm=True, gain=1.7)) for _ in range(2))
    rules.create(rule, net)
    x, labels = stimuli(net, 40), torch.arange(40) % 3
    before = [value.clone() for value in net.buffers()]
    net(x)
    rules.create(rule, twin).compute_gradients(x, labels)
    moved = [not torch.equal(one, two) for one, two in zip(before, net.buffers(), strict=True)]
    assert any(moved)
    for one, two in zip(net.buffers(), twin.buffers(), strict=True):
        assert torch.equal(one, two)


@pytest.mark.parametrize("kind", ["text", "series"])
@pytest.mark.parametrize("rule", ["bptt", "backprop"])
def test_a_call_on_sequences_is_the_logits_and_its_gradient_that_of_the_rule(kind: str, rule: str) -> None:
    net, x = sequence_network(kind), sequences(kind)
    learner = rules.create(rule, net)
    net.eval()
    expected = net.logits(x)
    with torch.no_grad():
        assert torch.equal(net(x), expected)
    torch.testing.assert_close(net(x).detach(), expected, **TIGHT)
    net.train()
    out = net(x)
    if kind == "text":
        targets = x.roll(-1, 1)
        loss = F.cross_entropy(out.flatten(0, 1), targets.flatten())
    else:
        targets = torch.randn(4, 5, 2, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
        loss = ((out - targets) / net.quantity_std).square().mean()
    gradients = torch.autograd.grad(loss, learner.parameters())
    learner.compute_gradients(x, targets)
    for parameter, gradient in zip(learner.parameters(), gradients, strict=True):
        torch.testing.assert_close(parameter.grad, gradient, rtol=1e-6, atol=1e-9)


def test_hooks_and_containers_work() -> None:
    net = shaken(models.mlp(12, [9, 7], 3, gain=1.7, norm=False)).eval()
    images = torch.rand(5, 3, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    seen: list[tuple[Tensor, Tensor]] = []
    handle = net.register_forward_hook(lambda module, given, result: seen.append((given[0], result)))
    whole = nn.Sequential(nn.Flatten(), net, nn.Softmax(1))
    with torch.no_grad():
        shares = whole(images)
    ((given, result),) = seen
    assert torch.equal(given, images.flatten(1))
    assert torch.equal(result, net.logits(images.flatten(1)))
    assert len(seen) == 1  # `logits` is not a call of the module
    torch.testing.assert_close(shares, result.softmax(1))
    handle.remove()
    net(images.flatten(1))
    assert len(seen) == 1
    halved = net.register_forward_hook(lambda module, given, result: result / 2)
    torch.testing.assert_close(net(images.flatten(1)).detach() * 2, result, rtol=1e-6, atol=1e-8)
    halved.remove()


def test_autograd_trains_what_stands_before_a_network() -> None:
    """A layer of torch below the network learns through its surrogate gradients."""
    torch.manual_seed(0)
    net = models.mlp(6, [20, 12], 2, norm=False, gain=2.0)
    before = nn.Linear(4, 6)
    whole = nn.Sequential(before, net)
    x = torch.randn(32, 4, generator=torch.Generator().manual_seed(1))
    labels = (x[:, 0] > 0).long()
    optimizer = torch.optim.Adam(whole.parameters(), lr=0.02)
    losses = []
    for _ in range(30):
        optimizer.zero_grad()
        loss = F.cross_entropy(whole(x), labels)
        loss.backward()
        assert before.weight.grad is not None
        assert float(before.weight.grad.abs().sum()) > 0
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.5 * losses[0]


def test_each_class_of_networks_says_what_it_does() -> None:
    assert Classifier.kind == "a classifier"
    assert Autoencoder.kind == "an autoencoder"
    assert SequenceClassifier.kind == SequenceForecaster.kind == SequenceNetwork.kind == "a recurrent network"
    built = {
        "mlp": Classifier,
        "cnn": Classifier,
        "resnet": Classifier,
        "autoencoder": Autoencoder,
        "conv-autoencoder": Autoencoder,
    }
    for name, kind in built.items():
        net = models.create(name, (1, 16, 16), 10)
        assert type(net) is kind
        assert isinstance(net, StimulusNetwork)
        assert models.find(name).network is kind
    assert type(sequence_network("text")) is SequenceClassifier
    assert type(sequence_network("series")) is SequenceForecaster
    assert not isinstance(sequence_network("text"), StimulusNetwork)
    assert all(isinstance(net, Network) for net in (sequence_network("text"), sequence_network("series")))
