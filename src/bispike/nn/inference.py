"""Inference and precision as properties of a call, not of a network: a call changes nothing that another call sees.

`torch.nn.Module.eval` sets a flag that all threads share, and `torch.autocast` changes the type of what torch functions
return. Both are settled here for the time of a call: norms ask `is_inference`, and inside `own_precision` every product
has the precision of the network.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any, TypeVar, cast

import torch
from torch import Tensor, nn

from ..errors import ConfigurationError

F = TypeVar("F", bound=Callable[..., Any])
_INFERENCE: ContextVar[bool] = ContextVar("inference", default=False)


def is_inference() -> bool:
    """Whether the current call uses running statistics and tracks none, in the thread that asks."""
    return _INFERENCE.get()


@contextlib.contextmanager
def inference(device: torch.device) -> Iterator[None]:
    """Context of a call without a tape, with running statistics, in the precision of the network on this device."""
    before = _INFERENCE.get()
    _INFERENCE.set(True)
    try:
        with torch.no_grad(), own_precision(device):
            yield
    finally:
        _INFERENCE.set(before)


def own_precision(device: torch.device) -> contextlib.AbstractContextManager[object]:
    """Context in which `torch.autocast` has no effect on this device.

    Spikes are thresholds of sums: in bfloat16 other neurons fire. A network has one precision, which `network.double()`
    and the like choose.
    """
    if device.type != "meta" and torch.is_autocast_enabled(device.type):
        return torch.autocast(device.type, enabled=False)
    return contextlib.nullcontext()


@contextlib.contextmanager
def learning(network: nn.Module | None = None) -> Iterator[None]:
    """Context of learning, whatever surrounds it: in the precision of the network, tapes are allowed.

    Args:
        network: what learns; None: it is built within.

    Raises:
        ConfigurationError: the weights were made under `torch.inference_mode`, and so can never learn.
    """
    one = None if network is None else next(network.parameters())
    if one is not None and one.is_inference():
        raise ConfigurationError(
            "network: expected weights that can learn, received some that were made under torch.inference_mode(). "
            "Build or load the network outside of it."
        )
    device = torch.get_default_device() if one is None else one.device
    with torch.inference_mode(mode=False), torch.enable_grad(), own_precision(device):
        yield


def precise(function: F) -> F:
    """Decorator: the function computes on the CPU without a tape, whatever context of torch surrounds the call."""

    @functools.wraps(function)
    def call(*args: Any, **named: Any) -> Any:
        with torch.inference_mode(mode=False), torch.no_grad(), own_precision(torch.device("cpu")):
            return function(*args, **named)

    return cast(F, call)


def without_inference_mode(values: Tensor) -> Tensor:
    """The tensor itself, or a copy of one that was made under `torch.inference_mode`, which no tape takes."""
    return values.clone() if values.is_inference() else values
