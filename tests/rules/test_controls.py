"""The controls are what they say: bptt and backprop equal plain autograd, frozen moves the readout alone."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from bispike import models
from bispike.functional import lif_reference
from bispike.nn import IdentityShortcut, Network, Residual
from bispike.rules import BPTT, Backprop, Frozen
from tests.builders import exact

cases = st.tuples(st.sampled_from(["mlp", "cnn", "resnet"]), st.booleans(), st.integers(1, 4), st.integers(0, 99))


def build(case: tuple[str, bool, int, int]) -> tuple[Network, torch.Tensor, torch.Tensor]:
    kind, norm, steps, seed = case
    options = {"norm": norm, "time_steps": steps, "seed": seed, "gain": 1.5}
    if kind == "resnet":
        net = models.resnet((1, 6, 6), [3, 4], 3, blocks=[1, 1], shortcut_gain=0.7, **options)
    elif kind == "cnn":
        net = models.cnn((1, 6, 6), [3, 4], 3, pools=[2, 1], dense=[5], **options)
    else:
        net = models.mlp((1, 6, 6), [7, 6], 3, **options)
    generator = torch.Generator().manual_seed(seed)
    stimulus = torch.randn(6, 1, 6, 6, dtype=torch.float64, generator=generator)
    return exact(net), stimulus, torch.tensor([0, 1, 2, 0, 1, 2])


def normed(layer: object, drive: torch.Tensor, mean_drive: torch.Tensor) -> torch.Tensor:
    """Batch norm with the statistics of the time-mean drive, in plain operations."""
    norm = layer.up.norm
    if norm is None:
        return drive
    axes = [0, *range(2, mean_drive.dim())]
    mean = mean_drive.mean(axes, keepdim=True)
    variance = ((mean_drive - mean) ** 2).mean(axes, keepdim=True)
    shape = mean.shape
    return (drive - mean) / (variance + norm.eps).sqrt() * norm.weight.reshape(shape) + norm.bias.reshape(shape)


def driven(layer: object, near: torch.Tensor, far: torch.Tensor) -> torch.Tensor:
    """Drive of what left the layer below and the one two below."""
    synapse = layer.up.synapse
    if not isinstance(synapse, Residual):
        return synapse(near)
    if synapse.pool > 1:
        far = torch.nn.functional.max_pool2d(far, synapse.pool, ceil_mode=True)
    if isinstance(synapse.shortcut, IdentityShortcut):
        return synapse.main(near) + 0.7 * far
    return synapse.main(near) + torch.nn.functional.conv2d(far, synapse.shortcut.weight)


def pooled(layer: object, values: torch.Tensor) -> torch.Tensor:
    return torch.nn.functional.max_pool2d(values, layer.pool) if layer.pool > 1 else values


@given(case=cases)
@settings(max_examples=20, deadline=None)
def test_bptt_equals_autograd_through_the_plain_time_loop(case: tuple[str, bool, int, int]) -> None:
    net, stimulus, labels = build(case)
    source = far = [stimulus] * net.time_steps
    for layer in net.layers:
        drives = [driven(layer, *pair) for pair in zip(source, far, strict=True)]
        mean = torch.stack(drives).mean(0)
        spikes = lif_reference(torch.stack([normed(layer, drive, mean) for drive in drives]), layer.up.neuron)
        source, far = [pooled(layer, step) for step in spikes.unbind(0)], source
    scores = torch.stack([net.readout(step) for step in source]).mean(0)
    loss = torch.nn.functional.cross_entropy(scores, labels)
    rule = BPTT(net)
    expected = torch.autograd.grad(loss, rule.parameters())
    report = rule.compute_gradients(stimulus, labels)
    torch.testing.assert_close(report.loss, loss.detach(), rtol=1e-7, atol=1e-8)
    for parameter, gradient in zip(rule.parameters(), expected, strict=True):
        torch.testing.assert_close(parameter.grad, gradient, rtol=1e-6, atol=1e-8)


@given(case=cases)
@settings(max_examples=20, deadline=None)
def test_backprop_equals_autograd_of_a_relu_network(case: tuple[str, bool, int, int]) -> None:
    net, stimulus, labels = build(case)
    values = far = stimulus
    for layer in net.layers:
        drive = driven(layer, values, far)
        values, far = pooled(layer, normed(layer, drive, drive).relu()), values
    loss = torch.nn.functional.cross_entropy(net.readout(values), labels)
    rule = Backprop(net)
    expected = torch.autograd.grad(loss, rule.parameters())
    rule.compute_gradients(stimulus, labels)
    for parameter, gradient in zip(rule.parameters(), expected, strict=True):
        torch.testing.assert_close(parameter.grad, gradient, rtol=1e-6, atol=1e-8)


def test_frozen_trains_the_readout_and_nothing_else() -> None:
    net, stimulus, labels = build((False, True, 3, 1))
    rule = Frozen(net)
    assert {id(p) for p in rule.parameters()} == {id(p) for p in net.readout.parameters()}
    top = [*net.bottom_up_pass(net.encode(stimulus))][-1].activity.rate
    loss = torch.nn.functional.cross_entropy(net.readout(top), labels)
    expected = torch.autograd.grad(loss, rule.parameters())
    rule.compute_gradients(stimulus, labels)
    for parameter, gradient in zip(rule.parameters(), expected, strict=True):
        torch.testing.assert_close(parameter.grad, gradient, rtol=1e-6, atol=1e-8)
