"""A layer that is taught at every step learns what autograd through the plain time loop of that layer would say."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional as F

from bispike import models
from bispike.functional import lif_reference
from bispike.nn import Network, Pathway, Trajectory


def build(*, conv: bool, norm: bool, time_steps: int, code: str = "current", least: int = 2) -> Network:
    options = {"norm": norm, "time_steps": time_steps, "gain": 1.5, "stimulus_code": code, "seed": time_steps}
    if conv:
        net = models.cnn((1, 6, 6), [3, 4], 3, pools=[2, 1], **options)
    else:
        net = models.mlp((1, 6, 6), [7, 6], 3, **options)
    for layer in net.layers:
        if layer.up.norm is not None:
            layer.up.norm.least = least
            torch.nn.init.uniform_(layer.up.norm.weight, 0.5, 1.5, generator=torch.Generator().manual_seed(1))
    return net.double()


def plain_spikes(pathway: Pathway, source: Tensor, *, trusted: bool = True) -> Tensor:
    """Spikes `[T, B, ...]` for `[T, B, ...]` input, in plain operations with a tape."""
    drive = torch.stack([pathway.synapse(step) for step in source.unbind(0)])
    norm = pathway.norm
    if norm is not None:
        mean_drive = drive.mean(0)
        axes = [0, *range(2, mean_drive.dim())]
        shape = [1, -1, *[1] * (mean_drive.dim() - 2)]
        if trusted:
            mean = mean_drive.mean(axes).reshape(shape)
            variance = ((mean_drive - mean) ** 2).mean(axes).reshape(shape)
        else:
            mean, variance = norm.running_mean.reshape(shape), norm.running_variance.reshape(shape)
        drive = (drive - mean) / (variance + norm.eps).sqrt() * norm.weight.reshape(shape) + norm.bias.reshape(shape)
    return lif_reference(drive, pathway.neuron)


@given(
    conv=st.booleans(), norm=st.booleans(), time_steps=st.integers(1, 4), code=st.sampled_from(["current", "bernoulli"])
)
@settings(max_examples=30, deadline=None)
def test_gradients_equal_autograd_within_each_layer(conv: bool, norm: bool, time_steps: int, code: str) -> None:
    net = build(conv=conv, norm=norm, time_steps=time_steps, code=code)
    generator = torch.Generator().manual_seed(7)
    stimulus = torch.rand(6, 1, 6, 6, dtype=torch.float64, generator=generator)
    source = net.encode(stimulus, generator=generator)
    below = source.expand(time_steps, *source.shape) if net.constant_input else source
    for step in net.bottom_up_trajectories(source):
        spikes = plain_spikes(step.layer.up, below)
        assert torch.equal(spikes, step.trajectory.spikes)
        leaving = torch.stack([F.max_pool2d(s, step.layer.pool) if step.layer.pool > 1 else s for s in spikes])
        assert torch.equal(leaving, step.leaving)
        signal = torch.randn(leaving.shape, dtype=torch.float64, generator=generator)
        parameters = list(step.layer.up.parameters())
        expected = torch.autograd.grad((leaving * signal).sum(), parameters)
        step.trajectory.backward(step.unpool_signal(signal))
        for parameter, gradient in zip(parameters, expected, strict=True):
            torch.testing.assert_close(parameter.grad, gradient, rtol=1e-9, atol=1e-10)
        below = leaving.detach()


@pytest.mark.parametrize("conv", [False, True])
def test_running_statistics_are_constants(conv: bool) -> None:
    """A batch with too few values a channel is normalised by the running statistics, which take no gradient."""
    net = build(conv=conv, norm=True, time_steps=3, least=1000)
    generator = torch.Generator().manual_seed(8)
    pathway = net.layers[1].up
    source = (torch.rand(3, 4, *pathway.synapse.source, generator=generator) < 0.5).double()
    trajectory = Trajectory(pathway, source, 3, constant=False)
    spikes = plain_spikes(pathway, source, trusted=False)
    assert torch.equal(spikes, trajectory.spikes)
    signal = torch.randn(spikes.shape, dtype=torch.float64, generator=generator)
    expected = torch.autograd.grad((spikes * signal).sum(), list(pathway.parameters()))
    trajectory.backward(signal)
    for parameter, gradient in zip(pathway.parameters(), expected, strict=True):
        torch.testing.assert_close(parameter.grad, gradient, rtol=1e-9, atol=1e-10)


def test_the_running_statistics_move_once_a_sweep() -> None:
    net, other = (build(conv=True, norm=True, time_steps=3) for _ in range(2))
    stimulus = torch.rand(6, 1, 6, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(9))
    list(net.bottom_up_trajectories(net.encode(stimulus)))
    list(other.bottom_up_pass(other.encode(stimulus)))
    for name, value in other.state_dict().items():
        torch.testing.assert_close(net.state_dict()[name], value)
