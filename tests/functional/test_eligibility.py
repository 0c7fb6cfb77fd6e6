"""Eligibility forward in time, the same sum backward within the neuron, and autograd: three ways to one number."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from bispike.functional import (
    PSEUDO_DERIVATIVES,
    Neuron,
    atan_surrogate,
    drive_gradient,
    eligibility_traces,
    lif_reference,
    lif_with_history,
    triangular_surrogate,
)

neurons = st.builds(
    Neuron,
    threshold=st.floats(0.2, 1.5),
    decay=st.floats(0.0, 1.0),
    reset=st.sampled_from(["hard", "soft"]),
)


def drawn(seed: int, *shapes: tuple[int, ...]) -> list[Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(shape, dtype=torch.float64, generator=generator) for shape in shapes]


@pytest.mark.parametrize("kind", PSEUDO_DERIVATIVES)
@given(neuron=neurons, time_steps=st.integers(1, 7), seed=st.integers(0, 99))
@settings(max_examples=25, deadline=None)
def test_forward_traces_and_the_recursion_within_the_neuron_agree(
    kind: str, neuron: Neuron, time_steps: int, seed: int
) -> None:
    source, signal, weight = drawn(seed, (time_steps, 3, 5), (time_steps, 3, 4), (4, 5))
    _, membrane = lif_with_history(source @ weight.T, neuron)
    traces = eligibility_traces(source, membrane, neuron, kind=kind)
    forward = torch.einsum("tbi,tbij->ij", signal, traces)
    grad = drive_gradient(signal, membrane, neuron, kind=kind)
    torch.testing.assert_close(torch.einsum("tbi,tbj->ij", grad, source), forward, rtol=1e-12, atol=1e-12)
    summed = drive_gradient(signal, membrane, neuron, kind=kind, summed=True)
    torch.testing.assert_close(summed, grad.sum(0), rtol=1e-12, atol=1e-12)


@given(neuron=neurons, time_steps=st.integers(1, 7), seed=st.integers(0, 99))
@settings(max_examples=25, deadline=None)
def test_traces_times_signals_are_the_gradient_through_the_plain_neuron(
    neuron: Neuron, time_steps: int, seed: int
) -> None:
    source, signal, weight = drawn(seed, (time_steps, 3, 5), (time_steps, 3, 4), (4, 5))
    weight.requires_grad_()
    (lif_reference(source @ weight.T, neuron) * signal).sum().backward()
    _, membrane = lif_with_history(source @ weight.detach().T, neuron)
    received = torch.einsum("tbi,tbij->ij", signal, eligibility_traces(source, membrane, neuron))
    torch.testing.assert_close(received, weight.grad, rtol=1e-12, atol=1e-12)


class PlainSpike(torch.autograd.Function):
    """A step whose derivative is the ATan surrogate, written again for this test."""

    @staticmethod
    def forward(ctx: Any, distance: Tensor) -> Tensor:
        ctx.save_for_backward(distance)
        return (distance >= 0).double()

    @staticmethod
    def backward(ctx: Any, *grad: Tensor) -> Tensor:
        return grad[0] / (1 + (torch.pi * ctx.saved_tensors[0]) ** 2)


@pytest.mark.parametrize("reset", ["hard", "soft"])
def test_a_recurrent_layer_with_its_recurrent_path_cut(reset: str) -> None:
    """e-prop is backpropagation through time whose gradient does not pass through recurrent spikes."""
    neuron = Neuron(threshold=0.7, decay=0.8, reset=reset)
    current, inward, recurrent, readout = drawn(3, (6, 4, 5), (7, 5), (7, 7), (2, 7))
    inward.requires_grad_()
    recurrent.requires_grad_()
    membrane, spike = torch.zeros(4, 7, dtype=torch.float64), torch.zeros(4, 7, dtype=torch.float64)
    loss = torch.zeros((), dtype=torch.float64)
    membranes: list[Tensor] = []
    spikes: list[Tensor] = []
    before: list[Tensor] = []
    target = torch.tensor([0, 1, 1, 0])
    for t in range(6):
        before.append(spike.detach())
        membrane = neuron.decay * membrane + current[t] @ inward.T + before[t] @ recurrent.T
        membranes.append(membrane.detach())
        spike = PlainSpike.apply(membrane - neuron.threshold)
        fired = spike.detach()
        membrane = membrane * (1 - fired) if reset == "hard" else membrane - neuron.threshold * fired
        spikes.append(fired)
        loss = loss + torch.nn.functional.cross_entropy(spike @ readout.T, target)
    loss.backward()
    assert 0.1 < torch.stack(spikes).mean() < 0.9
    error = (torch.stack(spikes) @ readout.T).softmax(2) - torch.nn.functional.one_hot(target, 2)
    grad = drive_gradient(error / 4 @ readout, torch.stack(membranes), neuron)
    for source, weight in ((current, inward), (torch.stack(before), recurrent)):
        torch.testing.assert_close(torch.einsum("tbi,tbj->ij", grad, source), weight.grad, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("reset", ["hard", "soft"])
def test_single_precision_and_signals_that_are_the_same_at_every_step(reset: str) -> None:
    """The compiled kernels, where they serve, give what the plain recursion gives."""
    neuron = Neuron(reset=reset)
    drive, signal = drawn(5, (4, 3, 40), (3, 40))
    spikes, membrane = lif_with_history(drive.float(), neuron)
    assert torch.equal(spikes.double(), lif_reference(drive.float().double(), neuron))
    exact = drive_gradient(signal.expand(4, 3, 40), membrane.double(), neuron)
    received = drive_gradient(signal.float().expand(4, 3, 40), membrane, neuron)
    torch.testing.assert_close(received.double(), exact, rtol=1e-5, atol=1e-6)


def test_constant_drive_has_the_membranes_of_the_repeated_one() -> None:
    (drive,) = drawn(6, (3, 8))
    once, repeated = lif_with_history(drive, Neuron(), time_steps=5), lif_with_history(drive.expand(5, 3, 8), Neuron())
    assert all(torch.equal(a, b) for a, b in zip(once, repeated, strict=True))


def test_the_triangle_peaks_at_threshold_and_ends_one_threshold_away() -> None:
    neuron = Neuron(threshold=0.8)
    distance = torch.tensor([-2.0, -0.8, -0.4, 0.0, 0.4, 0.8, 2.0], dtype=torch.float64)
    expected = torch.tensor([0, 0, 0.5, 1, 0.5, 0, 0], dtype=torch.float64) * 0.3 / 0.8
    torch.testing.assert_close(triangular_surrogate(distance, neuron), expected)
    assert atan_surrogate(torch.zeros(1)) == 1
