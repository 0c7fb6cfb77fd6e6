"""The training samples: the training part of the data, made imbalanced, smaller or wrongly labelled if asked for.

    split off validation -> imbalance -> limit -> label noise

Validation and test samples stay as they are and keep their true labels. All draws follow from the seed alone, so a
resumed training has the same samples.

The profile of imbalance is exponential, after Cui et al., "Class-Balanced Loss Based on Effective Number of
Samples", CVPR 2019: with C classes, class c keeps a share r^(-c / (C - 1)) of the number that class 0 keeps.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ..config.train_config import TrainConfig
from ..data import Dataset, Split
from ..data.event_sequences import recorded_classes
from ..data.sequence_dataset import Windows
from ..errors import ConfigurationError
from ..seeds import generator
from .order import first_stratified


def training_parts(dataset: Dataset, config: TrainConfig) -> tuple[Split, Split]:
    """The training samples and the validation samples of a training with these settings.

    Raises:
        ConfigurationError: imbalance or label noise of sequences, or label noise with a single class.
    """
    train, validation = dataset.split_validation(config.validation, config.seed)
    if config.imbalance > 1 or config.label_noise > 0:
        _expect_single_stimuli(train)
    if config.imbalance > 1:
        train = train.subset(imbalanced(train.labels, config.imbalance, generator(config.seed, "imbalance")))
    if config.limit is not None and config.limit < len(train):
        train = train.subset(_rows(train, config.limit, spread=False))
    if config.label_noise > 0:
        draws = generator(config.seed, "label noise")
        labels = mislabelled(train.labels, config.label_noise, dataset.concept.classes, draws)
        train = Split(train.stimuli, labels)
    return train, validation


def first_rows(split: Split, count: int) -> Tensor:
    """Rows that represent a split: the first ones with the class proportions of all, or windows over all of a sequence.

    Args:
        split: at least one sample.
        count: how many rows; all if it is at least the size of the split.

    Returns:
        Sorted row numbers, int64.
    """
    return _rows(split, min(count, len(split)), spread=True)


def _rows(split: Split, count: int, *, spread: bool) -> Tensor:
    """At most `count` rows: stratified by class, or of windows the first ones, or some that are spread over all."""
    if not isinstance(split, Windows):
        return first_stratified(split.labels, count)
    if spread:
        return torch.linspace(0, len(split) - 1, count).long().unique()
    return first_stratified(recorded_classes(split), count) if split.scored == "vote" else torch.arange(count)


def _expect_single_stimuli(split: Split) -> None:
    if isinstance(split, Windows):
        raise ConfigurationError(
            "imbalance, label_noise: expected single stimuli with classes, received sequences. Leave both settings out."
        )


def imbalanced(labels: Tensor, ratio: float, draws: torch.Generator) -> Tensor:
    """Rows of an imbalanced part, as large as the classes allow.

    Args:
        labels: int64 `[N]`.
        ratio: frequency of the first class, the largest, over that of the last class, the smallest; at least 1.
        draws: source of randomness; decides which samples of a class stay.

    Returns:
        Sorted row numbers; at least one row of every class that occurs.
    """
    classes, sizes = labels.unique(return_counts=True)
    shares = float(ratio) ** -torch.linspace(0, 1, len(classes), dtype=torch.float64)
    quota = (shares * (sizes / shares).min() + 1e-9).floor().long().clamp_min(1)  # no class has less than its share
    drawn = [
        rows[torch.randperm(len(rows), generator=draws)[: int(count)]]
        for rows, count in zip(((labels == label).nonzero().flatten() for label in classes), quota, strict=True)
    ]
    return torch.cat(drawn).sort().values


def mislabelled(labels: Tensor, share: float, classes: int, draws: torch.Generator) -> Tensor:
    """A copy of the labels with a share of them replaced, each by one of the other classes, all equally likely.

    Args:
        labels: int64 `[N]`; left unchanged.
        share: 0 (none) to 1 (all), rounded to a whole number of samples.
        classes: C, at least 2.
        draws: source of randomness.

    Raises:
        ConfigurationError: fewer than two classes.
    """
    if classes < 2:
        raise ConfigurationError(f"label_noise: expected data with at least 2 classes, received {classes}.")
    wrong = torch.randperm(len(labels), generator=draws)[: round(share * len(labels))]
    shift = torch.randint(1, classes, (len(wrong),), generator=draws)
    found = labels.clone()
    found[wrong] = (labels[wrong] + shift) % classes
    return found
