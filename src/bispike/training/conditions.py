"""What a training learns from: the training part of the data, made smaller, imbalanced or wrongly labelled on demand.

    held-out samples apart -> imbalance -> limit -> label noise

Held-out and test samples stay as they are and keep their true labels. All draws follow from the seed alone, so a
resumed training meets the same samples.

The profile of imbalance is exponential, after Cui et al., "Class-Balanced Loss Based on Effective Number of
Samples", CVPR 2019: of C classes, class c keeps a share r^(-c / (C - 1)) of what class 0 keeps.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ..config.train_config import TrainConfig
from ..data import Dataset, Split
from ..data.event_sequences import RecordingDataset, recorded_classes
from ..data.sequence_dataset import Windows
from ..errors import ConfigurationError
from .order import first_stratified, generator


def training_parts(dataset: Dataset, config: TrainConfig) -> tuple[Split, Split]:
    """The samples that a training with these settings learns from, and those that it holds out.

    Raises:
        ConfigurationError: wrong labels were asked for and there is but one class.
    """
    train, validation = dataset.split_validation(config.validation, config.seed)
    if isinstance(train, Windows):
        if config.imbalance > 1 or config.label_noise > 0:
            raise ConfigurationError("imbalance, label_noise: are for classes of single stimuli, received sequences.")
        if config.limit is None:
            return train, validation
        if isinstance(dataset, RecordingDataset) and config.limit < len(train):
            return train.subset(first_stratified(recorded_classes(train), config.limit)), validation
        return train.subset(slice(0, config.limit)), validation
    if config.imbalance > 1:
        train = train.subset(imbalanced(train.labels, config.imbalance, generator(config.seed, "imbalance")))
    if config.limit is not None and config.limit < len(train):
        train = train.subset(first_stratified(train.labels, config.limit))
    if config.label_noise > 0:
        draws = generator(config.seed, "label noise")
        labels = mislabelled(train.labels, config.label_noise, dataset.concept.classes, draws)
        train = Split(train.stimuli, labels)
    return train, validation


def first_rows(split: Split, count: int) -> Tensor:
    """The first rows of a split, with the class proportions of all; of windows of a sequence, rows over all of it."""
    count = min(count, len(split))
    if isinstance(split, Windows):
        return torch.linspace(0, len(split) - 1, count).long().unique()
    return first_stratified(split.labels, count)


def imbalanced(labels: Tensor, ratio: float, draws: torch.Generator) -> Tensor:
    """Rows of an imbalanced part, as large as the classes allow.

    Args:
        labels: int64 `[N]`.
        ratio: of the most frequent class, the first, to the least frequent one, the last; at least 1.
        draws: source of chance: which samples of a class stay.

    Returns:
        Sorted row numbers; at least one of every class that occurs.
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
    """Labels of which a share is replaced, each by one of the other classes, all equally likely.

    Args:
        labels: int64 `[N]`; stay as they are.
        share: 0 (none) to 1 (all); the nearest whole number of samples.
        classes: at least 2.
        draws: source of chance.
    """
    if classes < 2:
        raise ConfigurationError(f"label_noise: expected data with at least 2 classes, received {classes}.")
    wrong = torch.randperm(len(labels), generator=draws)[: round(share * len(labels))]
    shift = torch.randint(1, classes, (len(wrong),), generator=draws)
    found = labels.clone()
    found[wrong] = (labels[wrong] + shift) % classes
    return found
