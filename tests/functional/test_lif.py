"""The neuron: the equation step by step, the fast version, its gradient, its limits."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from bispike.errors import ConfigurationError, ShapeError
from bispike.functional import (
    Neuron,
    UnrolledSlope,
    atan_surrogate,
    integrate,
    lif,
    lif_onward,
    lif_reference,
    lif_with_history,
    mean_field_slope,
)

neurons = st.builds(
    Neuron,
    threshold=st.floats(0.1, 2.0),
    decay=st.floats(0.0, 1.0),
    reset=st.sampled_from(["hard", "soft"]),
)


def by_hand(drive: list[float], threshold: float, decay: float, reset: str) -> list[float]:
    membrane, spikes = 0.0, []
    for current in drive:
        membrane = decay * membrane + current
        spike = 1.0 if membrane >= threshold else 0.0
        membrane = (0.0 if spike else membrane) if reset == "hard" else membrane - threshold * spike
        spikes.append(spike)
    return spikes


@pytest.mark.parametrize("reset", ["hard", "soft"])
def test_the_equation_step_by_step(reset: str) -> None:
    drive = [0.4, 0.3, 1.5, 0.2, 0.61, -1.0, 0.9]
    expected = by_hand(drive, 0.6, 0.5, reset)
    column = torch.tensor(drive, dtype=torch.float64)[:, None]
    assert lif(column, Neuron(0.6, 0.5, reset))[:, 0].tolist() == expected
    assert lif_reference(column, Neuron(0.6, 0.5, reset))[:, 0].tolist() == expected


@given(neuron=neurons, time_steps=st.integers(1, 6), batch=st.integers(1, 4), seed=st.integers(0, 99))
@settings(max_examples=40, deadline=None)
def test_fast_equals_reference_and_gradient_too(neuron: Neuron, time_steps: int, batch: int, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    drive = torch.randn(time_steps, batch, 3, dtype=torch.float64, generator=generator)
    weight = torch.randn(time_steps, batch, 3, dtype=torch.float64, generator=generator)
    plain, fast = drive.clone().requires_grad_(), drive.clone().requires_grad_()
    expected, received = lif_reference(plain, neuron), lif(fast, neuron)
    assert torch.equal(expected, received)
    assert torch.equal(lif(drive, neuron), received)
    (expected * weight).sum().backward()
    (received * weight).sum().backward()
    torch.testing.assert_close(fast.grad, plain.grad, rtol=1e-12, atol=1e-12)


@given(neuron=neurons, time_steps=st.integers(1, 6), seed=st.integers(0, 99))
@settings(max_examples=25, deadline=None)
def test_constant_drive_equals_repeated_drive(neuron: Neuron, time_steps: int, seed: int) -> None:
    current = torch.randn(2, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    once, repeated = current.clone().requires_grad_(), current.clone().requires_grad_()
    spikes = lif(once, neuron, time_steps=time_steps)
    expected = lif_reference(repeated.expand(time_steps, 2, 3), neuron)
    assert torch.equal(spikes, expected)
    spikes.sum().backward()
    expected.sum().backward()
    torch.testing.assert_close(once.grad, repeated.grad, rtol=1e-12, atol=1e-12)


@given(neuron=neurons, time_steps=st.integers(1, 6), seed=st.integers(0, 99))
@settings(max_examples=25, deadline=None)
def test_unrolled_slope_is_the_rate_gradient_for_a_shift_of_the_drive(
    neuron: Neuron, time_steps: int, seed: int
) -> None:
    drive = torch.randn(time_steps, 2, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    shift = torch.zeros(2, 3, dtype=torch.float64, requires_grad=True)
    lif_reference(drive + shift, neuron).mean(0).sum().backward()
    slope = UnrolledSlope(drive[0], neuron)
    membrane = torch.empty_like(drive[0])
    for t in range(time_steps):
        integrate(membrane, drive[t], neuron, first=t == 0)
        slope.watch(membrane)
        fired = (membrane >= neuron.threshold).double()
        membrane = membrane * (1 - fired) if neuron.reset == "hard" else membrane - neuron.threshold * fired
    torch.testing.assert_close(slope.result(), shift.grad, rtol=1e-12, atol=1e-12)


def test_surrogate_is_the_derivative_of_the_arctangent() -> None:
    distance = torch.linspace(-3, 3, 31, dtype=torch.float64, requires_grad=True)
    (torch.atan(torch.pi * distance) / torch.pi).sum().backward()
    torch.testing.assert_close(atan_surrogate(distance.detach()), distance.grad, rtol=1e-12, atol=0)


def test_mean_field_slope_peaks_at_its_centre_and_halves_at_its_width() -> None:
    neuron = Neuron(threshold=0.8)
    centre = torch.tensor(0.6 * 0.8, dtype=torch.float64)
    assert mean_field_slope(centre, neuron) == 1
    half = centre + 2**0.5 / torch.pi
    torch.testing.assert_close(mean_field_slope(half, neuron), torch.tensor(0.5, dtype=torch.float64))


@pytest.mark.parametrize("wrong", [{"threshold": 0.0}, {"threshold": -1.0}, {"decay": 1.5}, {"reset": "none"}])
def test_wrong_constants_are_named(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match=next(iter(wrong))):
        Neuron(**wrong)


def test_all_wrong_constants_are_listed_together() -> None:
    with pytest.raises(ConfigurationError) as error:
        Neuron(threshold=float("nan"), decay=-1, reset="maybe")
    assert len(error.value.problems) == 3


def test_no_steps_is_an_error() -> None:
    with pytest.raises(ShapeError, match="time step"):
        lif(torch.ones(2, 3), Neuron(), time_steps=0)


def test_the_limits_of_the_constants_are_allowed() -> None:
    assert Neuron(threshold=1e-6, decay=0.0).decay == 0
    assert Neuron(decay=1.0).decay == 1
    with pytest.raises(ConfigurationError, match="decay"):
        Neuron(decay=-1e-6)
    with pytest.raises(ConfigurationError, match="decay"):
        Neuron(decay=1 + 1e-6)


def test_the_default_neuron_is_the_one_of_the_documents() -> None:
    assert (Neuron().threshold, Neuron().decay, Neuron().reset) == (0.6, 0.5, "hard")


@pytest.mark.parametrize("drive", [torch.tensor(1.0), torch.ones(0, 3)])
def test_a_drive_without_time_is_an_error(drive: Tensor) -> None:
    with pytest.raises(ShapeError, match=r"T >= 1"):
        lif(drive, Neuron())
    assert lif(torch.ones(1), Neuron()).tolist() == [1]
    assert lif(torch.ones(2), Neuron(), time_steps=1).tolist() == [[1, 1]]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("constant", [False, True])
@pytest.mark.parametrize("reset", ["hard", "soft"])
def test_the_history_holds_membranes_before_the_reset(dtype: torch.dtype, constant: bool, reset: str) -> None:
    """Drives and constants are small multiples of 1/8, so every membrane is exact."""
    whole = torch.randint(-8, 9, (4, 3, 5) if not constant else (3, 5), generator=torch.Generator().manual_seed(1))
    drive, neuron = whole.to(dtype) / 8, Neuron(0.5, 0.5, reset)
    spikes, history = lif_with_history(drive, neuron, time_steps=4 if constant else None)
    left = torch.zeros(3, 5, dtype=dtype)
    for t in range(4):
        before = 0.5 * left + (drive if constant else drive[t])
        fired = (before >= 0.5).to(dtype)
        assert torch.equal(history[t], before)
        assert torch.equal(spikes[t], fired)
        left = before * (1 - fired) if reset == "hard" else before - 0.5 * fired
    assert len(spikes) == len(history) == 4


def test_the_neuron_goes_on_from_a_membrane() -> None:
    drive = torch.randn(6, 3, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    neuron = Neuron(0.5, 0.7, "soft")
    whole, last = lif_onward(drive, neuron, torch.zeros(3, 4, dtype=torch.float64))
    first, between = lif_onward(drive[:2], neuron, torch.zeros(3, 4, dtype=torch.float64))
    second, left = lif_onward(drive[2:], neuron, between)
    assert torch.equal(torch.cat([first, second]), whole)
    assert torch.equal(left, last)
    by_hand_one = by_hand(drive[:, 0, 0].tolist(), 0.5, 0.7, "soft")
    assert whole[:, 0, 0].tolist() == by_hand_one


def test_a_tape_is_kept_only_where_one_is_wanted() -> None:
    drive = torch.ones(2, 3, requires_grad=True)
    assert lif(drive, Neuron()).requires_grad
    assert not lif(drive.detach(), Neuron()).requires_grad
    with torch.no_grad():
        assert not lif(drive, Neuron()).requires_grad


@pytest.mark.parametrize("reset", ["hard", "soft"])
@pytest.mark.parametrize("layout", ["plain", "channels last", "strided"])
@pytest.mark.parametrize("constant", [False, True])
def test_any_layout_of_single_precision_gives_the_same(reset: str, layout: str, constant: bool) -> None:
    """Multiples of 1/8: spikes are exact, so only the order of elements could go wrong."""
    neuron = Neuron(0.5, 0.5, reset)
    whole = torch.randint(
        -8, 9, (2, 5, 3, 4) if constant else (4, 2, 5, 3, 4), generator=torch.Generator().manual_seed(1)
    )
    drive = whole.float() / 8
    if layout == "channels last":
        drive = drive.movedim(-3, -1).contiguous().movedim(-1, -3)
    elif layout == "strided":
        drive = torch.stack([drive, drive], -1)[..., 0]
    each = drive.double().expand(4, *drive.shape) if constant else drive.double()
    leaf, exact = drive.clone(memory_format=torch.preserve_format).requires_grad_(), each.clone().requires_grad_()
    received = lif(leaf, neuron, time_steps=4 if constant else None)
    expected = lif_reference(exact, neuron)
    assert torch.equal(received.double(), expected)
    signal = torch.randn(4, 2, 5, 3, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    kept = signal.float()
    received.backward(kept)
    expected.backward(signal)
    assert torch.equal(kept, signal.float())
    assert leaf.grad is not None
    assert exact.grad is not None
    wanted = exact.grad.sum(0) if constant else exact.grad
    torch.testing.assert_close(leaf.grad.double(), wanted, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("shape", [(4, 7), (4, 3, 7), (4, 2, 3, 5)])
@pytest.mark.parametrize("constant", [False, True])
def test_a_drive_with_gaps_or_turned_axes_gives_the_same(shape: tuple[int, ...], constant: bool) -> None:
    neuron = Neuron(0.5, 0.5)
    whole = torch.randint(-8, 9, shape, generator=torch.Generator().manual_seed(1)).float() / 8
    turned = whole.transpose(0, -1).contiguous().transpose(0, -1)
    gaps = torch.stack([whole, torch.full_like(whole, 9.0)], -1)[..., 0]
    expected = lif_reference(whole.expand(4, *shape) if constant else whole, neuron)
    for drive in (turned, gaps):
        leaf = drive.requires_grad_()
        received = lif(leaf, neuron, time_steps=4 if constant else None)
        assert torch.equal(received, expected)
        (gradient,) = torch.autograd.grad(received.sum(), leaf)
        exact = whole.double().requires_grad_()
        lif_reference(exact.expand(4, *shape) if constant else exact, neuron).sum().backward()
        torch.testing.assert_close(gradient.double(), exact.grad, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("constant", [False, True])
def test_the_gradient_of_a_single_step_is_the_surrogate(dtype: torch.dtype, constant: bool) -> None:
    drive = torch.tensor([-0.4, 0.6, 0.9], dtype=dtype, requires_grad=True)
    spikes = lif(drive, Neuron(), time_steps=1) if constant else lif(drive[None], Neuron())
    (gradient,) = torch.autograd.grad(spikes.sum(), drive)
    expected = [1 / (1 + (torch.pi * (a - 0.6)) ** 2) for a in (-0.4, 0.6, 0.9)]
    assert gradient.tolist() == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("constant", [False, True])
def test_the_default_type_of_torch_changes_nothing(constant: bool) -> None:
    drive = torch.randn(3, 5, generator=torch.Generator().manual_seed(0)).requires_grad_()
    before, results = torch.get_default_dtype(), []
    for default in (torch.float32, torch.float64):
        try:
            torch.set_default_dtype(default)
            spikes = lif(drive, Neuron(), time_steps=4 if constant else None)
            results.append((spikes.detach(), *torch.autograd.grad(spikes.sum(), drive)))
        finally:
            torch.set_default_dtype(before)
    for first, second in zip(*results, strict=True):
        assert first.dtype == second.dtype == torch.float32
        assert torch.equal(first, second)
