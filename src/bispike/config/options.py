"""The options that a rule, a model, an optimizer or the reader of a data set takes, as settings by name."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from .. import data, models, rules
from ..arguments import checked
from ..errors import unknown_name
from ..models.assembly import SIGNALS, shared_options
from ..settings import Setting, setting, settings_of
from .optimizers import OPTIMIZERS, optimizer_settings
from .train_config import training_settings

GROUPS = {
    "rule": "rule_options",
    "model": "model_options",
    "optimizer": "optimizer_options",
    "data": "data_options",
}
"""Prefix of a key such as `rule.strength`, and the setting that holds the option."""
DATA_KEYS = ("task", "target")
"""Options of the data's format that are given without the prefix `data.`."""


def rule_option_class(name: str, model: str | None = None) -> type:
    """The class that holds and checks the options of a registered rule, on the networks of a model if one is given."""
    network = models.registry[model].network if model in models.registry else None
    known = network is not None and name in rules.defined_for(network)
    return rules.find(name, network if known else None).Options


def rule_options(name: str, model: str | None = None) -> dict[str, Setting]:
    """Options of a rule on the networks of a model; none for an unknown name."""
    return declared_options(rule_option_class(name, model)) if name in rules.registry else {}


def cases_of_rule(name: str) -> dict[str, list[dict[str, Any]]]:
    """The options of a rule as plain values, by the kinds of networks for which they are the same.

    Raises:
        UnknownNameError: no such rule.
    """
    kinds: dict[type, list[str]] = {}
    for rule in rules.classes_of(name):
        kinds.setdefault(rule.Options, []).extend(network.kind for network in rule.networks)
    return {
        " or ".join(dict.fromkeys(networks)): [one.describe() for one in declared_options(owner).values()]
        for owner, networks in kinds.items()
    }


def declared_options(owner: type) -> dict[str, Setting]:
    """Options that a class declares; its docstring gives meanings that are not declared."""
    meanings = argument_meanings(owner)
    return {
        key: one if one.meaning else replace(one, meaning=meanings.get(key, ""))
        for key, one in settings_of(owner).items()
    }


def model_options(name: str) -> dict[str, Setting]:
    """Options of a model, with the defaults that its name stands for; none for an unknown name."""
    if name not in models.registry:
        return {}
    entry = models.registry[name]
    defaults = models.settings_of(name)
    shared = shared_options()
    parameters = inspect.signature(entry.builder).parameters
    meanings = argument_meanings(entry.builder)
    found = {}
    for key, default in defaults.items():
        if key in shared:
            found[key] = replace(shared[key], default=default)
            if entry.builder is models.rnn:  # there the others act on biases and on quantities as well
                timed = {SIGNALS: found[key].only_with[SIGNALS]} if key in ("time_steps", "decay", "reset") else {}
                found[key] = replace(found[key], only_with=timed)
        else:
            found[key] = setting(key, default, parameters[key].annotation, meaning=meanings.get(key, ""))
    return found


def signals_of(rule: str, model: str) -> dict[str, Any]:
    """What the layers of a model emit under a rule, by the name that conditions of its options use."""
    if rule not in rules.registry:
        return {}
    network = models.registry[model].network if model in models.registry else None
    fits = network is not None and rule in rules.defined_for(network)
    return {SIGNALS: rules.find(rule, network if fits else None).signals.name}


def optimizer_options(name: str) -> dict[str, Setting]:
    """Options of an optimizer of torch; none for an unknown name."""
    taken = optimizer_settings(name) if name.lower() in OPTIMIZERS else {}
    return {key: setting(key, default) for key, default in taken.items()}


def data_options(dataset: str, task: Any = None) -> dict[str, Setting]:
    """Options of the reader of a data set, as far as they are known before it is read."""
    return {key: setting(key, default) for key, default in data.options_of(dataset, task).items()}


class Table:
    """Every key that `--set` knows for a training: the group and the setting that it stands for.

    A plain name stands for the setting of the training, else for the option of the rule, of the model, of the optimizer
    or of the data, in this order; `rule.NAME`, `model.NAME`, ... say which. The format of the data knows its options
    itself, so that `data.NAME` is taken with any name.

    Args:
        rule, model, optimizer, dataset: names.
        task: what the data are used for, if that was asked for.

    Attributes:
        groups: by prefix the options of rule, model, optimizer and data.
        entries: by key the prefix ("" for a setting of the training) and the setting.
    """

    def __init__(self, *, rule: str, model: str, optimizer: str, dataset: str, task: Any = None) -> None:
        self.groups = groups = {
            "rule": rule_options(rule, model),
            "model": model_options(model),
            "optimizer": optimizer_options(optimizer),
            "data": data_options(dataset, task),
        }
        self.entries: dict[str, tuple[str, Setting]] = {key: ("data", setting(key, None)) for key in DATA_KEYS}
        for group, options in reversed(groups.items()):
            self.entries |= {name: (group, one) for name, one in options.items()}
        self.entries |= {name: ("", one) for name, one in training_settings().items()}
        self.entries |= {
            f"{group}.{name}": (group, one) for group, all_ in groups.items() for name, one in all_.items()
        }

    def find(self, key: str) -> tuple[str, Setting] | None:
        """Group ("" for the training) and setting of a key; None where no group knows it."""
        name = key.replace("-", "_")
        if name.startswith("data.") and name not in self.entries:
            return "data", setting(name.removeprefix("data."), None)
        return self.entries.get(name)

    def unknown(self, key: str) -> str:
        """The sentences about an unknown key: the nearest known one, and whose option it is if it is one elsewhere."""
        known = [name for name in self.entries if "." not in name]
        return " ".join(filter(None, [unknown_name("setting", key, known), whose(key)]))


def whose(key: str) -> str:
    """A sentence that tells of which rules, models or optimizers a key is an option; empty if of none."""
    name = key.replace("-", "_").rpartition(".")[2]
    owners = {
        "rule": [
            rule for rule in rules.registry if any(name in settings_of(c.Options) for c in rules.classes_of(rule))
        ],
        "model": [model for model in models.registry if name in models.settings_of(model)],
        "optimizer": [optimizer for optimizer in OPTIMIZERS if name in optimizer_settings(optimizer)],
    }
    texts = [f"{kind} {_some(names)}" for kind, names in owners.items() if names]
    return f"It is an option of {' and of '.join(texts)}." if texts else ""


def _some(names: list[str], most: int = 4) -> str:
    """The first names of a list, and how many there are besides."""
    more = f" and {len(names) - most} others" if len(names) > most else ""
    return f"{', '.join(names[:most])}{more}"


def argument_meanings(function: Callable[..., Any]) -> dict[str, str]:
    """What the docstring of a function says about each argument."""
    text = inspect.getdoc(function) or ""
    section = re.search(r"^Args:\n((?:[ ]+.*\n?|\n)*)", text, re.MULTILINE)
    if section is None:
        return {}
    found: dict[str, str] = {}
    for names, meaning in re.findall(r"^ {4}([\w*, ]+): (.*(?:\n {5,}.*)*)", section.group(1), re.MULTILINE):
        found |= {name.strip(): " ".join(meaning.split()).rstrip(".") for name in names.split(",")}
    return found


@checked
def describe_options(kind: str, name: str = "") -> list[dict[str, Any]]:
    """The settings of a training, or the options of a rule, model or optimizer, as plain values.

    Args:
        kind: "training", "rule", "model" or "optimizer".
        name: of the rule, model or optimizer.

    Returns:
        One row per setting: name, type, default, choices or range, meaning, acts (when it has an effect), flag.
    """
    found = {"rule": rule_options, "model": model_options, "optimizer": optimizer_options}
    settings = training_settings() if kind == "training" else found[kind](name)
    return [one.describe() for one in settings.values()]
