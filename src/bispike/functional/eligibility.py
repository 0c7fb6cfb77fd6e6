"""Eligibility of e-prop and DECOLLE: how much a synapse contributed to the spikes of its neuron.

With the reset detached, the membrane H of `lif` depends on a weight through a trace that the synapse can compute:

    ε_ij[t] = β r_i[t−1] ε_ij[t−1] + x_j[t]      r = 1 − S (hard reset) or 1 (soft)
    e_ij[t] = ψ_i[t] ε_ij[t]                     ψ pseudo-derivative of the spike

The weight change is the sum over time of e_ij[t] times a signal L_i[t] at the neuron (dL/dS_i[t], or a substitute). The
same sum can be computed backward in time within each neuron, without any array of the size of the weights:

    Σ_t L_i[t] e_ij[t] = Σ_t g_i[t] x_j[t],      g_i[t] = ψ_i[t] L_i[t] + β r_i[t] g_i[t+1]

`eligibility_traces` computes the first form, as a synapse would; `drive_gradient` computes the second. For a recurrent
synapse x_j[t] is the spike S_j[t−1], and e-prop omits the gradient that would pass back through this spike.
Source: Bellec et al., Nature Communications 11:3625 (2020). The factor r is needed here because a hard reset erases
the membrane of a neuron.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ..arguments import checked
from .backends import native, triton_neuron
from .backends.tape import walk_back
from .neuron import Neuron
from .surrogate import atan_surrogate, triangular_surrogate

PSEUDO_DERIVATIVES = ("atan", "triangular")


@checked
def eligibility_traces(source: Tensor, membrane: Tensor, neuron: Neuron, *, kind: str = "atan") -> Tensor:
    """Eligibility e_ij[t], computed forward in time; B·I·J values per time step, so for tests and explanation only.

    Args:
        source: `[T, B, J]` x, the input of the synapses.
        membrane: `[T, B, I]` H before the reset.
        neuron: constants.
        kind: one of PSEUDO_DERIVATIVES.

    Returns:
        `[T, B, I, J]`.
    """
    slope = _pseudo_derivative(membrane, neuron, kind)
    trace = torch.zeros_like(membrane[0][:, :, None] * source[0][:, None])
    kept = torch.zeros_like(membrane[0])
    traces = []
    for t in range(membrane.shape[0]):
        trace = (neuron.decay * kept)[:, :, None] * trace + source[t][:, None]
        kept = _kept(membrane[t], neuron)
        traces.append(slope[t][:, :, None] * trace)
    return torch.stack(traces)


@checked
def drive_gradient(
    signal: Tensor, membrane: Tensor, neuron: Neuron, *, kind: str = "atan", summed: bool = False
) -> Tensor:
    """Gradient g[t] of the drive at each time step from signals at the spikes; times the input, that of the weight.

    Args:
        signal: `[T, B, ...]` L, the signal at the spikes of each time step; may be an expanded view.
        membrane: `[T, B, ...]` H before the reset.
        neuron: constants.
        kind: one of PSEUDO_DERIVATIVES.
        summed: whether to return the sum over time, for a drive that is constant.

    Returns:
        `[T, B, ...]`, or `[B, ...]` if `summed`.
    """
    if kind == "atan" and native.usable(membrane):
        return walk_back(signal, membrane, neuron, constant=summed)
    if kind == "atan" and triton_neuron.available(membrane.device):
        return triton_neuron.backward(signal, membrane, neuron, constant=summed)
    total = torch.zeros_like(membrane[0]) if summed else torch.empty_like(membrane)
    carried = torch.zeros_like(membrane[0])
    for t in range(membrane.shape[0] - 1, -1, -1):
        carried.mul_(neuron.decay).mul_(_kept(membrane[t], neuron))
        carried.addcmul_(signal[t], _pseudo_derivative(membrane[t], neuron, kind))
        if summed:
            total.add_(carried)
        else:
            total[t].copy_(carried)
    return total


def _kept(membrane: Tensor, neuron: Neuron) -> Tensor:
    """r: whether the membrane keeps its past after this time step."""
    if neuron.reset == "soft":
        return torch.ones_like(membrane)
    return (membrane < neuron.threshold).to(membrane.dtype)


def _pseudo_derivative(membrane: Tensor, neuron: Neuron, kind: str) -> Tensor:
    distance = membrane - neuron.threshold
    return atan_surrogate(distance) if kind == "atan" else triangular_surrogate(distance, neuron)
