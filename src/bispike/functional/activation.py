"""Activations of rate networks with their slopes, for rules that write gradients without a tape."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from ..arguments import checked

ACTIVATIONS = ("relu", "tanh", "elu", "identity")


@checked
def activate(drive: Tensor, kind: str) -> Tensor:
    """Rate of a drive, element by element; differentiable.

    Args:
        drive: of any shape (dimensionless).
        kind: one of ACTIVATIONS.
    """
    if kind == "relu":
        return drive.relu()
    if kind == "identity":
        return drive
    return drive.tanh() if kind == "tanh" else F.elu(drive)


@checked
def activation_slope(rate: Tensor, kind: str) -> Tensor:
    """d rate / d drive as a function of the rate: 1 or 0 (relu), 1 − r² (tanh), 1 or 1 + r (elu), 1 (identity)."""
    if kind == "relu":
        return (rate > 0).to(rate.dtype)
    if kind == "identity":
        return torch.ones_like(rate)
    return 1 - rate * rate if kind == "tanh" else torch.where(rate > 0, torch.ones_like(rate), 1 + rate)
