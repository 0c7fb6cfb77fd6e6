"""What a network takes as labels: whole numbers of any width, as a tensor or an array of numpy."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..arguments import shown
from ..errors import ConfigurationError, ShapeError
from ..functional.backends.tracing import hides_values
from .stimulus_input import tensor_of

_HINTS = {
    "Series": " .to_numpy() makes an array.",
    "list": " torch.tensor(...) makes a tensor.",
    "int": " torch.tensor([3]) makes a tensor of one label.",
}


def labels_of(labels: Any, device: torch.device) -> Tensor:
    """Labels as int64, in their shape.

    Args:
        labels: whole numbers; a tensor must be on the device of the network, an array is brought there.
        device: of the network.

    Raises:
        ConfigurationError: they are no tensor and no array.
        ShapeError: they are not whole numbers. A label that is true, or 3.0, may be a score or another target.
    """
    if not isinstance(labels, Tensor | np.ndarray | np.generic):
        raise ConfigurationError(
            f"labels: expected a tensor of labels, received {shown(labels)}.{_HINTS.get(type(labels).__name__, '')}"
        )
    found = tensor_of("labels", labels)
    if found.dtype.is_floating_point or found.dtype.is_complex or found.dtype == torch.bool:
        raise ShapeError(
            f"labels: expected whole numbers such as int64, received {shown(found)}. If each is the number of a class, "
            "labels.to(torch.int64) makes them."
        )
    if found.dtype == torch.uint64 and not hides_values():
        found = torch.where(found.to(torch.float64) >= 2.0**62, -1, found.to(torch.int64))  # out of range in any case
    found = found.to(torch.int64)
    return found if isinstance(labels, Tensor) else found.to(device)
