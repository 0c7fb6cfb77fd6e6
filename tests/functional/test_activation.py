"""Activations by their formulas, and each slope as the derivative of its activation."""

from __future__ import annotations

import math

import pytest
import torch

from bispike.functional import ACTIVATIONS, activate, activation_slope

DRIVES = [-2.0, -0.5, 0.25, 3.0]
FORMULAS = {
    "relu": lambda a: max(a, 0.0),
    "tanh": math.tanh,
    "elu": lambda a: a if a > 0 else math.exp(a) - 1,
    "identity": lambda a: a,
}


def test_every_activation_has_a_formula_here() -> None:
    assert set(ACTIVATIONS) == set(FORMULAS)


@pytest.mark.parametrize("kind", FORMULAS)
def test_value_and_slope(kind: str) -> None:
    drive = torch.tensor(DRIVES, dtype=torch.float64, requires_grad=True)
    rate = activate(drive, kind)
    expected = torch.tensor([FORMULAS[kind](a) for a in DRIVES], dtype=torch.float64)
    torch.testing.assert_close(rate.detach(), expected, rtol=1e-12, atol=1e-12)
    (slope,) = torch.autograd.grad(rate.sum(), drive)
    received = activation_slope(rate.detach(), kind)
    assert received.dtype == torch.float64
    torch.testing.assert_close(received, slope, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(("kind", "slope"), [("relu", 0.0), ("tanh", 1.0), ("elu", 1.0), ("identity", 1.0)])
def test_slope_at_rest(kind: str, slope: float) -> None:
    assert activation_slope(torch.zeros(1), kind).tolist() == [slope]
