"""Forecasting: a recurrent network gives the values of a series some steps ahead."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from ..data import Dataset, Expected, Split
from ..nn import Group, Network
from .baselines import baselines
from .forecast_errors import MEASURES, ForecastErrors, scale_of
from .metrics import MSE, Metric
from .sequences import Batch, SequenceTask, sequences


class Forecasting(SequenceTask):
    """Forecasts of quantities, measured by their errors.

    Args:
        network: on any device.
        train: the training part, whose mean change is the unit of the MASE; None leaves out the MASE.
    """

    name: ClassVar[str] = "forecasting"
    metric: ClassVar[Metric] = MSE
    criterion: ClassVar[Metric] = MSE
    measures: ClassVar[tuple[str, ...]] = MEASURES
    outputs: ClassVar[str] = "quantities"

    def __init__(self, network: Network, train: Split | None = None) -> None:
        super().__init__(network)
        self.change = None if train is None else train.mean_steps()

    def _measure_windows(self, batches: Iterator[Batch], scored: str, group: Group) -> dict[str, Any]:
        device = next(self.network.parameters()).device
        errors = ForecastErrors(scale_of(self.network.concept), self.change)
        for stimuli, targets in batches:
            predicted = self.network.logits(stimuli.to(device)).cpu()
            if scored == "last":
                predicted, targets = predicted[:, -1:], targets[:, -1:]
            errors.add(predicted.flatten(0, 1), targets.flatten(0, 1))
        errors.sum_over(group, device)
        return {"accuracy": None, "confusion": None, "samples": errors.count, **errors.result()}

    def _input_problems(self, dataset: Dataset | Expected) -> list[str]:
        if dataset.task not in ("text", "events"):
            return []
        return [
            f"model: data set {dataset.name!r} is for the task {dataset.task!r}; expected a network that decides among "
            "classes, received one that forecasts quantities. Build the network with data.concept."
        ]

    def epoch_text(self, row: Mapping[str, Any]) -> list[str]:
        """The errors of the validation part."""
        if "mse" not in row:
            return []
        return [f"validation MSE {row['mse']:.5f}", *([f"MASE {row['mase']:.3f}"] if "mase" in row else [])]

    def summary(self, dataset: Dataset, *, test: Mapping[str, Any], validation: Mapping[str, Any]) -> dict[str, Any]:
        """The entries of all sequences, and the errors of baselines on the test part if the network was tested."""
        found, data = super().summary(dataset, test=test, validation=validation), sequences(dataset)
        if data.task == "series" and test["samples"] is not None:
            found["baselines"] = baselines(data)
        return found
