"""Spike-timing-dependent plasticity as products of signals: the pre- and postsynaptic factor of a pair.

A sum over pairs of spikes factors into a product of the postsynaptic train with a trace of the presynaptic one (or the
other way round), so all pairs of all samples are one matrix product over time steps and samples:

    first-spike STDP    Σ_t first_i[t] (fired_j[t] - a⁻ (1 - fired_j[t]))    fired by t: pre at or before post
    symmetric STDP      Σ_{t,t'} s_i[t] s_j[t'] κ^|t-t'|  =  Σ_t s_i[t] x_j[t],     x = κ-filter in both directions
"""

from __future__ import annotations

import torch
from torch import Tensor

from ..arguments import checked


@checked
def fired_by(spikes: Tensor) -> Tensor:
    """1 from the first spike of a train on, else 0, `[T, ...]`."""
    return spikes.cumsum(0).clamp_(max=1)


@checked
def first_spikes(spikes: Tensor) -> Tensor:
    """The first spike of each train, `[T, ...]`; later spikes are removed."""
    return spikes * (spikes.cumsum(0) == 1)


@checked
def causal_contrast(spikes: Tensor, *, depression: float | None) -> Tensor:
    """Effect of a first postsynaptic spike at each time step on synapses with these presynaptic spikes.

    Args:
        spikes: `[T, B, *source]`.
        depression: a⁻ over a⁺; None: the value that balances a⁺ over the synapses of a neuron, n/(N - n) where n of N
            fired, at most 1.

    Returns:
        `[T, B, *source]`: 1 once the presynaptic neuron has fired, -a⁻ before, and if it never fires.
    """
    fired = fired_by(spikes)
    if depression is not None:
        return fired.mul_(1 + depression).sub_(depression)
    share = fired.flatten(2).mean(2).unflatten(1, (-1, *[1] * (fired.dim() - 2))).clamp(max=0.5)
    return (fired - share) / (1 - share)


@checked
def symmetric_trace(spikes: Tensor, decay: float) -> Tensor:
    """Trace Σ_{t'} κ^|t-t'| s[t'] of spikes in both directions of time, `[T, ...]`.

    Args:
        spikes: `[T, ...]`.
        decay: κ in [0, 1], the factor of a trace per time step.
    """
    time_steps = torch.arange(spikes.shape[0], device=spikes.device)
    kernel = (time_steps[:, None] - time_steps).abs().to(spikes.dtype)
    return torch.tensordot(decay**kernel, spikes, dims=1)
