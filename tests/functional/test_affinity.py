"""Affinities, their powers, and the closed-form gradient of keeping them."""

import pytest
import torch

from bispike.errors import ShapeError
from bispike.functional import affinity, match_affinity


def rows(count: int = 7, width: int = 5, seed: int = 0) -> torch.Tensor:
    return torch.randn(count, width, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_affinity_is_the_cosine_of_centred_rows() -> None:
    values = rows()
    centred = values - values.mean(0)
    expected = torch.nn.functional.cosine_similarity(centred[:, None], centred[None], dim=2)
    torch.testing.assert_close(affinity(values), expected, atol=1e-3, rtol=0)


def test_a_power_raises_the_eigenvalues_and_keeps_the_diagonal() -> None:
    plain, half = affinity(rows(30, 20)), affinity(rows(30, 20), 0.5)
    torch.testing.assert_close(half.diagonal(), torch.ones(30, dtype=torch.float64))
    spread = [torch.linalg.eigvalsh(matrix).clamp(min=1e-9) for matrix in (plain, half)]
    top, median = (values[-1] / values.median() for values in spread)
    assert median < top  # the large directions stand out less


def test_the_gradient_is_that_of_autograd() -> None:
    values = rows(seed=1).requires_grad_()
    reference = affinity(rows(seed=2))
    centred = values - values.mean(0)
    unit = centred / (centred.square().sum(1, keepdim=True) + 1e-4).sqrt()
    loss = (unit @ unit.T - reference).square().sum() / len(values)
    loss.backward()
    value, grad = match_affinity(values.detach(), reference)
    torch.testing.assert_close(value, loss.detach())
    torch.testing.assert_close(grad, values.grad)


def test_nothing_is_left_to_learn_where_affinities_agree() -> None:
    values = rows()
    value, grad = match_affinity(values @ torch.linalg.qr(rows(5, 5, seed=3))[0], affinity(values))
    assert float(value) < 1e-10
    assert float(grad.abs().max()) < 1e-6


def test_shapes_are_checked() -> None:
    with pytest.raises(ShapeError, match=r"\[B, B\]"):
        match_affinity(rows(), torch.eye(3, dtype=torch.float64))


@pytest.mark.parametrize("power", [0.3, 0.5])
def test_a_power_by_its_eigenvalues(power: float) -> None:
    values = rows(6, 9)
    plain = affinity(values)
    found, vectors = torch.linalg.eigh(plain)
    root = vectors @ torch.diag(found.clamp(min=0) ** power) @ vectors.T
    expected = root / root.diagonal().sqrt()[:, None] / root.diagonal().sqrt()
    torch.testing.assert_close(affinity(values, power), expected, rtol=1e-9, atol=1e-9)
    single = affinity(values.float(), power)
    assert single.dtype == torch.float32
    torch.testing.assert_close(single.double(), expected, rtol=1e-2, atol=1e-2)  # an eigenvalue of 1e-8 counts 4e-3


def test_silent_rows_have_no_affinity() -> None:
    assert torch.isfinite(affinity(torch.ones(4, 3), 0.5)).all()
    assert affinity(torch.ones(4, 3)).abs().max() == 0


def test_the_number_of_axes_is_checked() -> None:
    with pytest.raises(ShapeError, match=r"\[B, D\]"):
        match_affinity(torch.ones(3, 4, 2), torch.eye(3))
