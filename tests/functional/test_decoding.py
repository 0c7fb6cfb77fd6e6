"""Decisions: projections on codes of any length, cosines of spike trains, the top loss with its gradient."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from bispike.functional import cosine_scores, cross_entropy, drive_scores, unit_code


def draw(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def test_scores_are_projections_on_the_unit_codes() -> None:
    code = torch.tensor([[1.0, 1.0, 0.0, 0.0], [0.0, 3.0, 4.0, 0.0]], dtype=torch.float64)
    drive = draw(5, 4)
    expected = torch.stack([(drive[:, 0] + drive[:, 1]) / 2**0.5, drive[:, 1] * 0.6 + drive[:, 2] * 0.8], 1)
    torch.testing.assert_close(drive_scores(drive, code), expected, rtol=1e-7, atol=1e-7)


def test_unit_codes_have_length_one_and_a_silent_code_none() -> None:
    unit = unit_code(torch.tensor([[3.0, 4.0], [0.0, 0.0]]))
    torch.testing.assert_close(unit, torch.tensor([[0.6, 0.8], [0.0, 0.0]]))


def test_cosines_are_those_of_whole_trains() -> None:
    draws = torch.Generator().manual_seed(1)
    spikes = (torch.rand(3, 4, 5, generator=draws) < 0.5).double()
    labels = (torch.rand(3, 2, 5, generator=draws) < 0.5).double()
    expected = torch.zeros(4, 2, dtype=torch.float64)
    for b in range(4):
        for c in range(2):
            expected[b, c] = F.cosine_similarity(spikes[:, b].flatten(), labels[:, c].flatten(), dim=0)
    torch.testing.assert_close(cosine_scores(spikes, labels), expected, rtol=1e-6, atol=1e-6)


def test_silent_trains_have_cosine_zero() -> None:
    assert cosine_scores(torch.zeros(2, 1, 3), torch.ones(2, 2, 3)).tolist() == [[0, 0]]


@pytest.mark.parametrize("smoothing", [0.0, 0.3])
@pytest.mark.parametrize("samples", [None, 11])
def test_cross_entropy_of_a_part_of_a_batch(smoothing: float, samples: int | None) -> None:
    scores = draw(4, 3).requires_grad_()
    labels = torch.tensor([0, 2, 1, 1])
    expected = F.cross_entropy(scores, labels, label_smoothing=smoothing, reduction="sum") / (samples or 4)
    value, grad = cross_entropy(scores.detach(), labels, samples=samples, smoothing=smoothing)
    torch.testing.assert_close(value, expected.detach(), rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(grad, torch.autograd.grad(expected, scores)[0], rtol=1e-12, atol=1e-12)


def test_no_cosine_is_above_one() -> None:
    """The guard against silent trains makes lengths larger, never smaller."""
    train = torch.ones(2, 1, 3, dtype=torch.float64)
    assert 1 - 1e-7 < float(cosine_scores(train, train)) < 1
    assert 1 - 1e-7 < float(unit_code(torch.tensor([[3.0, 4.0]], dtype=torch.float64)).norm()) < 1
