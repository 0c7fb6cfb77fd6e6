"""Backward of average pooling of maps to a fixed grid, for rules that write gradients without a tape."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from ..arguments import checked


@checked
def spread_average(grad: Tensor, size: Sequence[int]) -> Tensor:
    """Backward of `adaptive_avg_pool2d`: each cell's gradient, divided by its area, over its positions.

    Args:
        grad: `[N, C, h, w]` dL/d cells.
        size: H and W of the maps that were pooled.

    Returns:
        `[N, C, H, W]` dL/d maps.
    """
    with torch.enable_grad():
        image = torch.zeros((*grad.shape[:2], *size), dtype=grad.dtype, device=grad.device, requires_grad=True)
        pooled = F.adaptive_avg_pool2d(image, (grad.shape[2], grad.shape[3]))
    return torch.autograd.grad(pooled, image, grad)[0]
