"""Whether a rule, a model and a data set fit each other, found out before any data are read or downloaded.

The rule is created on a small network of the same wiring: the same builder with the same options, but with few neurons
in each layer, for the stimuli and classes that the data set declares. So each rule says by itself what it is not
defined for, and nothing is said twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .. import data, models, rules, tasks
from ..errors import BispikeError, ConfigurationError
from ..nn import Network
from .train_config import TrainConfig

NEURONS = ("dense", "widths", "channels", "latent")
"""Settings of models that say how many neurons there are, beside the one that a model declares as its sizes."""


def combination_problems(config: TrainConfig) -> list[str]:
    """Reasons why rule, model and data set do not fit each other, in sentences; empty if they fit as far as is known.

    Args:
        config: settings whose names are known and whose single values are right.
    """
    try:
        expected = data.expected(config.dataset, config.data_options)
    except ConfigurationError as error:
        return error.problems
    model = models.registry[config.model]
    if expected is None:
        try:
            rules.find(config.rule, model.network)
        except ConfigurationError as error:
            return error.problems
        return []
    try:
        network = small_twin(config, expected)
        problems = tasks.of(network).problems(expected)
        if problems:
            return problems
        rules.find(config.rule, type(network))(network, **config.rule_options)
    except ConfigurationError as error:
        return error.problems
    except BispikeError as error:
        return [str(error)]
    return []


def small_twin(config: TrainConfig, expected: data.Expected) -> Network:
    """A network of the model and the options of a training, with as many neurons in each layer as classes at most.

    Raises:
        ConfigurationError: the model cannot be built with these options, or for such data.
    """
    model = models.registry[config.model]
    most = max(2, expected.concept.classes)
    settings = {**model.defaults, "seed": config.seed, **config.model_options}
    for name in (model.sizes, *NEURONS):
        if name in settings:
            settings[name] = _at_most(settings[name], most)
    if "latent" in models.settings_of(config.model):
        settings["latent"] = _at_most(settings.get("latent", most), most)
    return models.create(config.model, expected.stimulus, expected.concept, **settings)


def _at_most(sizes: Any, most: int) -> Any:
    """Numbers of neurons, none above `most`; what is no number of neurons stays as it is, for the builder to refuse."""
    if isinstance(sizes, Sequence) and not isinstance(sizes, str):
        return [_at_most(size, most) for size in sizes]
    return min(sizes, most) if isinstance(sizes, int) and not isinstance(sizes, bool) else sizes
