"""Confusion matrices of known decisions."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from bispike.analysis import (
    Confusion,
    accuracy,
    accuracy_interval,
    confusion_matrix,
    frequent_confusions,
    per_class_accuracy,
)
from bispike.errors import ShapeError


def test_rows_are_true_classes_and_columns_decisions() -> None:
    matrix = confusion_matrix(torch.tensor([0, 0, 1, 1, 1]), torch.tensor([0, 2, 1, 0, 0]), 4)
    assert matrix.tolist() == [[1, 0, 1, 0], [2, 1, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]]
    assert accuracy(matrix) == pytest.approx(2 / 5)
    shares = per_class_accuracy(matrix)
    assert shares[:2].tolist() == [0.5, pytest.approx(1 / 3)]
    assert shares[2:].isnan().all()
    assert frequent_confusions(matrix) == [Confusion(1, 0, 2), Confusion(0, 2, 1)]


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1))
def test_every_sample_is_counted_once(pairs: list[tuple[int, int]]) -> None:
    labels, decisions = (torch.tensor(v) for v in zip(*pairs, strict=True))
    matrix = confusion_matrix(labels, decisions, 5)
    assert int(matrix.sum()) == len(pairs)
    assert torch.equal(matrix.sum(1), torch.bincount(labels, minlength=5))
    assert accuracy(matrix) == pytest.approx(sum(a == b for a, b in pairs) / len(pairs))


def test_perfect_decisions_leave_no_confusions() -> None:
    labels = torch.arange(3).repeat(2)
    matrix = confusion_matrix(labels, labels, 3)
    assert accuracy(matrix) == 1
    assert frequent_confusions(matrix) == []


@pytest.mark.parametrize(("labels", "decisions"), [([0, 3], [0, 1]), ([0, 1], [0, -1]), ([0, 1], [0])])
def test_values_that_are_no_class_are_refused(labels: list[int], decisions: list[int]) -> None:
    with pytest.raises(ShapeError):
        confusion_matrix(torch.tensor(labels), torch.tensor(decisions), 3)


def test_interval_solves_the_score_equation() -> None:
    # The Wilson bounds are where |share - p| is z standard errors of p.
    for share, samples in [(0.9, 100), (0.5, 40), (0.97, 360)]:
        for bound in accuracy_interval(share, samples):
            assert abs(share - bound) == pytest.approx(1.959964 * math.sqrt(bound * (1 - bound) / samples))
    low, high = accuracy_interval(1.0, 50)
    assert high == pytest.approx(1)
    assert 0.9 < low < 1
