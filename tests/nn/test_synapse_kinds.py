"""Each kind of synapse on maps that are not square: the linear map, packed spikes, tapes, signals backwards."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from bispike.errors import ConfigurationError
from bispike.functional import PackedSpikes, rows_of
from bispike.functional.backends import compiled
from bispike.nn import Conv, Dense, Synapse, TransposedConv, UpsampleConv
from bispike.nn.synapse import PATCH, weight_pairs

KINDS: dict[str, Callable[..., Synapse]] = {
    "dense": lambda **more: Dense((5,), (7,), **more),
    "dense from maps": lambda **more: Dense((2, 3, 4), (5,), **more),
    "dense to maps": lambda **more: Dense((5,), (3, 4, 2), **more),
    "dense to pooled maps": lambda **more: Dense((5,), (2, 5, 3), unpool=2, **more),
    "convolution": lambda **more: Conv((2, 5, 4), 3, **more),
    "wide convolution": lambda **more: Conv((9, 5, 4), 3, **more),
    "strided convolution": lambda **more: Conv((2, 7, 4), 3, kernel=5, stride=3, **more),
    "upsampling": lambda **more: UpsampleConv((3, 3, 2), (2, 5, 4), **more),
    "no upsampling": lambda **more: UpsampleConv((3, 3, 2), (2, 3, 2), kernel=5, **more),
    "transposed convolution": lambda **more: TransposedConv((3, 3, 2), (2, 7, 4), kernel=3, stride=3, **more),
    "even transposed convolution": lambda **more: TransposedConv((3, 3, 2), (2, 6, 4), kernel=3, stride=2, **more),
}
FAN_IN = {
    "dense": 5,
    "dense from maps": 24,
    "dense to maps": 5,
    "dense to pooled maps": 5,
    "convolution": 18,
    "wide convolution": 81,
    "strided convolution": 50,
    "upsampling": 27,
    "no upsampling": 75,
    "transposed convolution": 3,  # 27 of which each target neuron receives a ninth
    "even transposed convolution": 6,  # 27 // 4
}


def made(name: str, **more: Any) -> Synapse:
    synapse = KINDS[name](**more)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in synapse.parameters():
            parameter.copy_(torch.randint(-8, 9, parameter.shape, generator=generator) / 8)
    return synapse


def draw(*shape: int, seed: int = 2) -> Tensor:
    return torch.randint(-8, 9, shape, generator=torch.Generator().manual_seed(seed)) / 8


def linear_map(synapse: Synapse) -> Tensor:
    """The whole linear map `[targets, sources]`, from the places of each tap: loops over positions."""
    weight, source, target = synapse.weight.detach(), synapse.source, synapse.target
    found = torch.zeros(*target, *source)
    if isinstance(synapse, Dense):
        for place in range(math.prod(target)):
            at = list(torch.unravel_index(torch.tensor(place), target))
            small = [int(at[0]), *[int(n) // synapse.unpool for n in at[1:]]]
            row = 0
            for number, size in zip(small, synapse.small, strict=True):
                row = row * size + number
            found[tuple(at)] = weight[row].view(source)
        return found.flatten(len(target)).flatten(0, len(target) - 1)
    kernel, half = weight.shape[2], weight.shape[2] // 2
    for y in range(target[1]):
        for x in range(target[2]):
            for i in range(kernel):
                for j in range(kernel):
                    if isinstance(synapse, TransposedConv):
                        # target y = source v · stride − half + i
                        v, u = y + half - i, x + half - j
                        if v % synapse.stride or u % synapse.stride:
                            continue
                        v, u = v // synapse.stride, u // synapse.stride
                        part = weight[:, :, i, j].T
                    elif isinstance(synapse, Conv):
                        v, u = y * synapse.stride + i - half, x * synapse.stride + j - half
                        part = weight[:, :, i, j]
                    else:
                        v, u = y + i - half, x + j - half
                        if not (0 <= v < target[1] and 0 <= u < target[2]):
                            continue
                        v, u = v * source[1] // target[1], u * source[2] // target[2]
                        part = weight[:, :, i, j]
                    if 0 <= v < source[1] and 0 <= u < source[2]:
                        found[:, y, x, :, v, u] += part
    return found.flatten(3).flatten(0, 2)


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("gradients", [False, True])
def test_the_drive_is_the_linear_map_and_the_bias(name: str, gradients: bool) -> None:
    synapse, matrix = made(name), linear_map(made(name))
    source = draw(3, *synapse.source)
    with torch.set_grad_enabled(gradients):
        drive = synapse(source)
        bare = synapse.forward_linear(source)
    assert drive.shape == (3, *synapse.target)
    flat = (source.flatten(1) @ matrix.T).view(3, *synapse.target)
    assert torch.equal(bare.detach(), flat)
    assert torch.equal(drive.detach() - flat, level(synapse).expand_as(flat))


def level(synapse: Synapse) -> Tensor:
    """The bias of each target neuron, `[*target]`."""
    assert synapse.bias is not None
    bias = synapse.bias.detach()
    if isinstance(synapse, Dense):
        spread = bias.view(synapse.small)
        for axis in range(1, len(synapse.target)):
            spread = spread.repeat_interleave(synapse.unpool, axis).narrow(axis, 0, synapse.target[axis])
        return spread
    return bias.view(-1, 1, 1).expand(synapse.target)


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("bias", [False, True])
def test_gradients_are_the_transposed_map(name: str, bias: bool) -> None:
    synapse = made(name, bias=bias)
    matrix = linear_map(synapse)
    source, grad = draw(4, *synapse.source), draw(4, *synapse.target, seed=3)
    leaf = synapse.weight.detach().clone().requires_grad_()
    with torch.enable_grad():
        other = made(name, bias=bias)
        expected = torch.autograd.grad((other(source) * grad).sum(), list(other.parameters()))
    with torch.no_grad():
        for _ in range(2):  # the second time into memory that is there
            synapse.write_gradient(grad, source)
        pairing = synapse.pairing(grad, source)
    for parameter, gradient in zip(synapse.parameters(), expected, strict=True):
        torch.testing.assert_close(parameter.grad, gradient)
    torch.testing.assert_close(pairing, expected[0])
    assert (synapse.bias is None) != bias
    below = (grad.flatten(1) @ matrix).view(4, *synapse.source)
    if type(synapse).backward_input is not Synapse.backward_input:
        with torch.no_grad():
            torch.testing.assert_close(synapse.backward_input(grad), below)
            torch.testing.assert_close(synapse.backward_input(grad, 2 * leaf.detach()), 2 * below)
    else:
        with pytest.raises(NotImplementedError, match=f"{type(synapse).__name__} does not carry signals backwards"):
            synapse.backward_input(grad)
    if type(synapse).backward is not Synapse.backward:
        with torch.no_grad():
            found, weight = synapse.backward(grad, source)
        torch.testing.assert_close(found, below)
        torch.testing.assert_close(weight, expected[0])


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("bias", [False, True])
def test_trains_of_spikes(name: str, bias: bool) -> None:
    """Packed and with a tape: the drives of all steps, and the gradients of spikes, weight and bias."""
    synapse = made(name, bias=bias)
    train = (torch.rand(3, 2, *synapse.source, generator=torch.Generator().manual_seed(4)) < 0.4).float()
    with torch.no_grad():
        expected = synapse(train.flatten(0, 1))
        if compiled.serves(train):
            for given in (train, PackedSpikes.pack(train)):
                assert torch.equal(synapse.forward_packed(given), rows_of(expected))
    weights = draw(3, 2, *synapse.target, seed=5)
    results = []
    for taped in (True, False):
        leaf = train.clone().requires_grad_()
        drive = synapse.forward_taped(leaf) if taped else synapse(leaf.flatten(0, 1)).unflatten(0, (3, 2))
        assert torch.equal(drive.detach().flatten(0, 1), expected)
        results.append(torch.autograd.grad((drive * weights).sum(), [leaf, *synapse.parameters()]))
    for one, other in zip(*results, strict=True):
        torch.testing.assert_close(one, other)


@pytest.mark.parametrize("name", KINDS)
def test_initial_weights_have_the_deviation_of_their_inputs(name: str) -> None:
    """Uniform with deviation gain/√n: the bound is gain √(3/n) for n inputs of a target neuron."""
    synapse = made(name)
    assert synapse.fan_in == FAN_IN[name]
    synapse.initialise(0.8, torch.Generator().manual_seed(0))
    bound = 0.8 * math.sqrt(3 / FAN_IN[name])
    weight = synapse.weight.detach()
    expected = torch.empty_like(weight).uniform_(-bound, bound, generator=torch.Generator().manual_seed(0))
    assert torch.equal(weight, expected)
    assert synapse.bias is not None
    assert float(synapse.bias.detach().abs().max()) == 0


def test_patches_serve_convolutions_with_few_inputs() -> None:
    """Both ways are tested above: fan-ins of 18 and 81 lie on either side."""
    assert FAN_IN["convolution"] <= PATCH < FAN_IN["wide convolution"]


def test_geometries_that_do_not_fit_are_refused() -> None:
    for stride, target, fits in (
        (2, (2, 5, 3), True),
        (2, (2, 6, 4), True),
        (2, (2, 7, 4), False),
        (2, (2, 4, 4), False),
    ):
        if fits:
            assert TransposedConv((3, 3, 2), target, kernel=3, stride=stride).target == target
        else:
            with pytest.raises(ConfigurationError, match="cannot lead from"):
                TransposedConv((3, 3, 2), target, kernel=3, stride=stride)
    assert TransposedConv((3, 3, 2), (2, 3, 2), kernel=3, stride=1).target == (2, 3, 2)
    assert Conv((2, 7, 4), 3, kernel=5, stride=3).target == (3, 3, 2)
    assert Conv((2, 7, 4), 3, kernel=1).target == (3, 7, 4)


def test_pairs_of_pathways_are_compared_where_their_arrays_agree() -> None:
    up = [Dense((4,), (3,)), Conv((2, 5, 4), 3), Conv((2, 5, 4), 3), Dense((3,), (2,))]
    down = [
        Dense((3,), (4,)),
        UpsampleConv((3, 5, 4), (2, 5, 4)),
        TransposedConv((3, 5, 4), (2, 5, 4)),
        Dense((5,), (3,)),
    ]
    for i, synapse in enumerate([*up, *down]):
        synapse.initialise(1.0, torch.Generator().manual_seed(i))
    pairs = weight_pairs(["a", "b", "c", "d"], up, down)
    assert list(pairs) == ["a", "b", "c"]
    for forward, backward in pairs.values():
        assert not forward.requires_grad
        assert not backward.requires_grad
    assert torch.equal(pairs["a"][0], up[0].weight)
    assert torch.equal(pairs["a"][1], down[0].weight.T)
    for name, synapse in (("b", down[1]), ("c", down[2])):
        place = ["a", "b", "c"].index(name)
        assert torch.equal(pairs[name][0], up[place].weight.flatten(1))
        for out in range(3):
            for channel in range(2):
                kernel = synapse.weight[channel, out].flip(0, 1) if name == "b" else synapse.weight[out, channel]
                assert torch.equal(pairs[name][1].view(3, 2, 3, 3)[out, channel], kernel)
