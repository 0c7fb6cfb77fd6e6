"""Frequency bands of stimuli and features, by the fast Fourier transform.

Images and maps `[N, C, H, W]` are split over H and W, vectors `[N, D]` over D. The split is an orthogonal projection:
the bands add up to the whole, and the gradient of a band with respect to the whole is that same band of the gradient.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ..arguments import checked
from ..errors import ConfigurationError


@checked
def frequencies(shape: torch.Size | tuple[int, ...], like: Tensor) -> Tensor:
    """|f| in cycles per sample of each bin of the real transform: `[H, W//2+1]` of images, `[D//2+1]` of vectors."""
    across = torch.fft.rfftfreq(shape[-1], dtype=like.dtype, device=like.device)
    if len(shape) < 4:
        return across
    return torch.hypot(torch.fft.fftfreq(shape[-2], dtype=like.dtype, device=like.device)[:, None], across)


@checked
def split_bands(values: Tensor, cutoff: float) -> tuple[Tensor, Tensor]:
    """The low band (|f| < cutoff) and the high band, each of the shape of `values`.

    Args:
        values: `[N, C, H, W]` or `[N, D]`.
        cutoff: in cycles per sample, above 0; 0.5 is the highest frequency along one axis.

    Raises:
        ConfigurationError: the cut-off is not in (0, 0.5·√2].
    """
    if not 0 < cutoff <= 0.71:
        raise ConfigurationError(f"cutoff: expected cycles a sample in (0, 0.71], received {cutoff}.")
    passed = (frequencies(values.shape, values) < cutoff).to(values.dtype)
    axes = (-2, -1) if values.dim() == 4 else (-1,)
    sizes = [values.shape[axis] for axis in axes]
    low = torch.fft.irfftn(torch.fft.rfftn(values, dim=axes) * passed, s=sizes, dim=axes)
    return low, values - low


@checked
def weigh_bands(values: Tensor, cutoff: float, low: float, high: float) -> Tensor:
    """√low · low band + √high · high band: inner products weight the bands by `low` and `high` (at least 0)."""
    slow, fast = split_bands(values, cutoff)
    return slow * low**0.5 + fast * high**0.5
