"""The neuron on CUDA: an affine map of the drive (a batch norm with its statistics) and all T steps in one kernel.

`forward` reads each drive once and writes each spike once; `backward` walks back through the stored H[t] and computes
the spikes from it (S[t] = H[t] ≥ θ), so that they need not be stored. Membranes are 32-bit numbers in registers for
drives of 16 and 32 bits, 64-bit ones for 64. The equation stands in `lif`, whose `lif_reference` both are tested
against; `lif` calls this file for CUDA tensors where Triton is installed (it comes with the CUDA builds of torch).

Launching does not wait for the device, so a CUDA graph may capture it once a first call has compiled the kernel. No
GPU has run these kernels yet: Triton's interpreter runs them in the tests, and its compiler makes their machine code.
"""

from __future__ import annotations

import math
import warnings
from functools import cache
from subprocess import CalledProcessError
from types import ModuleType
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from ...errors import ShapeError
from ..neuron import Neuron

BLOCK = 512
"""Neurons per program: 4 for each of its 128 threads, which is one 16-byte load of 32-bit drives."""


class Response(NamedTuple):
    """Activity of a population.

    Attributes:
        spikes: `[T, B, ...]`, 0 or 1.
        rate: `[B, ...]` time-mean of the spikes, at least 32 bits.
        mean: `[B, ...]` time-mean drive after the affine map, at least 32 bits.
        history: `[T, B, ...]` H[t], at least 32 bits; None if it was not requested.
    """

    spikes: Tensor
    rate: Tensor
    mean: Tensor
    history: Tensor | None


def available(device: torch.device) -> bool:
    """Whether the kernels run on a device: CUDA (or ROCm, which torch calls so too), and Triton works there."""
    return device.type == "cuda" and _launches()


def forward(
    drive: Tensor,
    neuron: Neuron,
    time_steps: int | None = None,
    scale: Tensor | None = None,
    shift: Tensor | None = None,
    *,
    history: bool = False,
    dtype: torch.dtype = torch.int8,
) -> Response:
    """Affine map and LIF in one pass, without a tape.

    Args:
        drive: `[T, B, C, ...]` current at each step, or `[B, C, ...]` with `time_steps` for a constant one; floating.
        neuron: constants.
        time_steps: T, only with a constant drive; at least 1.
        scale, shift: `[C]`, both or neither: the neurons receive `scale · drive + shift`.
        history: whether to keep H[t], for `backward`.
        dtype: of the spikes.

    Raises:
        ShapeError: no step, `scale` and `shift` that do not fit, or 2³¹ values per time step.
    """
    step = _step_shape(drive, time_steps)
    state = _state(drive.dtype)
    rate, mean = (torch.empty(step, dtype=state, device=drive.device) for _ in range(2))
    spikes, kept = _fire(drive, neuron, time_steps, (scale, shift), (rate, mean), history=history, dtype=dtype)
    return Response(spikes, rate, mean, kept)


def backward(grad_spikes: Tensor, history: Tensor, neuron: Neuron, *, constant: bool) -> Tensor:
    """dL/d drive from dL/d spikes: backpropagation through time within the neuron (ATan surrogate, reset detached).

    Args:
        grad_spikes: `[T, B, ...]`.
        history: `[T, B, ...]` H[t] of `forward`.
        neuron: constants.
        constant: whether the drive was constant; its gradient is then the sum over time.

    Returns:
        `[T, B, ...]`, or `[B, ...]` with `constant`, in the dtype of `grad_spikes`; the drive is the one after the
        affine map.

    Raises:
        ShapeError: `grad_spikes` and `history` differ in shape.
    """
    if grad_spikes.shape != history.shape:
        raise ShapeError(
            f"backward: expected grad_spikes of the shape of history, {list(history.shape)}, "
            f"received {list(grad_spikes.shape)}."
        )
    time_steps, count = history.shape[0], history[0].numel()
    grad_drive = torch.empty(
        history.shape[1:] if constant else history.shape, dtype=grad_spikes.dtype, device=history.device
    )
    tensors = grad_spikes.contiguous(), history.contiguous(), grad_drive
    sizes = time_steps, (time_steps - 1) * count, count
    _launch(_kernels().walk_back, count, tensors, sizes, neuron, constant=constant)
    return grad_drive


def spikes(drive: Tensor, neuron: Neuron, *, time_steps: int | None = None) -> Tensor:
    """`lif` on CUDA: spikes `[T, B, ...]` in the dtype of the drive, differentiable where the drive is."""
    if torch.is_grad_enabled() and drive.requires_grad:
        return _Spikes.apply(drive, neuron, time_steps)
    return _fire(drive, neuron, time_steps, dtype=drive.dtype)[0]


class _Spikes(torch.autograd.Function):
    """The neuron as one autograd node that keeps only H[t]."""

    @staticmethod
    def forward(ctx: Any, drive: Tensor, neuron: Neuron, time_steps: int | None) -> Tensor:
        fired, history = _fire(drive, neuron, time_steps, history=True, dtype=drive.dtype)
        ctx.save_for_backward(history)
        ctx.neuron, ctx.constant = neuron, time_steps is not None
        return fired

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grad: Tensor) -> Any:
        (history,) = ctx.saved_tensors
        return backward(grad[0], history, ctx.neuron, constant=ctx.constant), None, None


def _fire(
    drive: Tensor,
    neuron: Neuron,
    time_steps: int | None,
    affine: tuple[Tensor | None, Tensor | None] = (None, None),
    means: tuple[Tensor | None, Tensor | None] = (None, None),
    *,
    history: bool = False,
    dtype: torch.dtype,
) -> tuple[Tensor, Tensor | None]:
    """Spikes and, if requested, H[t]; fills the rate and the mean drive in `means`."""
    step = _step_shape(drive, time_steps)
    total = drive.shape[0] if time_steps is None else time_steps
    channels, inner = _channels(step, *affine)
    fired = torch.empty((total, *step), dtype=dtype, device=drive.device)
    kept = torch.empty((total, *step), dtype=_state(drive.dtype), device=drive.device) if history else None
    scale, shift = (None if values is None else values.contiguous() for values in affine)
    tensors = drive.contiguous(), scale, shift, fired, *means, kept
    sizes = total, math.prod(step), channels, inner
    _launch(_kernels().fire_steps, math.prod(step), tensors, sizes, neuron, constant=time_steps is not None)
    return fired, kept


def _launch(
    kernel: Any,
    count: int,
    tensors: tuple[Tensor | None, ...],
    sizes: tuple[int, ...],
    neuron: Neuron,
    *,
    constant: bool,
) -> None:
    """Run a kernel over `count` neurons, on the device of its first tensor."""
    if count >= 2**31 - BLOCK:
        raise ShapeError(f"lif: expected fewer than 2^31 values a step on CUDA, received {count}; use a smaller batch.")
    if not count:
        return
    with torch.cuda.device_of(tensors[0]):
        kernel[(-(-count // BLOCK),)](
            *tensors,
            *sizes,
            THRESHOLD=float(neuron.threshold),
            LEAK=float(neuron.decay),
            HARD=neuron.reset == "hard",
            CONSTANT=constant,
            BLOCK=BLOCK,
            enable_fp_fusion=False,
        )


def _step_shape(drive: Tensor, time_steps: int | None) -> torch.Size:
    """`[B, ...]` of a drive, constant or not."""
    if not drive.is_floating_point():
        raise ShapeError(f"lif: expected a floating drive on CUDA, received {drive.dtype}.")
    if time_steps is None and (drive.dim() < 1 or drive.shape[0] < 1):
        raise ShapeError(f"lif: expected a drive [T >= 1, B, ...], received {list(drive.shape)}.")
    if time_steps is not None and time_steps < 1:
        raise ShapeError(f"lif: expected at least 1 time step, received {time_steps}.")
    return drive.shape[1:] if time_steps is None else drive.shape


def _channels(step: torch.Size, scale: Tensor | None, shift: Tensor | None) -> tuple[int, int]:
    """Number of channels of `[B, C, ...]`, and the neurons of one channel that lie side by side."""
    if scale is None and shift is None:
        return 1, 1
    expected = list(step[1:2])
    for name, values in (("scale", scale), ("shift", shift)):
        if values is None or list(values.shape) != expected or len(step) < 2:
            received = "none" if values is None else list(values.shape)
            raise ShapeError(f"lif: expected {name} [C] for drives [B, C, ...] = {list(step)}, received {received}.")
    return step[1], math.prod(step[2:])


def _state(dtype: torch.dtype) -> torch.dtype:
    """Type of membranes and time means."""
    return torch.float64 if dtype == torch.float64 else torch.float32


def _kernels() -> ModuleType:
    """The kernels, imported on first use: the rest of the library needs no Triton."""
    from . import triton_kernels as lif_triton_kernels

    return lif_triton_kernels


@cache
def _launches() -> bool:
    """Whether Triton is installed and can launch: the first call builds its launcher with a C compiler."""
    try:
        import triton

        return triton.runtime.driver.active is not None
    except ImportError:
        return False
    except (RuntimeError, OSError, CalledProcessError) as error:
        warnings.warn(
            f"the neuron runs as a plain loop on CUDA, since Triton cannot launch kernels: {error} "
            "Triton needs a C compiler and Python's headers (Debian: gcc and python3-dev).",
            RuntimeWarning,
            stacklevel=2,
        )
        return False
