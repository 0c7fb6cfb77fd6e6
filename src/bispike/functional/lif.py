"""The leaky integrate-and-fire neuron: its equation, its reference and its fast version.

For drive a[t] (dimensionless synaptic current), membrane U, threshold θ > 0 and decay factor β in [0, 1]:

    H[t] = β U[t−1] + a[t]            integrate
    S[t] = 1 if H[t] ≥ θ else 0       fire
    U[t] = H[t] (1 − S[t])            hard reset        or   U[t] = H[t] − θ S[t]   soft reset

Source: threshold firing as in Bidirectional Spike-based Distillation (arXiv 2509.20284, §3); decay and reset are
not given there and follow the usual discrete LIF with β = 1 − 1/τ at τ = 2 time steps. `lif_reference` is the equation
as written; `lif` gives the same spikes faster, and its gradient (for backpropagation through time) in one node.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ..arguments import checked
from ..errors import ShapeError
from .backends import native, triton_neuron
from .backends.tape import fire_with_history
from .backends.tracing import is_captured, is_traced
from .eligibility import drive_gradient
from .neuron import Neuron
from .surrogate import atan_surrogate


@checked
def lif_reference(drive: Tensor, neuron: Neuron) -> Tensor:
    """The equation as written, differentiable through the ATan surrogate with the reset detached.

    Args:
        drive: `[T, ...]` synaptic current.
        neuron: constants.

    Returns:
        Spikes `[T, ...]`, 0 or 1, in the dtype of `drive`.
    """
    return lif_onward(drive, neuron, torch.zeros_like(drive[0]))[0]


@checked
def lif_onward(drive: Tensor, neuron: Neuron, membrane: Tensor) -> tuple[Tensor, Tensor]:
    """`lif_reference` from a given membrane U[0] `[...]`: spikes `[T, ...]` and the final membrane U[T]."""
    spikes = []
    for current in drive.unbind(0):
        membrane = neuron.decay * membrane + current
        spike = _fired(membrane, neuron.threshold)
        fired = spike.detach()
        membrane = membrane * (1 - fired) if neuron.reset == "hard" else membrane - neuron.threshold * fired
        spikes.append(spike)
    return torch.stack(spikes), membrane


@checked
def lif(drive: Tensor, neuron: Neuron, *, time_steps: int | None = None) -> Tensor:
    """Spikes of LIF neurons.

    Args:
        drive: `[T, B, ...]` current at each step, or `[B, ...]` with `time_steps` for a current that is constant.
        neuron: constants.
        time_steps: T, only with a constant drive; at least 1.

    Returns:
        Spikes `[T, B, ...]`, 0 or 1, in the dtype of `drive`.

    Raises:
        ShapeError: no time axis, or no steps.
    """
    if time_steps is None:
        if drive.dim() < 1 or drive.shape[0] < 1:
            raise ShapeError(f"lif: expected a drive [T >= 1, B, ...], received {list(drive.shape)}.")
    elif time_steps < 1:
        raise ShapeError(f"lif: expected at least 1 time step, received {time_steps}.")
    if is_traced():
        each = drive if time_steps is None else torch.stack([drive] * time_steps)
        return lif_reference(each, neuron)
    if triton_neuron.available(drive.device):
        return triton_neuron.spikes(drive, neuron, time_steps=time_steps)
    if torch.is_grad_enabled() and drive.requires_grad:
        return _LIF.apply(drive, neuron, time_steps)
    return _fire_all(drive, neuron, time_steps, None)


@checked
def lif_with_history(drive: Tensor, neuron: Neuron, *, time_steps: int | None = None) -> tuple[Tensor, Tensor]:
    """Spikes as `lif`, without a tape, and H[t], both `[T, B, ...]`: the input of `drive_gradient`."""
    if triton_neuron.available(drive.device):
        response = triton_neuron.forward(drive, neuron, time_steps, history=True, dtype=drive.dtype)
        assert response.history is not None
        return response.spikes, response.history
    if native.usable(drive):
        return fire_with_history(drive, neuron, time_steps)
    total = time_steps if time_steps is not None else drive.shape[0]
    history = drive.new_empty((total, *drive.shape) if time_steps is not None else drive.shape)
    return _fire_all(drive, neuron, time_steps, history), history


@checked
def integrate(membrane: Tensor, drive: Tensor, neuron: Neuron, *, first: bool) -> None:
    """Update `membrane` from U[t−1] to H[t], in place."""
    if first:
        membrane.copy_(drive)
    else:
        torch.add(drive, membrane, alpha=neuron.decay, out=membrane)


@checked
def fire(membrane: Tensor, neuron: Neuron, *, spike: Tensor) -> None:
    """Write S[t] to `spike` and update `membrane` from H[t] to U[t], in place."""
    torch.ge(membrane, neuron.threshold, out=spike)
    if neuron.reset == "hard":
        membrane.addcmul_(membrane, spike, value=-1)
    else:
        membrane.sub_(spike, alpha=neuron.threshold)


def _fire_all(drive: Tensor, neuron: Neuron, time_steps: int | None, history: Tensor | None) -> Tensor:
    """Run all steps without a tape; `history` receives H[t] where the caller needs it."""
    total = time_steps if time_steps is not None else drive.shape[0]
    one = drive if time_steps is not None else drive[0]
    spikes = drive.new_empty((total, *one.shape))
    membrane = torch.empty_like(one)
    for t in range(total):
        integrate(membrane, one if time_steps is not None else drive[t], neuron, first=t == 0)
        if history is not None:
            history[t].copy_(membrane)
        fire(membrane, neuron, spike=spikes[t])
    return spikes


def _fired(membrane: Tensor, threshold: float) -> Tensor:
    """Spikes of one time step; in a recorded graph without the surrogate, which is no operator of torch."""
    return (membrane >= threshold).to(membrane.dtype) if is_captured() else _Fire.apply(membrane, threshold)


class _Fire(torch.autograd.Function):
    """Heaviside step with the ATan surrogate as its derivative."""

    generate_vmap_rule = True

    @staticmethod
    def forward(membrane: Tensor, threshold: float) -> Tensor:
        return (membrane >= threshold).to(membrane.dtype)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, float], output: Tensor) -> None:
        membrane, ctx.threshold = inputs
        ctx.save_for_backward(membrane)

    @staticmethod
    def backward(ctx: Any, *grad: Tensor) -> Any:
        (membrane,) = ctx.saved_tensors
        return grad[0] * atan_surrogate(membrane - ctx.threshold), None


class _LIF(torch.autograd.Function):
    """All time steps of the neuron in one autograd node, which keeps only H[t]; the backward is one pass over time."""

    @staticmethod
    def forward(ctx: Any, drive: Tensor, neuron: Neuron, time_steps: int | None) -> Tensor:
        spikes, history = lif_with_history(drive, neuron, time_steps=time_steps)
        ctx.save_for_backward(history)
        ctx.neuron, ctx.constant = neuron, time_steps is not None
        return spikes

    @staticmethod
    def backward(ctx: Any, *grad: Tensor) -> Any:
        (history,) = ctx.saved_tensors
        return drive_gradient(grad[0], history, ctx.neuron, summed=ctx.constant), None, None
