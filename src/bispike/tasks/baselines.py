"""Baselines for a series: the last value, the mean, and linear models of the same window.

    naive          the present value of the target (omitted where the target is not an input)
    mean           the mean of the training part
    linear, own    ridge regression of each target on its own last S values
    linear, all    ridge regression on all values of the window

The weight of the ridge is chosen on a validation part (the last tenth of the training windows); then the model is
fitted again to all training windows. The linear models have exactly the inputs that a network has.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ..arguments import checked
from ..data.sequence_dataset import SequenceDataset, Windows
from ..errors import DataError
from .forecast_errors import ForecastErrors, scale_of

RIDGES = (1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0)  # times the number of windows
LARGEST_WINDOW = 4000  # values of a window; above, the linear model of all values is omitted
MOST_WINDOWS = 20000  # largest number of windows of a fit: the latest ones


@dataclass(frozen=True)
class Parts:
    """Inputs or targets, one tensor per part of the data.

    Args:
        fit: the training windows without those for validation.
        validation: those on which the ridge is chosen.
        train: all training windows.
        test: those to be forecast.
    """

    fit: Tensor
    validation: Tensor
    train: Tensor
    test: Tensor

    def column(self, *place: int | slice) -> Parts:
        """The same entries of each part."""
        return Parts(self.fit[place], self.validation[place], self.train[place], self.test[place])

    def flat(self) -> Parts:
        """One row of values per window."""
        return Parts(*(part.flatten(1) for part in (self.fit, self.validation, self.train, self.test)))


@checked
def baselines(dataset: SequenceDataset) -> dict[str, dict[str, float]]:
    """Errors of the baselines on the test part.

    Args:
        dataset: of the task "series".

    Returns:
        The measures of `ForecastErrors` by the name of the baseline.

    Raises:
        DataError: a data set of another task.
    """
    if dataset.task != "series":
        raise DataError(f"baselines: expected a series, received the task {dataset.task!r}.")
    train, test = dataset.train, dataset.test
    fit, validation = dataset.split_validation(0.1, 0)
    scale, change, true = scale_of(dataset.concept), train.mean_steps(), _targets(test)
    places = [dataset.inputs.index(n) if n in dataset.inputs else -1 for n in dataset.concept.names]

    def errors(predicted: Tensor) -> dict[str, float]:
        sums = ForecastErrors(scale, change)
        sums.add(predicted, true)
        return sums.result()

    found, has_present = {}, min(places) >= 0
    if has_present:
        found["naive"] = errors(_present(test)[:, places])
    found["mean"] = errors(_targets(train).mean(0).expand(len(true), -1))
    small = train.stimuli.shape[1] * train.length <= LARGEST_WINDOW
    if has_present or small:
        parts = (_latest(fit), _latest(validation), _latest(train), test)
        inputs, targets = Parts(*map(_history, parts)), Parts(*map(_targets, parts))
    if has_present:
        found["linear, own"] = errors(_own(inputs, targets, places, scale))
    if small:
        found["linear, all"] = errors(_ridge(inputs.flat(), targets, scale))
    return found


def _positions(part: Windows) -> Tensor:
    """Positions that count, each once and in order."""
    if part.scored == "last":
        return part.starts + part.length - 1
    return (part.starts[:, None] + torch.arange(part.length)).flatten()


def _targets(part: Windows) -> Tensor:
    return part.labels[_positions(part)].double()


def _present(part: Windows) -> Tensor:
    return part.stimuli[_positions(part)].double()


def _history(part: Windows) -> Tensor:
    """The inputs up to each position that counts, `[N, S, D]`."""
    if part.scored == "last":
        return part[:][0].double()
    return _present(part)[:, None]  # a target at the same step depends on that step only


def _latest(part: Windows) -> Windows:
    return part.subset(slice(max(0, len(part) - MOST_WINDOWS), None))


def _solve(rows: Tensor, targets: Tensor, ridge: float) -> tuple[Tensor, Tensor, Tensor]:
    """Weights of a ridge regression, and the means of inputs and targets."""
    centre, level = rows.mean(0), targets.mean(0)
    left, right = rows - centre, targets - level
    spread = left.square().mean(0).clamp_min(1e-18).sqrt()
    left = left / spread
    gram = left.T @ left
    gram.diagonal().add_(ridge * len(rows))
    return torch.linalg.solve(gram, left.T @ right) / spread[:, None], centre, level


def _ridge(inputs: Parts, targets: Parts, scale: Tensor) -> Tensor:
    """Predictions for the test part, with the ridge that has the least error on the validation part."""
    best, least = RIDGES[0], float("inf")
    for ridge in RIDGES:
        weights, centre, level = _solve(inputs.fit, targets.fit, ridge)
        predicted = (inputs.validation - centre) @ weights + level
        error = float(((predicted - targets.validation) / scale).square().mean())
        if error < least:
            best, least = ridge, error
    weights, centre, level = _solve(inputs.train, targets.train, best)
    return (inputs.test - centre) @ weights + level


def _own(inputs: Parts, targets: Parts, places: list[int], scale: Tensor) -> Tensor:
    """Each target from the past values of its own column."""
    every = slice(None)
    columns = [
        _ridge(inputs.column(every, every, place), targets.column(every, slice(k, k + 1)), scale[k : k + 1])
        for k, place in enumerate(places)
    ]
    return torch.cat(columns, 1)
