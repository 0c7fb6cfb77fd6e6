"""Angles of vectors whose angle is known, whatever their lengths."""

from __future__ import annotations

import math

import pytest
import torch

from bispike.errors import ShapeError
from bispike.functional import angle_between


@pytest.mark.parametrize("degrees", [0.0, 1e-6, 30.0, 90.0, 135.0, 180.0 - 1e-6, 180.0])
@pytest.mark.parametrize("length", [0.01, 1.0, 50.0])
def test_the_angle_of_a_turned_vector(degrees: float, length: float) -> None:
    turn = math.radians(degrees)
    a = torch.tensor([[3.0], [0.0]], dtype=torch.float64, requires_grad=True)
    b = torch.tensor([[length * math.cos(turn)], [length * math.sin(turn)]], dtype=torch.float64)
    assert angle_between(a, b) == pytest.approx(degrees, abs=1e-11)
    assert angle_between(b, a) == pytest.approx(degrees, abs=1e-11)


def test_what_has_no_direction_stands_at_a_right_angle() -> None:
    assert angle_between(torch.zeros(3), torch.ones(3)) == 90
    assert angle_between(torch.ones(3), torch.zeros(3)) == 90


def test_the_shapes_must_be_the_same() -> None:
    with pytest.raises(ShapeError, match="second array"):
        angle_between(torch.ones(2, 3), torch.ones(3, 2))
