"""The largest number of weights of a network: counted before they are allocated.

A slip in a width, or a damaged file, asks for terabytes; the system may then end the process without a word. Each
synapse, norm and code reserves its values before it makes them, and a builder counts those of the whole network.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextvars import ContextVar
from functools import wraps
from typing import Any, TypeVar, cast

from ..errors import ConfigurationError

F = TypeVar("F", bound=Callable[..., Any])
VARIABLE = "BISPIKE_MAX_WEIGHTS"
LARGEST = 2**28
"""Weights of both pathways together: 1 GiB in float32."""
_counted: ContextVar[int | None] = ContextVar("counted", default=None)


def weight_limit() -> int:
    """The limit: that of the environment variable, else `LARGEST`.

    Raises:
        ConfigurationError: the variable is no whole number of at least 1.
    """
    text = os.environ.get(VARIABLE, "")
    if not text:
        return LARGEST
    if not text.isascii() or not text.isdigit() or len(text) > 18 or int(text) < 1:
        raise ConfigurationError(f"{VARIABLE}: expected a whole number of at least 1, received {text[:40]!r}.")
    return int(text)


def reserve(count: int, what: str) -> None:
    """Count values of a network that is being built.

    Args:
        count: how many are about to be allocated.
        what: for the message, such as "synapse [784] -> [1024]".

    Raises:
        ConfigurationError: the network, as far as it is built, has more than the limit.
    """
    before = _counted.get()
    total, most = (before or 0) + count, weight_limit()
    if total > most:
        raise ConfigurationError(
            f"network: expected at most {most:,} weights in both pathways, received {total:,} up to the {what}, which "
            f"alone has {count:,}. Use fewer or narrower layers (widths, channels, latent, concept_size, kernel), or "
            f"raise the limit by the environment variable {VARIABLE}."
        )
    if before is not None:
        _counted.set(total)


def limited(builder: F) -> F:
    """Decorator of builders: all that one call allocates counts together."""

    @wraps(builder)
    def call(*args: Any, **named: Any) -> Any:
        token = _counted.set(_counted.get() or 0)
        try:
            return builder(*args, **named)
        finally:
            _counted.reset(token)

    return cast(F, call)
