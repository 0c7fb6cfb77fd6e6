"""Whether a network, a rule, a data set and settings fit each other, before a training begins."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch

from .. import rules, tasks
from ..arguments import expect, raise_problems
from ..config.options import whose
from ..config.train_config import TrainConfig, from_dict, training_settings
from ..data import Dataset, Split
from ..errors import ConfigurationError, unknown_name
from ..nn import Network
from ..rules import Rule
from ..spaces import Stimulus

_ENDS = (*Stimulus((1,)).spec, "concept_names")  # of a spec; the data set gives them


def config_of(network: Network, rule: Rule | str, data: Dataset, settings: dict[str, Any]) -> TrainConfig:
    """The settings of a training of objects: the given ones, and those that describe the objects.

    Args:
        network, rule, data: as `fit` takes them.
        settings: of `TrainConfig`, by name.

    Raises:
        ConfigurationError: unknown settings, settings that follow from the objects, or a rule on another network.
    """
    _expect_objects(network, rule, data)
    spec = {key: value for key, value in network.spec.items() if key not in _ENDS}
    if isinstance(rule, str):
        name, options = rule, {}
    else:
        name, options = rule.name, rule.options
        if rule.network is not network:
            raise ConfigurationError(
                "rule: expected a rule on the network that is trained, received one on another network. "
                "Create it with rules.create(name, network)."
            )
    recommended = rules.registry[name].recommended if name in rules.registry else {}
    described: dict[str, Any] = {
        "dataset": data.name,
        "model": spec.pop("model", type(network).__name__),
        "model_options": spec,
        "rule": name,
        "rule_options": options,
    }
    given = sorted(described.keys() & settings.keys())
    if given:
        raise ConfigurationError(f"fit: {', '.join(given)} follow from the objects and cannot be set. Leave them out.")
    known = [key for key in training_settings() if key not in described]
    tables = ("data_options", "optimizer_options", "extra")
    problems = [_unknown(key, known) for key in settings if key not in (*known, *tables)]
    if problems and name not in rules.registry:
        problems.insert(0, unknown_name("rule", name, rules.registry))
    if problems:
        raise ConfigurationError(problems)
    return from_dict({**recommended, **described, **settings})


def _expect_objects(network: Network, rule: Rule | str, data: Dataset) -> None:
    """Raise a ConfigurationError for everything that is no network, no rule or no data set."""
    made = "create it with rules.create(name, network), or give its name"
    load = "load it with bispike.data.load, or make it with bispike.data.from_arrays"
    raise_problems(
        lambda: expect("network", network, Network, "a network of bispike.models"),
        lambda: expect("rule", rule, (Rule, str), f"the name of a rule or a rule on the network ({made})"),
        lambda: expect("data", data, Dataset, f"a data set ({load})"),
    )


def _unknown(key: str, known: Sequence[str]) -> str:
    """The sentence about a keyword of `fit` that is no setting of a training."""
    owner = whose(key)
    how = " Options of rules go to rules.create(name, network, ...), those of models to the builder." if owner else ""
    return f"{unknown_name('setting', key, known)} {owner}{how}".rstrip()


def check_fit(network: Network, data: Dataset, config: TrainConfig) -> None:
    """Check that network, data and settings fit each other.

    Raises:
        ConfigurationError: with all problems.
    """
    problems = tasks.of(network).problems(data)
    problems += [*_value_problems(data, "training", data.train), *_value_problems(data, "test", data.test)]
    if config.augment != "none" and len(data.stimulus.shape) != 3:
        problems.append(
            f"augment: expected images [C, H, W], which {config.augment!r} changes; received stimuli of shape "
            f"{list(data.stimulus.shape)}. Leave augment out."
        )
    if config.limit is not None and config.limit > len(data.train):
        problems.append(f"limit: expected at most the {len(data.train)} training samples, received {config.limit}.")
    if config.test and len(data.test) == 0:
        problems.append(f"test: data set {data.name!r} has no test samples. Set test to false, or provide some.")
    if problems:
        raise ConfigurationError(problems)


def _value_problems(data: Dataset, part: str, split: Split) -> Iterator[str]:
    """What is wrong with the values of a part: a data set that was not made by `bispike.data` was checked by nobody."""
    for what, values in (("stimuli", split.stimuli), ("targets", split.labels)):
        if values.is_floating_point() and not torch.isfinite(values.sum()):
            count = int((~torch.isfinite(values)).sum())
            if count:
                yield (
                    f"{part} {what}: expected finite values, received {count} that are NaN or infinite in data set "
                    f"{data.name!r}. Remove or fill them."
                )
    classes, labels = data.concept.classes, split.labels
    if not labels.is_floating_point() and labels.numel() and not 0 <= int(labels.min()) <= int(labels.max()) < classes:
        yield (
            f"{part} labels: expected values in 0..{classes - 1}, received {int(labels.min())}..{int(labels.max())} in "
            f"data set {data.name!r}."
        )


def check_device(network: Network, device: str) -> None:
    """Check that a network on which a rule was made is where it is to be trained.

    Raises:
        ConfigurationError: it is on another device.
    """
    if not _is_on(network, device):
        # A rule may hold tensors of its own, which cannot be moved afterwards.
        raise ConfigurationError(
            f"device: expected the network on {device!r} before the rule was made, received one on "
            f"'{_device(network)}'. Call network.to({device!r}) first, or give the rule by name."
        )


def _device(network: Network) -> torch.device:
    return next(network.parameters()).device


def _is_on(network: Network, name: str) -> bool:
    """Whether the network is on a device; "cuda" without a number matches every GPU."""
    here, asked = _device(network), torch.device(name)
    return here.type == asked.type and asked.index in (None, here.index)
