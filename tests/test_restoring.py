"""Tensors are restored only into tensors of the same names, shapes and types, and only finite ones."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from bispike.errors import DamagedError
from bispike.restoring import fit_tensors

WANTED = {
    "a.weight": torch.zeros(2, 3),
    "norm.running_variance": torch.zeros(3),
    "seen": torch.zeros((), dtype=torch.int64),
}


def test_the_same_names_shapes_and_types_fit() -> None:
    fit_tensors({name: value + 1 for name, value in WANTED.items()}, WANTED, "file", least={"running_variance": 0.0})
    fit_tensors({}, {}, "file")
    fit_tensors({"empty": torch.zeros(0)}, {"empty": torch.zeros(0)}, "file", least={"empty": 0.0})


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        (
            "a.weight",
            torch.zeros(3, 2),
            r"a\.weight: does not fit: expected shape \[2, 3\] of .* shape \[3, 2\]",
        ),
        ("a.weight", torch.zeros(2, 3).double(), "expected .* of float32, received .* of float64"),
        (
            "a.weight",
            torch.full((2, 3), float("nan")),
            r"a\.weight: expected finite values, .* in 6 of 6",
        ),
        ("a.weight", torch.tensor([[1.0, 2, 3], [4, 5, -float("inf")]]), "in 1 of 6"),
        (
            "norm.running_variance",
            torch.tensor([1.0, -0.5, 1]),
            r"expected at least 0\.0, received -0\.5",
        ),
        ("seen", torch.zeros(()), "of int64, received"),
        ("a.weight", None, r"lacks a\.weight"),
        ("other", torch.zeros(1), "also has other"),
    ],
)
def test_others_are_refused_with_their_name(name: str, value: Tensor | None, message: str) -> None:
    received = {**WANTED, name: value}
    tensors = {key: tensor for key, tensor in received.items() if tensor is not None}
    with pytest.raises(DamagedError, match=f"file: .*{message}"):
        fit_tensors(tensors, WANTED, "file", least={"running_variance": 0.0})
