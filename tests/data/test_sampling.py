"""Draws of rows by class: class sizes follow from formulas, the given labels stay, a generator decides the rest."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from bispike.data.sampling import first_in_proportion, imbalanced, mislabelled
from bispike.errors import ConfigurationError


def draws(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@given(st.lists(st.integers(0, 5), min_size=1, max_size=60), st.data())
def test_first_rows_keep_proportions_and_order(labels: list[int], data: st.DataObject) -> None:
    tensor = torch.tensor(labels)
    count = data.draw(st.integers(0, len(labels) + 3))
    chosen = first_in_proportion(tensor, count)
    assert len(chosen) == min(count, len(labels))
    assert torch.equal(chosen, chosen.sort().values)
    for label in set(labels):
        rows = (tensor == label).nonzero().flatten()
        taken = [row for row in chosen.tolist() if labels[row] == label]
        assert taken == rows[: len(taken)].tolist()
        assert abs(len(taken) - len(rows) * min(count / len(labels), 1)) < 1


@given(st.integers(2, 10), st.integers(1, 200), st.floats(1, 100), st.integers(0, 5))
def test_class_sizes_fall_exponentially(classes: int, each: int, ratio: float, seed: int) -> None:
    labels = torch.arange(classes).repeat(each)
    chosen = imbalanced(labels, ratio, draws(seed))
    assert torch.equal(chosen, chosen.unique())
    sizes = torch.bincount(labels[chosen], minlength=classes).tolist()
    exact = [each * ratio ** (-c / (classes - 1)) for c in range(classes)]
    assert sizes == [max(1, int(value + 1e-9)) for value in exact]


def test_classes_of_unequal_size_still_get_the_ratio() -> None:
    labels = torch.tensor([0] * 50 + [1] * 400 + [2] * 100)
    assert torch.bincount(labels[imbalanced(labels, 4, draws(0))]).tolist() == [50, 25, 12]


@given(st.integers(0, 200), st.floats(0, 1), st.integers(2, 10), st.integers(0, 5))
def test_a_share_of_labels_is_wrong_and_the_given_ones_stay(count: int, share: float, classes: int, seed: int) -> None:
    labels = torch.arange(count) % classes
    before = labels.clone()
    replaced = mislabelled(labels, share, classes, draws(seed))
    assert int((replaced != labels).sum()) == round(share * count)
    assert torch.equal(labels, before)
    assert count == 0 or (int(replaced.min()) >= 0 and int(replaced.max()) < classes)


def test_every_other_class_is_equally_likely() -> None:
    replaced = mislabelled(torch.full((30_000,), 2), 1.0, 4, draws(0))
    assert torch.bincount(replaced, minlength=4).tolist() == pytest.approx([10_000, 10_000, 0, 10_000], abs=400)
    with pytest.raises(ConfigurationError, match="at least 2 classes"):
        mislabelled(torch.zeros(3, dtype=torch.int64), 0.5, 1, draws(0))
