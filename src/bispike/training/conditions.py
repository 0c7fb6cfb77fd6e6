"""The training samples: the training part of the data, made imbalanced, smaller or wrongly labelled if asked for.

    split off validation -> imbalance -> limit -> label noise

Validation and test samples stay as they are and keep their true labels. All draws follow from the seed alone, so a
resumed training has the same samples.
"""

from __future__ import annotations

from ..config.train_config import TrainConfig
from ..data import Dataset, Split
from ..seeds import generator


def training_parts(dataset: Dataset, config: TrainConfig) -> tuple[Split, Split]:
    """The training samples and the validation samples of a training with these settings.

    Raises:
        ConfigurationError: imbalance or label noise of sequences, or label noise with a single class.
    """
    train, validation = dataset.split_validation(config.validation, config.seed)
    if config.imbalance > 1:
        train = train.imbalanced(config.imbalance, generator(config.seed, "imbalance"))
    if config.limit is not None:
        train = train.limited(config.limit)
    if config.label_noise > 0:
        draws = generator(config.seed, "label noise")
        train = train.mislabelled(config.label_noise, dataset.concept.classes, draws)
    return train, validation
