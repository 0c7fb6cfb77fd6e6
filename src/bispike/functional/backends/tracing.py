"""Whether torch itself follows a computation: then it must consist of torch operators, which compiled kernels are not.

A kernel reads and writes memory by address. A tracer (`torch.jit.trace`, `torch.export`, `torch.compile`) does not see
this, and a fake tensor, or one of a transform such as `torch.func.vmap`, has no address at all.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.overrides import BaseTorchFunctionMode, _get_current_function_mode_stack
from torch.utils._device import DeviceContext
from torch.utils._python_dispatch import _get_current_dispatch_mode_stack

PLAIN = (Tensor, torch.nn.Parameter, torch.nn.Buffer)
"""Types of tensors with memory of their own; others may only look like tensors."""


def is_captured() -> bool:
    """Whether torch records a graph of this computation, so that no value of a tensor may be looked at."""
    return torch._C._is_tracing() or torch.compiler.is_compiling() or _has_mode(_SYMBOLIC)


def is_traced() -> bool:
    """Whether torch records, counts or transforms the operators of this computation."""
    return (
        torch._C._is_tracing()
        or is_transformed()
        or torch.compiler.is_compiling()
        or _has_mode(_FOLLOWING)
        or (torch._C._len_torch_function_stack() > 0 and _has_function_mode())
    )


def is_transformed() -> bool:
    """Whether a transform of `torch.func` (vmap, grad, ...) is around this computation."""
    return torch._C._functorch.maybe_current_level() is not None


def hides_values() -> bool:
    """Whether values of tensors cannot be looked at: a graph is recorded, or a tensor stands for many."""
    return is_transformed() or is_captured()


def is_plain(tensor: Tensor) -> bool:
    """Whether a tensor is one with memory, and no subclass or stand-in."""
    return type(tensor) in PLAIN


_SYMBOLIC = ("FakeTensorMode", "ProxyTorchDispatchMode", "FunctionalTensorMode")
_FOLLOWING = (*_SYMBOLIC, "FlopCounterMode", "_FlopCounterMode")
"""Modes of torch that need operators, by name: importing them takes long. Other modes see memory that kernels fill."""


def _has_mode(names: tuple[str, ...]) -> bool:
    """Whether one of the current dispatch modes has one of these names."""
    if torch._C._len_torch_dispatch_stack() == 0:
        return False
    return any(type(mode).__name__ in names for mode in _get_current_dispatch_mode_stack())


def _has_function_mode() -> bool:
    """Whether a mode changes what torch functions do; a default device does not."""
    harmless = (DeviceContext, BaseTorchFunctionMode)
    return any(not isinstance(mode, harmless) for mode in _get_current_function_mode_stack())
