"""Spike-timing-dependent plasticity as products of signals: what each spike train contributes to a pair.

A sum over pairs of spikes factors into a product of the postsynaptic train with a trace of the presynaptic one (or the
other way round), so all pairs of all samples are one matrix product over time steps and samples:

    symmetric STDP      Σ_{t,t'} s_i[t] s_j[t'] κ^|t-t'|  =  Σ_t s_i[t] x_j[t],     x = κ-filter in both directions
"""

from __future__ import annotations

import torch
from torch import Tensor


def symmetric_trace(spikes: Tensor, decay: float) -> Tensor:
    """`[T, ...]` Σ_{t'} κ^|t-t'| s[t']: what a spike at t meets of these, in either order.

    Args:
        spikes: `[T, ...]`.
        decay: κ in [0, 1], what is left of a trace after a step.
    """
    steps = torch.arange(spikes.shape[0], device=spikes.device)
    kernel = (steps[:, None] - steps).abs().to(spikes.dtype)
    return torch.tensordot(decay**kernel, spikes, dims=1)
