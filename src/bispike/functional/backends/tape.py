"""The two halves of backpropagation through time in one neuron, by the compiled kernels.

`fire_with_history` keeps the membranes of all time steps, `walk_back` computes the backward in one pass over them.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ..neuron import Neuron
from .native import kernels


def fire_with_history(drive: Tensor, neuron: Neuron, time_steps: int | None) -> tuple[Tensor, Tensor]:
    """Spikes and membranes H[t] before the reset, both `[T, ...]`.

    The drive is float32 `[T, ...]`, or `[...]` with `time_steps` if it is constant. Elements are processed in
    memory order, and the results have the same order.
    """
    drive = _whole(drive)
    total = drive.shape[0] if time_steps is None else time_steps
    size = drive.numel() if time_steps is not None else drive.numel() // total
    history = torch.empty_like(drive) if time_steps is None else _stacked(drive, time_steps)
    spikes = torch.empty_like(history)
    kernels().neuron_forward(
        drive.data_ptr(),
        size if time_steps is None else 0,
        0,
        None,
        None,
        total,
        1,
        size,
        neuron.threshold,
        neuron.decay,
        neuron.reset == "soft",
        *[None, 0, 0, None, None, 0],
        history.data_ptr(),
        spikes.data_ptr(),
    )
    return spikes, history


def walk_back(grad: Tensor, history: Tensor, neuron: Neuron, *, constant: bool) -> Tensor:
    """Gradient of the drive from that of the spikes `[T, ...]`; summed over time if `constant`.

    `grad` is not changed, because autograd may use it elsewhere.
    """
    grad = torch.empty_like(history).copy_(grad)
    total = torch.empty_like(history[0]) if constant else None
    kernels().neuron_backward(
        grad.data_ptr(),
        history.data_ptr(),
        history.shape[0],
        history[0].numel(),
        neuron.threshold,
        neuron.decay,
        neuron.reset == "soft",
        None if total is None else total.data_ptr(),
    )
    return grad if total is None else total


def _whole(values: Tensor) -> Tensor:
    """The tensor without gaps in memory: itself if contiguous except for the order of its axes, otherwise a copy."""
    return values if values.is_contiguous() or _dense_maps(values) else values.contiguous()


def _dense_maps(values: Tensor) -> bool:
    """Whether `[T, B, C, H, W]` or `[B, C, H, W]` is channels-last without gaps, with the time axis outermost."""
    if values.dim() < 4:
        return False
    return values.movedim(-3, -1).is_contiguous()


def _stacked(drive: Tensor, time_steps: int) -> Tensor:
    """Uninitialised tensor `[steps, *drive]`; each time step has the memory layout of `drive`."""
    if drive.is_contiguous():
        return torch.empty((time_steps, *drive.shape), dtype=drive.dtype)
    return torch.empty((time_steps, *drive.movedim(-3, -1).shape), dtype=drive.dtype).movedim(-1, -3)
