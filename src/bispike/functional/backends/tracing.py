"""Whether torch itself follows a computation: then it must consist of torch operators, which compiled kernels are not.

A kernel reads and writes memory by address. A tracer (`torch.jit.trace`, `torch.export`) does not see this, and a fake
tensor, or one of a transform such as `torch.func.vmap`, has no address at all. `torch.compile` would compile the few
lines between kernels for a minute and gain nothing: it leaves what is `uncompiled` to Python.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any, TypeVar

import torch
from torch import Tensor
from torch.overrides import BaseTorchFunctionMode, _get_current_function_mode_stack
from torch.utils._device import DeviceContext
from torch.utils._python_dispatch import _get_current_dispatch_mode_stack

F = TypeVar("F", bound=Callable[..., Any])
PLAIN = (Tensor, torch.nn.Parameter, torch.nn.Buffer)
"""Types of tensors with memory of their own; others may only look like tensors."""


def uncompiled(function: F) -> F:
    """Decorator: `torch.compile` calls the function as it is, with all that it calls.

    `torch.compiler.disable` does the same, but imports the compiler, which takes seconds.
    """
    function._torchdynamo_disable = True  # type: ignore[attr-defined]
    with contextlib.suppress(ImportError, AttributeError, TypeError):  # names of this version of torch
        from torch._C._dynamo import eval_frame

        skip = eval_frame._FrameAction.SKIP
        eval_frame.set_code_exec_strategy(function.__code__, eval_frame._FrameExecStrategy(skip, skip))
    return function


def is_captured() -> bool:
    """Whether torch records a graph of this computation, so that no value of a tensor may be looked at."""
    return torch._C._is_tracing() or _has_mode(_SYMBOLIC)


def is_traced() -> bool:
    """Whether torch records, counts or transforms the operators of this computation."""
    return (
        torch._C._is_tracing()
        or is_transformed()
        or _has_mode(_FOLLOWING)
        or (torch._C._len_torch_function_stack() > 0 and _has_function_mode())
    )


def is_transformed() -> bool:
    """Whether a transform of `torch.func` (vmap, grad, ...) is around this computation."""
    return torch._C._functorch.maybe_current_level() is not None


def is_forward_mode() -> bool:
    """Whether the innermost transform is one of forward derivatives, which surrogates do not have."""
    if not is_transformed():
        return False
    return torch._C._functorch.peek_interpreter_stack().key() == torch._C._functorch.TransformType.Jvp


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
