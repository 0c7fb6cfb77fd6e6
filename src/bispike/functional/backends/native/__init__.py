"""Compiled kernels for float32 tensors of the CPU: packed spikes, their products, the neuron over all time steps.

`kernels()` is the library; `usable(tensor)` returns whether its functions accept a tensor. Each has a torch
version that computes the same where nothing can be compiled.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ..tracing import is_plain, is_traced
from .build import kernels, library, notice, reason


def usable(tensor: Tensor) -> bool:
    """Whether the kernels accept a tensor: float32, with memory on the CPU, compiled, and torch does not trace."""
    return (
        tensor.dtype == torch.float32
        and tensor.device.type == "cpu"
        and is_plain(tensor)
        and not is_traced()
        and library() is not None
    )


__all__ = ["kernels", "library", "notice", "reason", "usable"]
