"""Independent statements of what the library computes: plain, slow, differentiable. Tests compare against these."""

from __future__ import annotations

import torch
from torch import Tensor


def cosine_matrix(a: Tensor, b: Tensor) -> Tensor:
    """Cosines of all pairs of rows, with the library's guard against silent rows."""
    norm_a = (a.square().sum(1) + 0.01**2).sqrt()
    norm_b = (b.square().sum(1) + 0.01**2).sqrt()
    return (a @ b.T) / norm_a[:, None] / norm_b[None]


def literal_reco(a: Tensor, b: Tensor, strength: float, keep: Tensor | None = None) -> Tensor:
    """The paper's B×B formula, pair by pair: a and b are [B, D]; `keep[k, j]` says which negatives count."""
    cosine = cosine_matrix(a, b)
    total = a.new_zeros(())
    for k in range(a.shape[0]):
        for j in range(a.shape[0]):
            if j == k:
                total = total + (1 - cosine[k, k]) ** 2
            elif keep is None or keep[k, j]:
                total = total + strength * cosine[k, j].clamp(min=0) ** 2
    return total


def literal_infonce(a: Tensor, b: Tensor, temperature: float) -> Tensor:
    """Cross-entropy of each row of the B×B cosines against its own column."""
    cosine = cosine_matrix(a, b) / temperature
    return torch.nn.functional.cross_entropy(cosine, torch.arange(a.shape[0]), reduction="sum")


def literal_cross_entropy(a: Tensor, b: Tensor, temperature: float) -> Tensor:
    """Cross-entropy of each row of the B×B scaled dot products against its own column."""
    dots = a @ b.T / a.shape[1] ** 0.5 / temperature
    return torch.nn.functional.cross_entropy(dots, torch.arange(a.shape[0]), reduction="sum")


def literal_mse(a: Tensor, b: Tensor) -> Tensor:
    """Σ over samples of the mean squared difference of the pair."""
    return (a - b).square().mean(1).sum()
