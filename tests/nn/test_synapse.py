"""Every synapse: the gradient that it writes equals autograd; shapes lead where they say."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from bispike.errors import ConfigurationError
from bispike.nn import Conv, Dense, Synapse, TransposedConv, UpsampleConv


def all_kinds(side: int, stride: int, kernel: int, pool: int) -> list[Synapse]:
    up = Conv((2, side, side), 3, kernel=kernel, stride=stride)
    return [
        Dense((2, side, side), (5,)),
        Dense((4,), (2, side, side), unpool=pool),
        up,
        UpsampleConv(up.target, (2, side, side), kernel=kernel),
        TransposedConv(up.target, (2, side, side), kernel=kernel, stride=stride),
    ]


@given(
    side=st.integers(4, 8),
    stride=st.integers(1, 2),
    kernel=st.sampled_from([1, 3, 5]),
    pool=st.integers(1, 3),
    batch=st.integers(1, 3),
)
@settings(max_examples=25, deadline=None)
def test_written_gradients_equal_autograd(side: int, stride: int, kernel: int, pool: int, batch: int) -> None:
    for synapse in all_kinds(side, stride, kernel, pool):
        synapse.double().initialise(1.0, torch.Generator().manual_seed(side))
        source = torch.randn(batch, *synapse.source, dtype=torch.float64)
        drive = synapse(source)
        assert tuple(drive.shape) == (batch, *synapse.target)
        grad = torch.randn_like(drive)
        expected = torch.autograd.grad(drive, list(synapse.parameters()), grad)
        with torch.no_grad():
            synapse.write_gradient(grad, source)
        for parameter, want in zip(synapse.parameters(), expected, strict=True):
            torch.testing.assert_close(parameter.grad, want, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("stride", [1, 2])
def test_what_is_carried_is_linear_and_teaches_the_weight_alone(stride: int) -> None:
    for synapse in all_kinds(6, stride, 3, 2):
        synapse.double().initialise(1.0, torch.Generator().manual_seed(0))
        with torch.no_grad():
            synapse.bias.fill_(0.7)
        source = torch.randn(3, *synapse.source, dtype=torch.float64)
        carried = synapse.forward_linear(source)
        torch.testing.assert_close(carried, synapse(source) - synapse(torch.zeros_like(source)))
        grad = torch.randn_like(carried)
        expected = torch.autograd.grad(carried, synapse.weight, grad)[0]
        with torch.no_grad():
            synapse.write_gradient(grad, source, bias=False)
        torch.testing.assert_close(synapse.weight.grad, expected)
        assert synapse.bias.grad is None


def test_a_transposed_convolution_with_the_same_weights_is_the_transpose() -> None:
    up = Conv((2, 7, 7), 3, kernel=3, stride=2, bias=False).double()
    down = TransposedConv(up.target, up.source, kernel=3, stride=2, bias=False).double()
    up.initialise(1.0, torch.Generator().manual_seed(0))
    with torch.no_grad():
        down.weight.copy_(up.weight)
    x, y = torch.randn(1, 2, 7, 7, dtype=torch.float64), torch.randn(1, *up.target, dtype=torch.float64)
    torch.testing.assert_close((up(x) * y).sum(), (down(y) * x).sum())
    assert torch.equal(up.matrix(), down.matrix())


def test_an_upsampling_convolution_compares_with_the_flipped_kernel() -> None:
    up = Conv((2, 5, 5), 3, kernel=3, bias=False).double()
    down = UpsampleConv(up.target, up.source, kernel=3, bias=False).double()
    up.initialise(1.0, torch.Generator().manual_seed(0))
    with torch.no_grad():
        down.weight.copy_(up.weight.transpose(0, 1).flip(2, 3))
    x, y = torch.randn(1, 2, 5, 5, dtype=torch.float64), torch.randn(1, *up.target, dtype=torch.float64)
    torch.testing.assert_close((up(x) * y).sum(), (down(y) * x).sum())
    assert torch.equal(up.matrix(), down.matrix())


@given(gain=st.floats(0.5, 3))
@settings(max_examples=10, deadline=None)
def test_initial_weights_have_the_stated_deviation(gain: float) -> None:
    synapse = Dense((400,), (300,))
    synapse.initialise(gain, torch.Generator().manual_seed(1))
    assert float(synapse.weight.detach().std()) == pytest.approx(gain / 20, rel=0.03)
    assert float(synapse.bias.detach().abs().max()) == 0


def test_impossible_shapes_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="height"):
        Conv((5,), 3)
    with pytest.raises(ConfigurationError, match="odd"):
        UpsampleConv((2, 4, 4), (1, 8, 8), kernel=2)
    with pytest.raises(ConfigurationError, match="upsampling"):
        TransposedConv((2, 4, 4), (1, 20, 20), kernel=3, stride=2)
