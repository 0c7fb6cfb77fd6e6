"""Errors of forecasts of a series.

    mse, mae    in standard deviations of each column, so that all columns have the same weight
    mase        mean |error| over the mean |change| from one step to the next in the training part
    smape       200 |y − ŷ| / (|y| + |ŷ|), percent

MASE and sMAPE are those of Hyndman and Koehler, "Another look at measures of forecast accuracy", 2006.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ..errors import ConfigurationError
from ..nn import Group
from ..spaces import Concept, Quantities

TINY = 1e-12
MEASURES = ("mse", "mae", "mase", "smape")


@dataclass
class ForecastErrors:
    """Sums of errors over the positions that count.

    Args:
        scale: `[K]` standard deviation of each quantity, in the units of the data.
        change: `[K]` mean |change| of each quantity in the training part (`Split.mean_steps`); None leaves out mase.
    """

    scale: Tensor
    change: Tensor | None
    squares: float = 0.0
    distances: float = 0.0
    in_changes: float = 0.0
    relative: float = 0.0
    count: int = 0

    def add(self, predicted: Tensor, true: Tensor) -> None:
        """Add predictions and true values `[N, K]`, in the units of the data."""
        predicted, true = predicted.double(), true.double()
        error = predicted - true
        scaled = error / self.scale
        self.squares += float(scaled.square().sum())
        self.distances += float(scaled.abs().sum())
        if self.change is not None:
            self.in_changes += float((error.abs() / self.change).sum())
        self.relative += float((2 * error.abs() / (predicted.abs() + true.abs()).clamp_min(TINY)).sum())
        self.count += error.numel()

    def sum_over(self, group: Group, device: torch.device) -> None:
        """Add up the sums of all processes.

        Args:
            group: the processes.
            device: where they exchange tensors.
        """
        own = [self.squares, self.distances, self.in_changes, self.relative, float(self.count)]
        total = group.add_(torch.tensor(own, dtype=torch.float64).to(device)).cpu()
        self.squares, self.distances, self.in_changes, self.relative = total[:4].tolist()
        self.count = int(total[4])

    def result(self) -> dict[str, float]:
        """The measures by name."""
        found = {
            "mse": self.squares / self.count,
            "mae": self.distances / self.count,
            "mase": self.in_changes / self.count,
            "smape": 100 * self.relative / self.count,
        }
        if self.change is None:
            del found["mase"]
        return found


def scale_of(concept: Concept) -> Tensor:
    """Standard deviation of each quantity of a series, float64 `[K]`, in the units of the data.

    Raises:
        ConfigurationError: the concept has classes instead of quantities.
    """
    if not isinstance(concept, Quantities):
        raise ConfigurationError(
            f"forecast errors: expected quantities, received {concept.classes} classes. Only a series has a scale."
        )
    return torch.tensor(concept.scale, dtype=torch.float64)
