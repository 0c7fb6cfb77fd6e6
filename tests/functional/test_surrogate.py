"""The mean-field rate is the integral of the mean-field slope."""

import torch

from bispike.functional import Neuron, mean_field_rate, mean_field_slope


def test_the_slope_of_the_mean_field_rate_is_the_mean_field_slope() -> None:
    neuron = Neuron(threshold=0.8)
    drive = torch.linspace(-4, 4, 101, dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(mean_field_rate(drive, neuron, centre=0.5, width=1.3).sum(), drive)
    torch.testing.assert_close(slope, mean_field_slope(drive.detach(), neuron, centre=0.5, width=1.3))
    assert float(mean_field_rate(torch.tensor(0.6 * 0.8), neuron)) == 0.5
