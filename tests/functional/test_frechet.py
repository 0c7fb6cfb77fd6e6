"""Fréchet distance: closed forms, an independent reference, and samples of known Gaussians."""

from __future__ import annotations

import pytest
import torch
from scipy.linalg import sqrtm
from torch import Tensor

from bispike.errors import ShapeError, UserError
from bispike.functional import frechet_distance, gaussian_of


def draw(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def covariance(size: int, rank: int, seed: int) -> Tensor:
    factor = draw(size, rank, seed=seed)
    return factor @ factor.T


def rotation(size: int) -> Tensor:
    return torch.linalg.qr(draw(size, size, seed=9)).Q


def test_with_the_same_covariance_only_the_means_count() -> None:
    a, b, spread = draw(5, seed=1), draw(5, seed=2), covariance(5, 5, 3)
    assert float(frechet_distance(a, spread, b, spread)) == pytest.approx(float((a - b).square().sum()))


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("zeros", [0, 2])
def test_covariances_that_commute(turned: bool, zeros: int) -> None:
    a, b, mean = draw(4, seed=1).square(), draw(4, seed=2).square(), torch.zeros(4)
    a[:zeros], b[1 : 1 + zeros] = 0, 0
    turn = rotation(4) if turned else torch.eye(4, dtype=torch.float64)
    found = frechet_distance(mean, turn @ a.diag() @ turn.T, mean, turn @ b.diag() @ turn.T)
    assert float(found) == pytest.approx(float((a.sqrt() - b.sqrt()).square().sum()), rel=1e-6)


@pytest.mark.parametrize("rank", [6, 3])
def test_agrees_with_the_matrix_root_of_scipy_and_is_symmetric(rank: int) -> None:
    a, b = (draw(6, seed=1), covariance(6, rank, 2)), (draw(6, seed=3), covariance(6, 6, 4))
    root = sqrtm((a[1] @ b[1]).numpy())
    expected = float((a[0] - b[0]).square().sum() + a[1].trace() + b[1].trace()) - 2 * root.trace().real
    assert float(frechet_distance(*a, *b)) == pytest.approx(expected, rel=1e-6)
    assert float(frechet_distance(*b, *a)) == pytest.approx(expected, rel=1e-6)


def test_equal_sets_have_none_also_with_fewer_samples_than_features() -> None:
    gaussian = gaussian_of(draw(10, 40).float())
    found = frechet_distance(*gaussian, *gaussian)
    assert found.dtype == torch.float64
    assert found.dim() == 0
    assert 0 <= float(found) < 1e-10


def test_of_two_points_only_their_distance_is_left() -> None:
    nothing = torch.zeros(3, 3)
    assert float(frechet_distance(torch.zeros(3), nothing, torch.tensor([3.0, 4.0, 0.0]), nothing)) == 25


def test_the_gaussian_of_a_set_is_unbiased() -> None:
    mean, spread = gaussian_of(torch.tensor([[0.0, 1.0], [2.0, 1.0], [4.0, 4.0]]))
    assert mean.tolist() == [2, 2]
    assert spread.tolist() == [[4, 3], [3, 3]]


def test_samples_of_known_gaussians_converge() -> None:
    scale = torch.tensor([1.0, 2.0, 0.5], dtype=torch.float64)
    shift = torch.tensor([1.0, 0.0, -1.0], dtype=torch.float64)
    expected = float(shift.square().sum() + (scale - 1).square().sum())
    errors = []
    for count in (100, 40_000):
        a, b = draw(count, 3, seed=1), draw(count, 3, seed=2) * scale + shift
        errors.append(abs(float(frechet_distance(*gaussian_of(a), *gaussian_of(b))) - expected))
    assert errors[1] < 0.1 < errors[0]


def test_wrong_shapes_and_values_are_refused() -> None:
    mean, spread = torch.zeros(3), torch.eye(3)
    for features in (torch.zeros(4), torch.zeros(1, 4), torch.zeros(2, 2, 2)):
        with pytest.raises(ShapeError, match="samples"):
            gaussian_of(features)
    with pytest.raises(ShapeError, match="first mean"):
        frechet_distance(torch.zeros(1, 3), spread, mean, spread)
    with pytest.raises(ShapeError, match="second mean"):
        frechet_distance(mean, spread, torch.zeros(2), spread)
    with pytest.raises(ShapeError, match="second covariance"):
        frechet_distance(mean, spread, mean, torch.zeros(3))
    with pytest.raises(UserError, match="NaN"):
        frechet_distance(mean, spread * float("nan"), mean, spread)


def test_no_tape_is_left_on_a_distance() -> None:
    features = draw(6, 3).requires_grad_()
    mean, spread = gaussian_of(features)
    assert not mean.requires_grad
    assert not spread.requires_grad
    tracked = [value.clone().requires_grad_() for value in (mean, spread)]
    assert not frechet_distance(*tracked, *tracked).requires_grad
