"""The mean-field rate is the integral of the mean-field slope."""

from __future__ import annotations

import math

import pytest
import torch

from bispike.functional import Neuron, atan_surrogate, mean_field_rate, mean_field_slope, triangular_surrogate


def test_the_slope_of_the_mean_field_rate_is_the_mean_field_slope() -> None:
    neuron = Neuron(threshold=0.8)
    drive = torch.linspace(-4, 4, 101, dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(mean_field_rate(drive, neuron, centre=0.5, width=1.3).sum(), drive)
    torch.testing.assert_close(slope, mean_field_slope(drive.detach(), neuron, centre=0.5, width=1.3))
    assert float(mean_field_rate(torch.tensor(0.6 * 0.8), neuron)) == 0.5


def test_the_mean_field_by_hand() -> None:
    """½ + arctan(π (ā − c θ) / (w √2)) · w √2 / π, with c = 0.6 and w = 1 unless given."""
    neuron, drive = Neuron(threshold=0.8), torch.tensor([-1.0, 0.2, 0.48, 1.5], dtype=torch.float64)
    for centre, width in ((0.6, 1.0), (0.5, 1.3)):
        options = {} if width == 1 else {"centre": centre, "width": width}
        scaled = [math.pi * (a - centre * 0.8) / (width * 2**0.5) for a in drive.tolist()]
        rate = [0.5 + math.atan(s) * width * 2**0.5 / math.pi for s in scaled]
        assert mean_field_rate(drive, neuron, **options).tolist() == pytest.approx(rate, abs=1e-12)
        assert mean_field_slope(drive, neuron, **options).tolist() == pytest.approx([1 / (1 + s * s) for s in scaled])


@pytest.mark.parametrize("damping", [0.3, 0.9])
def test_the_triangle_is_scaled_by_its_damping(damping: float) -> None:
    options = {} if damping == 0.3 else {"damping": damping}
    found = triangular_surrogate(torch.tensor([0.2, -0.2], dtype=torch.float64), Neuron(threshold=0.8), **options)
    assert found.tolist() == pytest.approx([damping / 0.8 * 0.75] * 2)


def test_the_distance_of_a_surrogate_stays_as_it_was() -> None:
    distance = torch.tensor([0.5, -0.3])
    atan_surrogate(distance)
    triangular_surrogate(distance, Neuron())
    mean_field_slope(distance, Neuron())
    assert torch.equal(distance, torch.tensor([0.5, -0.3]))
