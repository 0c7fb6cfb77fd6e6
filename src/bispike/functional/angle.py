"""The angle between two sets of weights, a measure of the symmetry of the two pathways."""

from __future__ import annotations

import math

from torch import Tensor

from ..arguments import checked
from ..errors import expect_shape


@checked
def angle_between(a: Tensor, b: Tensor) -> float:
    """Angle in degrees between two arrays of the same shape, as vectors; 90 if one is all zero and has no direction."""
    if a.shape != b.shape:
        raise expect_shape("second array", ", ".join(map(str, a.shape)), b.shape)
    u, v = a.detach().double().flatten(), b.detach().double().flatten()
    norms = float(u.norm() * v.norm())
    if norms == 0:
        return 90.0
    # Twice the arctangent of |u' - v'| / |u' + v'| for unit vectors stays exact near 0 and 180 degrees.
    u, v = u / u.norm(), v / v.norm()
    return math.degrees(2 * math.atan2(float((u - v).norm()), float((u + v).norm())))
