"""Layers with a shortcut: what reaches them, their drive, and what each pass makes of it."""

import copy

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional as F

from bispike import models
from bispike.functional import JoinedSpikes, PackedSpikes, dense_spikes, lif_reference, rate_of
from bispike.functional.backends import native
from bispike.nn import Arrivals, Conv, IdentityShortcut, Network, Pathway, Residual, UpsampleConv, passes


def spikes(*shape: int, seed: int = 0) -> Tensor:
    return (torch.rand(shape, generator=torch.Generator().manual_seed(seed)) < 0.3).float()


def drive_of(pathway: Pathway, near: Tensor, far: Tensor) -> Tensor:
    """W s_near + V s_far of one time step `[B, ...]`, from the weights alone."""
    synapse = pathway.synapse
    main = synapse.main if isinstance(synapse, Residual) else synapse
    if isinstance(main, UpsampleConv):
        drive = F.conv2d(F.interpolate(near, size=main.target[1:]), main.weight, main.bias, padding=main.padding)
    elif isinstance(main, Conv):
        drive = F.conv2d(near, main.weight, main.bias, main.stride, main.padding)
    else:
        drive = main(near)
    if not isinstance(synapse, Residual):
        return drive
    if synapse.pool > 1:
        far = F.max_pool2d(far, synapse.pool, ceil_mode=True)
    if isinstance(synapse.shortcut, IdentityShortcut):
        return drive + float(synapse.shortcut.gain) * far
    return drive + F.conv2d(F.interpolate(far, size=main.target[1:]), synapse.shortcut.weight)


def plain_sweep(pathways: list[Pathway], source: Tensor) -> list[Tensor]:
    """Spikes `[T, B, ...]` of every layer of a pass, as the equation says, one time step at a time."""
    left, trains = [source], []
    for pathway in pathways:
        drive = torch.stack([drive_of(pathway, *pair) for pair in zip(left[-1], left[-2:][0], strict=True)])
        norm = pathway.norm
        if norm is not None:
            flat = drive.flatten(0, 1)
            statistics = norm.running_mean, norm.running_variance, norm.weight, norm.bias
            drive = F.batch_norm(flat, *statistics, eps=norm.eps).unflatten(0, drive.shape[:2])
        trains.append(lif_reference(drive, pathway.neuron))
        left.append(trains[-1])
    return trains


@given(
    side=st.integers(5, 8),
    blocks=st.sampled_from([[1, 1], [0, 2], [2, 0]]),
    norm=st.booleans(),
    time_steps=st.integers(1, 3),
    stem_stride=st.integers(1, 2),
)
@settings(max_examples=20, deadline=None)
def test_both_sweeps_are_what_the_equation_says(
    side: int, blocks: list[int], norm: bool, time_steps: int, stem_stride: int
) -> None:
    sizes = {"blocks": blocks, "stem_stride": stem_stride, "shortcut_gain": 0.7}
    net = models.resnet((2, side, side), [3, 4], 3, norm=norm, time_steps=time_steps, gain=1.5, **sizes).double()
    stimulus = torch.randn(4, 2, side, side, dtype=torch.float64, generator=torch.Generator().manual_seed(side))
    with torch.no_grad():
        up = plain_sweep([layer.up for layer in net.layers], net.encode(stimulus).expand(time_steps, *stimulus.shape))
        down = plain_sweep([layer.down for layer in net.layers][::-1], net.code.spikes(time_steps).double())[::-1]
    for record, expected in zip(net.observe(stimulus), up, strict=True):
        assert torch.equal(record.spikes, expected)
    for record, expected in zip(net.imagine(torch.arange(3)), down, strict=True):
        assert torch.equal(record.spikes, expected)
    torch.testing.assert_close(net.logits(stimulus), net.readout(up[-1].mean(0)), rtol=1e-6, atol=1e-6)
    with torch.no_grad():
        for step, record in zip(net.bottom_up_pass(net.encode(stimulus)), up, strict=True):
            assert bool(((record == 0) | (record == 1)).all())
            torch.testing.assert_close(
                step.activity.raw_drive, step.layer.up.synapse(step.below)
            )  # linear in what it received


def residual(*, straight: bool, pool: int = 1) -> Residual:
    near = (34, 4, 5)
    shortcut = IdentityShortcut(0.5) if straight else Conv((7, 4, 5), 34, kernel=1, bias=False)
    made = Residual(Conv(near, 34), shortcut, 34 if straight else 7, pool=pool)
    made.initialise(1.0, torch.Generator().manual_seed(0))
    return made


@pytest.mark.skipif(native.library() is None, reason="no compiled kernels")
@pytest.mark.parametrize("straight", [False, True])
@pytest.mark.parametrize("pool", [1, 2])
@torch.no_grad()
def test_packed_trains_and_trains_of_numbers_drive_alike(straight: bool, pool: int) -> None:
    synapse = residual(straight=straight, pool=pool)
    channels = 34 if straight else 7
    near, far = spikes(3, 2, 34, 4, 5), spikes(3, 2, channels, 4 * pool - pool // 2, 5 * pool, seed=1)
    packed = synapse.receive(PackedSpikes.pack(near), PackedSpikes.pack(far))
    plain = synapse.receive(near, far)
    assert isinstance(packed, JoinedSpikes)
    together = dense_spikes(packed, like=near)
    assert torch.equal(together, dense_spikes(plain, like=near))
    assert together.shape[2:] == synapse.source
    torch.testing.assert_close(rate_of(packed, like=near), together.mean(0))
    expected = synapse(together.flatten(0, 1))
    for source in (packed, plain):
        torch.testing.assert_close(synapse.forward_packed(source).transpose(1, 2).reshape(expected.shape), expected)
        flowing = plain if source is packed else together
        torch.testing.assert_close(synapse.forward_taped(flowing).flatten(0, 1), expected)


@pytest.mark.parametrize("straight", [False, True])
def test_both_parts_learn_from_the_same_gradient(straight: bool) -> None:
    synapse = residual(straight=straight).double()
    source = torch.rand(3, *synapse.source, dtype=torch.float64)
    grad = torch.rand(3, *synapse.target, dtype=torch.float64)
    expected = torch.autograd.grad(synapse(source), list(synapse.parameters()), grad)
    synapse.write_gradient(grad, source)
    assert len(expected) == (2 if straight else 3)
    for parameter, gradient in zip(synapse.parameters(), expected, strict=True):
        torch.testing.assert_close(parameter.grad, gradient, rtol=1e-10, atol=1e-10)


def test_along_a_chain_what_left_a_layer_is_what_the_next_receives() -> None:
    """The very object: nothing is copied or kept longer than before."""
    net = models.cnn((1, 8, 8), [3, 4], 3, dense=[5])
    left = [object() for _ in range(4)]
    arrivals = Arrivals(net.layers, "up", left[0])
    for leaving in left[1:]:
        arrivals.pass_on(leaving)
        assert arrivals.source is leaving
        assert arrivals._far is None
    assert net.shortcuts == []


def test_what_a_shortcut_skips_is_kept_for_one_layer() -> None:
    net = models.resnet((1, 8, 8), [3], 3, blocks=[2])
    arrivals: Arrivals[Tensor] = Arrivals(net.layers, "up", torch.zeros(1, 1, 8, 8))
    kept = []
    for layer in net.layers:
        arrivals.pass_on(torch.zeros(1, *layer.output_shape))
        kept.append(arrivals._far is not None)
    assert net.shortcuts == ["layer3", "layer5"]
    assert kept == [True, False, True, False, False]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_descent_computed_again_is_the_whole_sweep(monkeypatch: pytest.MonkeyPatch, dtype: torch.dtype) -> None:
    net = models.resnet((1, 8, 8), [3, 5], 4, depth=18).to(dtype)
    again = copy.deepcopy(net)
    monkeypatch.setattr(passes, "KEPT_WHOLE", 100)
    whole = read(net)
    monkeypatch.setattr(passes, "KEPT_WHOLE", 2)
    for a, b in zip(whole, read(again), strict=True):
        assert torch.equal(a, b)
    assert all(torch.equal(a, b) for a, b in zip(net.buffers(), again.buffers(), strict=True))


def read(net: Network) -> list[Tensor]:
    """Rates that reached and left each layer in a top-down pass that is read from the bottom up."""
    found = net.top_down_pass(unrolled=True)
    values = []
    for i in range(len(net.layers)):
        above, activity = found.take(i)
        values += [above, activity.rate, activity.raw_drive, activity.unrolled]
    return values
