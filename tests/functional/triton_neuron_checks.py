"""The Triton kernels against the equation as written and against autograd; `test_lif_triton` runs this file.

They run on the GPU where there is one, under Triton's interpreter otherwise. Numbers with few binary digits make every
sum exact, so neurons that land exactly on the threshold are frequent and must fire in any order of rounding.
"""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from torch import Tensor

from bispike.functional import Neuron, drive_gradient, lif, lif_reference, lif_with_history
from bispike.functional.backends import triton_neuron

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")
BLOCK = triton_neuron.BLOCK
SHAPES = [(1, 1), (2, 5), (2, BLOCK // 2), (3, 171), (2, 3, 13, 7), (2, 4, 1, 2), (0, 4), (0, 3, 2, 2)]
WIDE = [torch.float32, torch.float64]

# The inputs are small; to shrink them takes the interpreter minutes.
GENERATE = [Phase.explicit, Phase.reuse, Phase.generate]
many = settings(max_examples=40, deadline=None, phases=GENERATE)
few = settings(max_examples=25, deadline=None, phases=GENERATE)
resets = st.sampled_from(["hard", "soft"])
seeds = st.integers(0, 999)
exact_neurons = st.builds(
    Neuron,
    threshold=st.integers(1, 8).map(lambda n: n / 4),
    decay=st.integers(0, 4).map(lambda n: n / 4),
    reset=resets,
)
neurons = st.builds(Neuron, threshold=st.floats(0.1, 2.0), decay=st.floats(0.0, 1.0), reset=resets)


@pytest.fixture(autouse=True, scope="module")
def _lif_uses_the_kernels() -> object:
    """Where the interpreter stands in for the GPU, `lif` must be sent to the kernels."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(triton_neuron, "available", lambda device: True)
        yield


def quarters(shape: tuple[int, ...], denominator: int, dtype: torch.dtype, generator: torch.Generator) -> Tensor:
    """Multiples of 1/denominator in [−2, 2]."""
    whole = torch.randint(-2 * denominator, 2 * denominator + 1, shape, generator=generator)
    return (whole / denominator).to(DEVICE, dtype)


def normal(shape: tuple[int, ...], dtype: torch.dtype, seed: int) -> Tensor:
    return torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed)).to(DEVICE, dtype)


def membranes(drive: Tensor, neuron: Neuron) -> Tensor:
    """H[t] for `[T, ...]`, from the definition."""
    kept, history = torch.zeros_like(drive[0]), []
    for current in drive:
        history.append(neuron.decay * kept + current)
        fired = history[-1] >= neuron.threshold
        kept = torch.where(fired, 0.0 if neuron.reset == "hard" else history[-1] - neuron.threshold, history[-1])
    return torch.stack(history)


@given(
    neuron=exact_neurons,
    time_steps=st.integers(1, 6),
    shape=st.sampled_from(SHAPES),
    dtype=st.sampled_from(WIDE),
    constant=st.booleans(),
    affine=st.booleans(),
    seed=seeds,
)
@many
def test_forward_is_the_equation_after_the_affine_map(
    neuron: Neuron, time_steps: int, shape: tuple[int, ...], dtype: torch.dtype, constant: bool, affine: bool, seed: int
) -> None:
    generator = torch.Generator().manual_seed(seed)
    drive = quarters(shape if constant else (time_steps, *shape), 16, dtype, generator)
    scale, shift = (quarters(shape[1:2], 4, dtype, generator) if affine else None for _ in range(2))
    received = drive.expand(time_steps, *shape)
    if scale is not None and shift is not None:
        per_channel = (1, -1, *[1] * (len(shape) - 2))
        received = received * scale.view(per_channel) + shift.view(per_channel)
    expected = lif_reference(received, neuron)
    response = triton_neuron.forward(drive, neuron, time_steps if constant else None, scale, shift, history=True)
    assert response.spikes.dtype == torch.int8
    assert torch.equal(response.spikes.to(dtype), expected)
    torch.testing.assert_close(response.rate, expected.mean(0), rtol=1e-6, atol=0)
    torch.testing.assert_close(response.mean, received.mean(0), rtol=1e-6, atol=1e-6)
    assert response.history is not None
    assert torch.equal(response.history, membranes(received, neuron))


@pytest.mark.parametrize("time_steps", [1, 3, 7, 49])
def test_a_neuron_that_always_fires_has_rate_one_and_one_that_never_fires_zero(time_steps: int) -> None:
    drive = torch.tensor([[2.0, -1.0]], device=DEVICE)
    assert triton_neuron.forward(drive, Neuron(1.0, 0.5), time_steps).rate.tolist() == [[1.0, 0.0]]


@given(
    neuron=neurons,
    time_steps=st.integers(1, 6),
    shape=st.sampled_from(SHAPES),
    dtype=st.sampled_from(WIDE),
    constant=st.booleans(),
    seed=seeds,
)
@many
def test_lif_and_its_gradient_are_those_of_the_reference(
    neuron: Neuron, time_steps: int, shape: tuple[int, ...], dtype: torch.dtype, constant: bool, seed: int
) -> None:
    drive = normal(shape if constant else (time_steps, *shape), dtype, seed)
    weight = normal((time_steps, *shape), dtype, seed + 1)
    plain, fast = drive.clone().requires_grad_(), drive.clone().requires_grad_()
    expected = lif_reference(plain.expand(time_steps, *shape), neuron)
    received = lif(fast, neuron, time_steps=time_steps if constant else None)
    assert received.dtype == dtype
    assert torch.equal(received, expected)
    assert torch.equal(lif(drive, neuron, time_steps=time_steps if constant else None), received)
    (expected * weight).sum().backward()
    (received * weight).sum().backward()
    tolerance = 1e-12 if dtype == torch.float64 else 1e-5
    torch.testing.assert_close(fast.grad, plain.grad, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("reset", ["hard", "soft"])
def test_a_membrane_on_the_threshold_counts_as_a_spike_on_the_way_back_too(reset: str) -> None:
    drive = torch.tensor([[0.5], [0.25]], dtype=torch.float64, device=DEVICE)
    plain, fast = drive.clone().requires_grad_(), drive.clone().requires_grad_()
    lif_reference(plain, Neuron(0.5, 0.5, reset))[1].sum().backward()
    lif(fast, Neuron(0.5, 0.5, reset))[1].sum().backward()
    assert fast.grad is not None
    torch.testing.assert_close(fast.grad, plain.grad, rtol=1e-12, atol=0)
    assert (fast.grad[0] == 0) == (reset == "hard")


@given(neuron=neurons, time_steps=st.integers(1, 5), seed=seeds)
@few
def test_any_layout_of_drive_and_gradient_gives_the_same(neuron: Neuron, time_steps: int, seed: int) -> None:
    drive = normal((3, time_steps, 5), torch.float64, seed).transpose(0, 1).requires_grad_()
    plain = drive.detach().contiguous().requires_grad_()
    lif(drive, neuron).sum().backward()
    lif_reference(plain, neuron).sum().backward()
    torch.testing.assert_close(drive.grad, plain.grad, rtol=1e-12, atol=1e-12)


@given(neuron=neurons, dtype=st.sampled_from([torch.bfloat16, torch.float16]), constant=st.booleans(), seed=seeds)
@few
def test_narrow_drives_have_32_bit_membranes(neuron: Neuron, dtype: torch.dtype, constant: bool, seed: int) -> None:
    drive = normal((3, 7) if constant else (4, 3, 7), dtype, seed)
    weight = normal((4, 3, 7), dtype, seed + 1)
    wide, narrow = drive.float().requires_grad_(), drive.clone().requires_grad_()
    expected = lif_reference(wide.expand(4, 3, 7), neuron)
    received = lif(narrow, neuron, time_steps=4 if constant else None)
    assert received.dtype == dtype
    assert torch.equal(received.float(), expected)
    (expected * weight.float()).sum().backward()
    (received * weight).sum().backward()
    assert narrow.grad is not None
    assert wide.grad is not None
    torch.testing.assert_close(narrow.grad, wide.grad.to(dtype))
    response = triton_neuron.forward(drive, neuron, 4 if constant else None, history=True)
    assert {response.rate.dtype, response.mean.dtype} == {torch.float32}
    assert response.history is not None
    assert torch.equal(response.history >= neuron.threshold, response.spikes.bool())


def test_a_narrow_drive_adds_up_beyond_its_own_precision() -> None:
    small = 2.0**-9  # 1 + 2⁻⁹ is not a bfloat16
    drive = torch.tensor([[1.0], [small]], dtype=torch.bfloat16, device=DEVICE)
    assert lif(drive, Neuron(1 + small, 1.0)).flatten().tolist() == [0.0, 1.0]


def test_the_threshold_of_64_bit_drives_has_64_bits() -> None:
    at = 0.6  # larger as a 32-bit number
    drive = torch.tensor([[at, math.nextafter(at, 0)]], dtype=torch.float64, device=DEVICE)
    assert lif(drive, Neuron(at, 0.5)).tolist() == [[1.0, 0.0]]


def test_backward_of_a_constant_drive_sums_the_steps() -> None:
    neuron = Neuron(0.6, 0.5)
    history = normal((5, 2, 3), torch.float64, 0)
    grad = normal((5, 2, 3), torch.float64, 1)
    each = triton_neuron.backward(grad, history, neuron, constant=False)
    torch.testing.assert_close(triton_neuron.backward(grad, history, neuron, constant=True), each.sum(0))


def test_without_leak_each_step_has_its_own_gradient() -> None:
    neuron = Neuron(0.6, 0.0)
    history = normal((3, 2, 4), torch.float64, 0)
    slope = 1 / (1 + (math.pi * (history - 0.6)) ** 2)
    received = triton_neuron.backward(torch.ones_like(history), history, neuron, constant=False)
    torch.testing.assert_close(received, slope, rtol=1e-12, atol=0)


def test_second_derivatives_are_refused() -> None:
    drive = normal((2, 3), torch.float64, 0).requires_grad_()
    weight = normal((2, 3), torch.float64, 1).requires_grad_()
    (grad,) = torch.autograd.grad((lif(drive, Neuron()) * weight).sum(), drive, create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        grad.sum().backward()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="only a GPU captures graphs")
def test_a_graph_captures_the_launch() -> None:
    drive = normal((4, 3, 700), torch.float32, 0)
    expected = lif(drive, Neuron())
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        captured = lif(drive, Neuron())
    graph.replay()
    assert torch.equal(captured, expected)


@pytest.mark.parametrize("constant", [False, True])
def test_lif_with_history_comes_from_the_kernels_too(constant: bool) -> None:
    drive = normal((3, 5) if constant else (4, 3, 5), torch.float64, 0)
    neuron = Neuron(0.6, 0.5, "soft")
    each = drive.expand(4, 3, 5)
    spikes, history = lif_with_history(drive, neuron, time_steps=4 if constant else None)
    assert spikes.dtype == torch.float64
    assert torch.equal(spikes, lif_reference(each, neuron))
    torch.testing.assert_close(history, membranes(each, neuron), rtol=1e-14, atol=1e-14)


@pytest.mark.parametrize("summed", [False, True])
def test_the_gradient_of_a_drive_comes_from_the_kernels_too(summed: bool) -> None:
    """g[t] = ψ[t] L[t] + β r[t] g[t+1], step by step from the last one."""
    neuron = Neuron(0.6, 0.5, "hard")
    signal, membrane = normal((4, 3, 5), torch.float64, 0), normal((4, 3, 5), torch.float64, 1)
    steps: list[Tensor] = []
    carried = torch.zeros_like(signal[0])
    for t in (3, 2, 1, 0):
        kept = (membrane[t] < 0.6).double()
        carried = signal[t] / (1 + (math.pi * (membrane[t] - 0.6)) ** 2) + 0.5 * kept * carried
        steps.insert(0, carried)
    expected = torch.stack(steps).sum(0) if summed else torch.stack(steps)
    received = drive_gradient(signal, membrane, neuron, summed=summed)
    torch.testing.assert_close(received, expected, rtol=1e-12, atol=1e-12)
