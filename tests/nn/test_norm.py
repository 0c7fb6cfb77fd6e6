"""The norm module: few samples use running statistics as constants; the same samples move them equally far."""

import pytest
import torch

from bispike.functional.backends import compiled
from bispike.nn import DriveNorm
from bispike.nn.norm import RunningNorm


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


def numbers(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) * 2 + 0.7


def with_parameters(norm: DriveNorm) -> DriveNorm:
    norm = norm.double()
    with torch.no_grad():
        for i, values in enumerate((norm.weight, norm.bias, norm.running_mean)):
            values.copy_(numbers(len(values), seed=10 + i))
        norm.running_variance.copy_(numbers(len(norm.weight), seed=13).abs() + 0.5)
    return norm


@pytest.mark.parametrize("shape", [(6, 3), (2, 3, 4, 5)])
@pytest.mark.parametrize("track", [False, True])
def test_statistics_of_a_batch_by_hand(shape: tuple[int, ...], track: bool) -> None:
    """Mean and biased variance over samples and positions; the running variance takes the unbiased one."""
    norm, drive = with_parameters(DriveNorm(3, memory=50, eps=0.25)), numbers(*shape)
    before = norm.running_mean.clone(), norm.running_variance.clone()
    found = norm.statistics(drive, track=track)
    rows = drive.movedim(1, -1).reshape(-1, 3)
    mean = rows.sum(0) / len(rows)
    variance = ((rows - mean) ** 2).sum(0) / len(rows)
    deviation = (variance + 0.25) ** 0.5
    assert found.count == len(rows)
    for value, expected in (
        (found.mean, mean),
        (found.variance, variance),
        (found.inverse, 1 / deviation),
        (found.scale, norm.weight / deviation),
        (found.shift, norm.bias - mean * norm.weight / deviation),
    ):
        torch.testing.assert_close(value, expected)
    assert found.affine == (found.scale, found.shift)
    shape = (1, 3, *[1] * (drive.dim() - 2))
    unit = (drive - mean.view(shape)) / deviation.view(shape)
    expected = unit * norm.weight.view(shape) + norm.bias.view(shape)
    torch.testing.assert_close(norm(drive, found), expected)
    part = 1 - (1 - 1 / 50) ** len(drive) if track else 0
    unbiased = variance * len(rows) / (len(rows) - 1)
    torch.testing.assert_close(norm.running_mean, before[0] + part * (mean - before[0]))
    torch.testing.assert_close(norm.running_variance, before[1] + part * (unbiased - before[1]))


@pytest.mark.parametrize("track", [False, True])
@pytest.mark.parametrize(("values", "trusted"), [(11, False), (12, True), (13, True)])
def test_the_fewest_values_that_are_trusted_by_hand(values: int, trusted: bool, track: bool) -> None:
    """Below `least` the squares around the running mean move the running variance, and the moved ones serve."""
    norm, drive = with_parameters(DriveNorm(2, memory=20, least=12)), numbers(values, 2)
    before = norm.running_mean.clone(), norm.running_variance.clone()
    found = norm.statistics(drive, track=track)
    assert found.count == (values if trusted else 0)
    if trusted:
        torch.testing.assert_close(found.mean, drive.mean(0))
        return
    part = 1 - (19 / 20) ** values if track else 0
    mean = before[0] + part * (drive.mean(0) - before[0])
    variance = before[1] + part * (((drive - before[0]) ** 2).mean(0) - before[1])
    torch.testing.assert_close(found.mean, mean)
    torch.testing.assert_close(found.variance, variance)
    assert found.mean.data_ptr() != norm.running_mean.data_ptr()  # a later batch must not change this one's
    assert found.variance.data_ptr() != norm.running_variance.data_ptr()


def test_in_evaluation_the_running_statistics_serve_as_constants() -> None:
    norm = with_parameters(DriveNorm(3)).eval()
    found = norm.statistics(numbers(50, 3), track=True)
    assert found.count == 0
    assert torch.equal(found.mean, norm.running_mean)
    assert torch.equal(found.variance, norm.running_variance)
    torch.testing.assert_close(found.inverse, (norm.running_variance + 1e-5) ** -0.5)


def test_a_batch_of_128_moves_the_running_statistics_by_a_tenth() -> None:
    norm = DriveNorm(1)
    norm.statistics(torch.full((128, 1), 1.0), track=True)
    assert float(norm.running_mean) == pytest.approx(1 - (1 - 1 / 1280) ** 128)
    assert float(norm.running_mean) == pytest.approx(0.1, abs=0.01)


# ------------------------------------------------------------------ of sequences


def test_the_norm_of_a_sequence_goes_by_the_past_by_hand() -> None:
    """The first three sequences set the statistics, later ones move them by 1 − (1 − 1/4096)^N; no bias correction."""
    norm = RunningNorm(2).double()
    mean, variance = torch.zeros(2, dtype=torch.float64), torch.ones(2, dtype=torch.float64)
    for number in range(1, 6):
        drive = numbers(3 + number, 2, seed=number)
        used = norm.statistics(drive, track=True)
        torch.testing.assert_close(used.mean, mean)
        torch.testing.assert_close(used.variance, variance)
        assert used.count == 3 + number
        part = 1 if number <= 3 else 1 - (1 - 1 / 4096) ** (3 + number)
        squares = ((drive - mean) ** 2).mean(0)
        mean, variance = mean + part * (drive.mean(0) - mean), variance + part * (squares - variance)
        norm.follow(drive)
        assert int(norm.seen) == number
        torch.testing.assert_close(norm.running_mean, mean)
        torch.testing.assert_close(norm.running_variance, variance)
    constants = norm.running()
    assert constants.count == 0
    torch.testing.assert_close(constants.scale, (variance + norm.eps) ** -0.5)
    for found in (constants, norm.statistics(drive, track=False)):  # what follows later does not change them
        assert found.mean.data_ptr() != norm.running_mean.data_ptr()
        assert found.variance.data_ptr() != norm.running_variance.data_ptr()


def test_what_a_running_norm_does_not_follow() -> None:
    norm = RunningNorm(2)
    norm.follow(torch.ones(1, 2))  # of one row there is no variance
    norm.eval()
    norm.follow(torch.ones(5, 2))
    assert int(norm.seen) == 0
    assert float(norm.running_mean.abs().max()) == 0
    norm.train()
    norm.follow(torch.tensor([[1.0, 2.0], [3.0, 6.0]]))
    assert int(norm.seen) == 1
    assert norm.running_mean.tolist() == [2, 4]


def test_few_rows_of_a_sequence_are_normalised_by_constants() -> None:
    norm = RunningNorm(2)
    assert norm.statistics(torch.ones(1, 2), track=True).count == 0
    assert norm.statistics(torch.ones(2, 2), track=True).count == 2


def test_the_end_of_rows_whose_sums_are_known_is_that_of_a_batch_norm() -> None:
    norm, drive, grad = with_parameters(DriveNorm(3)).float(), numbers(5, 3).float(), numbers(5, 3, seed=1).float()
    if not compiled.serves(drive):
        pytest.skip("no compiled kernels")
    for training in (True, False):
        norm.train(training)
        found = norm.statistics(drive, track=False)
        expected, weight, bias = norm.gradients(grad, drive, found)
        unit = (drive - found.mean) * found.inverse
        sums = torch.stack([grad.sum(0), (grad * unit).sum(0)])
        below = norm.backward_rows(grad.clone()[:, None], drive, sums, found)
        torch.testing.assert_close(below.squeeze(1), expected, rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(norm.weight.grad, weight, rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(norm.bias.grad, bias, rtol=1e-4, atol=1e-5)


def test_one_unit_is_enough_for_a_running_norm() -> None:
    norm = RunningNorm(1)
    assert norm.statistics(torch.ones(4, 1), track=True).count == 4
    norm.follow(torch.tensor([[1.0], [3.0]]))
    assert norm.running_mean.tolist() == [2]
    assert norm.statistics(torch.ones(0, 1), track=True).count == 0


@pytest.mark.parametrize("least", [2, 99])
def test_running_statistics_have_no_tape(least: int) -> None:
    norm = DriveNorm(2, least=least)
    drive = torch.randn(6, 2, generator=torch.Generator().manual_seed(0), requires_grad=True)
    norm.statistics(drive, track=True)
    assert not norm.running_mean.requires_grad
    assert not norm.running_variance.requires_grad
