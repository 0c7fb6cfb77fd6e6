"""Similarity losses: counted classes against the pairs written out, gradients against autograd."""

import pytest
import torch

from bispike.functional import decorrelate, match_classes, unit_rows, unit_rows_backward

LABELS = torch.tensor([0, 2, 1, 2, 2])


def rows(count: int, seed: int) -> torch.Tensor:
    return torch.randn(count, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(seed)).requires_grad_()


@pytest.mark.parametrize("identity", [False, True])
def test_match_equals_the_pairs_written_out(identity: bool) -> None:
    feature, template = rows(5, 0), rows(3, 1)
    total = torch.zeros((), dtype=torch.float64)
    for k in range(5):
        for j in range(5 if identity else 3):
            other = template[LABELS[j]] if identity else template[j]
            wanted = float(k == j) if identity else float(LABELS[k] == j)
            total = total + (feature[k] @ other - wanted) ** 2
    occurrences = torch.bincount(LABELS).double() if identity else None
    value, *grads = match_classes(feature.detach(), template.detach(), LABELS, occurrences)
    torch.testing.assert_close(value, total.detach())
    torch.testing.assert_close(grads, list(torch.autograd.grad(total, [feature, template])))


def test_decorrelate_in_parts_equals_the_whole() -> None:
    everyone, eye = rows(5, 2), torch.eye(5, dtype=torch.float64)
    whole = (everyone @ everyone.T - eye).square().sum()
    expected = torch.autograd.grad(whole, everyone)[0]
    with torch.no_grad():
        parts = [decorrelate(everyone[part], everyone, eye[part]) for part in (slice(0, 2), slice(2, 5))]
    torch.testing.assert_close(sum(value for value, _ in parts), whole.detach())
    torch.testing.assert_close(torch.cat([grad for _, grad in parts]), expected)


def test_unit_rows_backward_also_where_a_row_is_silent() -> None:
    values = rows(3, 3).detach()
    values[1] = 0
    values.requires_grad_()
    written = values / (values.square().sum(1, keepdim=True) + 0.01**2).sqrt()
    unit, norm = unit_rows(values.detach())
    torch.testing.assert_close(unit, written.detach())
    grad = rows(3, 4).detach()
    torch.testing.assert_close(unit_rows_backward(grad, unit, norm), torch.autograd.grad(written, values, grad)[0])
