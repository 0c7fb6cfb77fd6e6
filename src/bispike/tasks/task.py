"""Task of a network: its measurement, the data that fit it, and its entries in summaries.

Each kind of network has one task, which `tasks.of` chooses. Training, evaluation and reports use only the task, not the
kind of the network.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor

from ..data import Dataset, Expected, Split
from ..errors import ConfigurationError, DivergenceError
from ..nn import ALONE, Group, Network
from .metrics import ACCURACY, Metric

Transform = Callable[[Tensor, torch.Generator], Tensor]
"""Changes the stimuli of a batch, for example damages them, with a source of randomness."""


UNDECIDED = "undecided"
"""What `_measure` calls the number of samples with scores that are NaN."""


class Task(ABC):
    """Task of one network.

    Subclasses set:
        name: of the task, for messages.
        metric: what summaries give for "test" and "validation".
        criterion: what chooses the best epoch on the validation part.
        measures: names of further values that `evaluate` returns and that rows of metrics keep.
        sequential: whether stimuli are sequences.
        trains_top_down: whether every rule trains the top-down pathway of such networks.

    Args:
        network: on any device.
    """

    name: ClassVar[str]
    metric: ClassVar[Metric] = ACCURACY
    criterion: ClassVar[Metric] = ACCURACY
    measures: ClassVar[tuple[str, ...]] = ()
    sequential: ClassVar[bool] = False
    trains_top_down: ClassVar[bool] = False

    def __init__(self, network: Network) -> None:
        self.network = network

    # ------------------------------------------------------------------ measure

    def evaluate(
        self,
        split: Split,
        batch_size: int = 256,
        *,
        seed: int = 0,
        transform: Transform | None = None,
        group: Group = ALONE,
    ) -> dict[str, Any]:
        """Measure the network on a split; the network is left unchanged.

        Args:
            split: at least one sample.
            batch_size: samples at a time; does not change the result.
            seed: of stochastic stimulus codes and of `transform`.
            transform: changes the stimuli of each batch first.
            group: processes that share the batches; each returns the whole result.

        Returns:
            "samples", "accuracy" and "confusion" (rows: true class, columns: decision; both None where there are no
            classes), the values of `metric` and `criterion`, and `measures`.

        Raises:
            ConfigurationError: the split is empty, or the task does not allow a transform.
            DivergenceError: scores or errors are not finite.
        """
        if len(split) == 0:
            raise ConfigurationError(
                "evaluate: expected at least one sample, received an empty split. "
                "A validation part needs validation > 0."
            )
        with self.network.inference():
            found = self._measure(split, batch_size, seed=seed, transform=transform, group=group)
        lost = found.pop(UNDECIDED, 0)
        not_finite = [name for name, value in found.items() if isinstance(value, float) and not math.isfinite(value)]
        if lost or not_finite:
            what = f"the scores of {lost} of {found['samples']} samples are" if lost else f"{not_finite[0]} is"
            raise DivergenceError(
                f"evaluate: {what} not a number, so the network decides nothing. Its weights are too large, or a "
                "stimulus is; train with a lower lr, or look at the data."
            )
        return found

    @abstractmethod
    def _measure(
        self, split: Split, batch_size: int, *, seed: int, transform: Transform | None, group: Group
    ) -> dict[str, Any]:
        """`evaluate` on a split that is not empty, in inference mode; UNDECIDED counts scores that are NaN."""

    def not_measured(self) -> dict[str, Any]:
        """Substitute for the result of an evaluation that was not made."""
        return {"accuracy": None, self.metric.name: None, "samples": None, "confusion": None}

    def score(self, measured: Mapping[str, Any]) -> float | None:
        """The value that chooses the best epoch, with the sign that makes larger ones better; None if not measured."""
        value = measured.get(self.criterion.name)
        return None if value is None else self.criterion.score(float(value))

    def measures_in(self, measured: Mapping[str, Any]) -> dict[str, float]:
        """Those of `measures` that an evaluation, or a row of metrics, has."""
        return {name: measured[name] for name in self.measures if measured.get(name) is not None}

    # ------------------------------------------------------------------ fit

    def problems(self, dataset: Dataset | Expected) -> list[str]:
        """Reasons why the network and a data set do not fit each other; empty if they fit."""
        if dataset.sequential != self.sequential:
            expected = "a model for single stimuli, such as 'mlp'" if self.sequential else "model 'rnn'"
            received = "recurrent network" if self.sequential else "network for single stimuli"
            return [
                f"model: data set {dataset.name!r} is for the task {dataset.task!r}; expected {expected}, received a "
                f"{received}."
            ]
        return [*self._input_problems(dataset), *self._shape_problems(dataset)]

    def _input_problems(self, dataset: Dataset | Expected) -> list[str]:
        """Problems of the way in which stimuli enter this kind of network."""
        return []

    def _shape_problems(self, dataset: Dataset | Expected) -> list[str]:
        network, found = self.network, []
        if network.stimulus.shape != dataset.stimulus.shape:
            found.append(
                f"stimulus: the network expects shape {list(network.stimulus.shape)}, data set {dataset.name!r} has "
                f"{list(dataset.stimulus.shape)}. Build the network with data.stimulus."
            )
        if network.concept.classes != dataset.concept.classes:
            found.append(
                f"concept: the network has {network.concept.classes} {self.outputs}, data set {dataset.name!r} has "
                f"{dataset.concept.classes}. Build the network with data.concept."
            )
        return found

    outputs: ClassVar[str] = "classes"
    """Name of the entries of a concept."""

    # ------------------------------------------------------------------ report

    def epoch_text(self, row: Mapping[str, Any]) -> list[str]:
        """The measured values of an epoch, for a line on the terminal.

        Args:
            row: of the epoch's metrics, as `metrics.jsonl` holds it.
        """
        found = []
        if row["train_accuracy"] is not None:
            found.append(f"train {ACCURACY.text(row['train_accuracy'], places=1)}")
            if row["validation"] is not None:
                found.append(f"validation {ACCURACY.text(row['validation'], places=1)}")
        return found

    def summary(self, dataset: Dataset, *, test: Mapping[str, Any], validation: Mapping[str, Any]) -> dict[str, Any]:
        """Entries of the summary of a run for this task, in addition to the keys of all runs.

        Args:
            dataset: what the network was trained on.
            test: the evaluation of the test part, or `not_measured()`.
            validation: the row of metrics of the epoch whose weights are kept.
        """
        return {}

    def evaluation_summary(self, measured: Mapping[str, Any], split: str) -> dict[str, Any]:
        """Entries that the evaluation of a run adds to its summary for this task, by the name of the split."""
        return {}
