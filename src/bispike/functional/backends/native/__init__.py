"""Compiled kernels of the engine: packed spikes, their products, the neuron over all time steps.

`call(name, ...)` runs one of them on float32 tensors of the processor. Everything here has a torch twin that computes
the same and serves where nothing can be compiled; `usable(tensor)` tells a caller which of the two to take.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import torch
from torch import Tensor

from .build import library, reason

Argument = Tensor | int | float | None


def usable(tensor: Tensor) -> bool:
    """Whether the kernels serve a tensor: float32, on the processor, and compiled."""
    return tensor.dtype == torch.float32 and tensor.device.type == "cpu" and library() is not None


def call(name: str, *arguments: Argument) -> int:
    """Run a kernel; tensors go as the addresses of their first elements, None as a null pointer."""
    kernels = library()
    if kernels is None:
        raise RuntimeError(f"the compiled kernels are not at hand: {reason()}.")
    function = getattr(kernels, name)
    function.restype = ctypes.c_int64
    return int(function(*map(_converted, arguments)))


def _converted(argument: Argument) -> ctypes.c_void_p | ctypes.c_int64 | ctypes.c_float | None:
    if isinstance(argument, Tensor):
        return ctypes.c_void_p(argument.data_ptr())
    if isinstance(argument, float):
        return ctypes.c_float(argument)
    return None if argument is None else ctypes.c_int64(argument)


def shared(total: int, unit: int, work: Callable[[int, int], object]) -> None:
    """`work(first, last)` over 0..total in contiguous shares, one a thread of torch, each a multiple of `unit`.

    Kernels run without Python's lock. The shares do not touch each other, so their number changes no result.
    """
    threads = min(torch.get_num_threads(), -(-total // unit))
    if threads <= 1:
        work(0, total)
        return
    size = -(-total // (unit * threads)) * unit
    with ThreadPoolExecutor(threads) as pool:
        for done in [pool.submit(work, first, min(first + size, total)) for first in range(0, total, size)]:
            done.result()


__all__ = ["call", "library", "reason", "shared", "usable"]
