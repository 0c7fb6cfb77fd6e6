"""What a network of a series has to beat: the last value, the mean, and linear models of the same window.

    naive          the target's value now (not where the target is not among the inputs)
    mean           of the training part
    linear, own    ridge regression of each target on its own last S values
    linear, all    ridge regression on all values of the window

The weight of the ridge is chosen on the validation part (the last tenth of the training windows), then the model is
fitted once more on all of them. Linear models see exactly what a network sees.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ..data.sequence_dataset import SequenceDataset, Windows
from ..errors import DataError
from .judging import Judged, mean_steps

RIDGES = (1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0)  # times the number of windows
LARGEST = 4000  # values of a window that a model on all of them takes at most
MOST_WINDOWS = 20000  # that a model is fitted to: the latest


def baselines(dataset: SequenceDataset) -> dict[str, dict[str, float]]:
    """Measures on the test part, by the name of the model.

    Args:
        dataset: of the task "series".

    Raises:
        DataError: of another task.
    """
    if dataset.task != "series":
        raise DataError(f"baselines: expected a series, received the task {dataset.task!r}.")
    train, test = dataset.train, dataset.test
    assert isinstance(train, Windows)
    assert isinstance(test, Windows)
    fit, held = dataset.split_validation(0.1, 0)
    assert isinstance(fit, Windows)
    assert isinstance(held, Windows)
    scale, steps = _deviations(dataset), mean_steps(train)
    target_places = [dataset.inputs.index(n) if n in dataset.inputs else -1 for n in dataset.concept.names]
    found = {}

    def judged(said: Tensor, part: Windows) -> dict[str, float]:
        measures = Judged(scale, steps)
        measures.add(said, _targets(part))
        return measures.result()

    if min(target_places) >= 0:
        found["naive"] = judged(_last(test)[:, target_places], test)
    found["mean"] = judged(_targets(train).mean(0).expand(len(_targets(test)), -1), test)
    if min(target_places) >= 0:
        found["linear, own"] = judged(_own(fit, held, train, test, target_places, scale), test)
    width = train.stimuli.shape[1] * train.length
    if width <= LARGEST:
        found["linear, all"] = judged(_all(fit, held, train, test, scale), test)
    return found


def _deviations(dataset: SequenceDataset) -> Tensor:
    from ..spaces import Quantities

    assert isinstance(dataset.concept, Quantities)
    return torch.tensor(dataset.concept.scale, dtype=torch.float64)


def _places(part: Windows) -> Tensor:
    """Places that count, each once and in order."""
    if part.scored == "last":
        return part.starts + part.length - 1
    return (part.starts[:, None] + torch.arange(part.length)).flatten()


def _targets(part: Windows) -> Tensor:
    return part.labels[_places(part)].double()


def _last(part: Windows) -> Tensor:
    return part.stimuli[_places(part)].double()


def _history(part: Windows) -> Tensor:
    """What a network has seen at each place that counts, `[N, S, D]`; values before a window's beginning are 0."""
    if part.scored == "last":
        return part[:][0].double()
    # at the same step nothing but that step is needed
    return _last(part)[:, None]


def _latest(part: Windows) -> Windows:
    return part.subset(slice(max(0, len(part) - MOST_WINDOWS), None))


def _solve(rows: Tensor, wanted: Tensor, ridge: float) -> tuple[Tensor, Tensor, Tensor]:
    """Weights, and the means of both sides."""
    centre, level = rows.mean(0), wanted.mean(0)
    left, right = rows - centre, wanted - level
    spread = left.square().mean(0).clamp_min(1e-18).sqrt()
    left = left / spread
    gram = left.T @ left
    gram.diagonal().add_(ridge * len(rows))
    return torch.linalg.solve(gram, left.T @ right) / spread[:, None], centre, level


def _ridge(pairs: list[tuple[Tensor, Tensor]], scale: Tensor) -> Tensor:
    """Predictions for the last of (fit, held, all, test), the ridge chosen on held."""
    (rows, wanted), (held, true), (everything, targets), (test, _) = pairs
    best, least = RIDGES[0], float("inf")
    for ridge in RIDGES:
        weights, centre, level = _solve(rows, wanted, ridge)
        error = float((((held - centre) @ weights + level - true) / scale).square().mean())
        if error < least:
            best, least = ridge, error
    weights, centre, level = _solve(everything, targets, best)
    return (test - centre) @ weights + level


def _all(fit: Windows, held: Windows, train: Windows, test: Windows, scale: Tensor) -> Tensor:
    parts = [_latest(part) if part is not test else part for part in (fit, held, train, test)]
    return _ridge([(_history(part).flatten(1), _targets(part)) for part in parts], scale)


def _own(fit: Windows, held: Windows, train: Windows, test: Windows, places: list[int], scale: Tensor) -> Tensor:
    parts = [_latest(part) if part is not test else part for part in (fit, held, train, test)]
    histories, wanted = [_history(part) for part in parts], [_targets(part) for part in parts]
    columns = []
    for k, place in enumerate(places):
        pairs = [(seen[:, :, place], true[:, k : k + 1]) for seen, true in zip(histories, wanted, strict=True)]
        columns.append(_ridge(pairs, scale[k : k + 1]))
    return torch.cat(columns, 1)
