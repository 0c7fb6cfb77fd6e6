"""The values by which a network is measured: their names, which direction is better, and how they are written."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Metric:
    """One value by which networks are compared.

    Args:
        name: its key in summaries and in rows of metrics.
        larger_is_better: true of an accuracy, false of an error.
        is_share: whether it is a share from 0 to 1, which texts give in percent.
    """

    name: str
    larger_is_better: bool = True
    is_share: bool = False

    def score(self, value: float) -> float:
        """The value with the sign that makes larger ones better; applied twice it gives the value again."""
        return value if self.larger_is_better else -value

    def better(self, value: float, other: float) -> bool:
        """Whether `value` is strictly better than `other`."""
        return self.score(value) > self.score(other)

    def text(self, value: float, *, places: int | None = None) -> str:
        """The value as text: "93.12 %", or "0.01234".

        Args:
            value: as in a summary.
            places: digits after the point; None gives 2 to a share and 5 to an error.
        """
        if self.is_share:
            return f"{100 * value:.{2 if places is None else places}f} %"
        return f"{value:.{5 if places is None else places}f}"


ACCURACY = Metric("accuracy", is_share=True)
RECONSTRUCTION = Metric("reconstruction", larger_is_better=False)
MSE = Metric("mse", larger_is_better=False)

METRICS = {metric.name: metric for metric in (ACCURACY, RECONSTRUCTION, MSE)}
"""By name, as summaries have it under "metric"."""
