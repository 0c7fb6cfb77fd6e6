"""The norm module: few samples use running statistics as constants; the same samples move them equally far."""

import torch

from bispike.nn import DriveNorm


def test_few_values_use_the_running_statistics_as_constants() -> None:
    norm = DriveNorm(3, least=8).double()
    with torch.no_grad():
        norm.weight.copy_(torch.tensor([0.5, 1.0, 2.0]))
    drive = torch.randn(4, 3, dtype=torch.float64, requires_grad=True)
    statistics = norm.statistics(drive, track=True)
    assert torch.equal(statistics.mean, norm.running_mean)
    out = norm(drive, statistics)
    grad = torch.randn_like(out)
    expected = torch.autograd.grad(out, [drive, norm.weight, norm.bias], grad)
    received = norm.backward(grad, drive.detach(), statistics)
    for have, want in zip((received, norm.weight.grad, norm.bias.grad), expected, strict=True):
        torch.testing.assert_close(have, want, rtol=1e-10, atol=1e-10)


def test_a_large_batch_moves_the_running_statistics_as_far_as_its_parts() -> None:
    whole, parts = DriveNorm(2, least=99), DriveNorm(2, least=99)
    value = torch.tensor([[3.0, -1.0]])
    whole.statistics(value.expand(64, 2), track=True)
    for _ in range(64):
        parts.statistics(value, track=True)
    torch.testing.assert_close(whole.running_mean, parts.running_mean, rtol=1e-4, atol=1e-5)


def test_running_statistics_approach_those_of_the_data() -> None:
    norm = DriveNorm(1, memory=200, least=32)
    generator = torch.Generator().manual_seed(0)
    for _ in range(400):
        norm.statistics(torch.randn(8, 1, generator=generator) * 3 + 5, track=True)
    assert abs(float(norm.running_mean) - 5) < 0.6
    assert abs(float(norm.running_variance) - 9) < 2.5


def test_nothing_moves_in_evaluation() -> None:
    norm = DriveNorm(2).eval()
    norm.statistics(torch.randn(50, 2), track=True)
    assert float(norm.running_mean.abs().max()) == 0
