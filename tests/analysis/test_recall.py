"""Recalled stimuli that are, and are not, like their class."""

from __future__ import annotations

import math

import pytest
import torch

from bispike.analysis import recall_match
from bispike.errors import ShapeError


def test_recall_of_the_class_means_matches_every_class_whatever_its_contrast() -> None:
    means = torch.rand(4, 1, 5, 5, generator=torch.Generator().manual_seed(0))
    for recalled in (means, 0.1 * means + 3):
        found = recall_match(recalled, means)
        assert found.own == pytest.approx(1, abs=1e-4)
        assert found.matched == 1


def test_recall_of_the_next_class_matches_none_and_the_negative_is_anticorrelated() -> None:
    means = torch.rand(4, 25, generator=torch.Generator().manual_seed(1))
    assert recall_match(means.roll(1, 0), means).matched == 0
    assert recall_match(-means, means).own == pytest.approx(-1, abs=1e-4)


def test_rows_are_recalled_stimuli_and_columns_class_means() -> None:
    draws = torch.Generator().manual_seed(4)
    recalled, means = (torch.rand(4, 2, 3, 5, generator=draws, dtype=torch.float64) for _ in range(2))
    expected = torch.corrcoef(torch.cat([recalled.flatten(1), means.flatten(1)]))[:4, 4:]
    found = recall_match(recalled, means)
    torch.testing.assert_close(found.correlation, expected)
    assert found.own == pytest.approx(float(expected.diagonal().mean()))
    assert found.matched == float((expected.argmax(1) == torch.arange(4)).double().mean())


def test_absent_classes_are_left_out() -> None:
    means = torch.rand(3, 9, generator=torch.Generator().manual_seed(2))
    recalled = means.clone()
    means[1] = math.nan
    found = recall_match(recalled, means)
    assert found.own == pytest.approx(1, abs=1e-4)
    assert found.matched == 1
    with pytest.raises(ShapeError):
        recall_match(recalled, means[:2])
