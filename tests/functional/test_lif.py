"""The neuron: the equation step by step, the fast version, its gradient, its limits."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from bispike.errors import ConfigurationError, ShapeError
from bispike.functional import Neuron, UnrolledSlope, atan_surrogate, integrate, lif, lif_reference, mean_field_slope

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
def test_wrong_constants_are_named(wrong: dict[str, float]) -> None:
    with pytest.raises(ConfigurationError, match=next(iter(wrong))):
        Neuron(**wrong)


def test_all_wrong_constants_are_listed_together() -> None:
    with pytest.raises(ConfigurationError) as error:
        Neuron(threshold=float("nan"), decay=-1, reset="maybe")
    assert len(error.value.problems) == 3


def test_no_steps_is_an_error() -> None:
    with pytest.raises(ShapeError, match="time step"):
        lif(torch.ones(2, 3), Neuron(), time_steps=0)
