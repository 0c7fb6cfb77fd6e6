"""Tensors from a file are compared with what they are restored into, before anything is changed.

Names, shapes and types must be the same, and all values finite. A kernel that updates weights in place trusts its
state, so that a tensor of another shape would be written beyond its end; a weight that is not finite decides nothing.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from .errors import DamagedError

LEAST = {"running_variance": 0.0, "seen": 0.0, "stimulus_std": 1e-38, "quantity_std": 1e-38}
"""Smallest values of the buffers of networks, by the last part of their name: variances, counts and deviations."""
_SHOWN = 3  # names in one message


def fit_tensors(
    received: Mapping[str, Tensor],
    expected: Mapping[str, Tensor],
    source: object,
    *,
    least: Mapping[str, float] | None = None,
) -> None:
    """Check that tensors can be restored into others. Nothing is changed.

    Args:
        received: from a file, by name.
        expected: what they replace, by name; shapes and types count, not values.
        source: the file, for messages.
        least: smallest value of the tensors whose name ends, after its last dot or slash, in these words.

    Raises:
        DamagedError: the message names the tensor, what was expected and what was received.
    """
    missing, more = [n for n in expected if n not in received], [n for n in received if n not in expected]
    if missing or more:
        parts = [f"{what} {_listed(names)}" for what, names in (("lacks", missing), ("also has", more)) if names]
        raise DamagedError(
            f"{source}: does not fit: expected {len(expected)} tensors, received {len(received)}; it "
            f"{' and '.join(parts)}. It belongs to another training or version, or is damaged."
        )
    for name, wanted in expected.items():
        fit_tensor(name, received[name], wanted, source, least=(least or {}).get(last_part(name)))


def fit_tensor(name: str, received: Tensor, expected: Tensor, source: object, *, least: float | None = None) -> None:
    """Check one tensor, as `fit_tensors` does."""
    if received.shape != expected.shape or received.dtype != expected.dtype:
        raise DamagedError(
            f"{source}: {name}: does not fit: expected {_form(expected)}, received {_form(received)}. "
            "It belongs to another training or version, or is damaged."
        )
    expect_finite(name, received, source)
    if least is not None and received.numel() and float(received.min()) < least:
        raise DamagedError(f"{source}: {name}: expected at least {least}, received {float(received.min()):.3g}.")


def expect_finite(name: str, tensor: Tensor, source: object) -> None:
    """Raise a DamagedError if a tensor has a value that is not finite."""
    if (tensor.is_floating_point() or tensor.is_complex()) and not bool(torch.isfinite(tensor).all()):
        count = int((~torch.isfinite(tensor)).sum())
        raise DamagedError(
            f"{source}: {name}: expected finite values, received NaN or infinity in {count} of {tensor.numel()} values."
        )


def last_part(name: str) -> str:
    """What stands after the last dot or slash of a name."""
    return name.replace("/", ".").rpartition(".")[2]


def _form(tensor: Tensor) -> str:
    return f"shape {list(tensor.shape)} of {str(tensor.dtype).removeprefix('torch.')}"


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f"{', '.join(names[:_SHOWN])}{more}"
