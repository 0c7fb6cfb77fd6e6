"""Are these settings sound? All problems are found before any work starts, and listed together."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch

from .. import data, models, rules
from ..errors import BispikeError, ConfigurationError, unknown_name
from .optimizers import OPTIMIZERS, SCHEDULES, optimizer_settings
from .train_config import OPTIONS, SETTINGS, UPDATES, TrainConfig

KEEP = ("last", "best")

# Least and largest value of a setting, and how a message calls them.
_RANGES: dict[str, tuple[float, float, str]] = {
    "epochs": (1, math.inf, "at least 1"),
    "batch_size": (1, math.inf, "at least 1 sample"),
    "lr": (math.ulp(0.0), math.inf, "a positive number"),
    "top_down_lr": (0, math.inf, "at least 0"),
    "warmup_steps": (0, math.inf, "at least 0 steps"),
    "weight_decay": (0, math.inf, "at least 0"),
    "clip_norm": (math.ulp(0.0), math.inf, "a positive number"),
    "seed": (0, 2**62, "a whole number from 0"),
    "validation": (0, math.nextafter(1, 0), "a fraction from 0 to below 1"),
    "patience": (1, math.inf, "at least 1 epoch"),
    "limit": (1, math.inf, "at least 1 sample"),
    "imbalance": (1, math.inf, "a ratio of at least 1"),
    "label_noise": (0, 1, "a share from 0 to 1"),
    "threads": (1, math.inf, "at least 1"),
    "checkpoint_seconds": (0, math.inf, "at least 0 seconds"),
    "checkpoint_steps": (1, math.inf, "at least 1 step"),
}
_KINDS: dict[str, tuple[type | tuple[type, ...], str]] = {
    "str": (str, "text"),
    "int": (int, "a whole number"),
    "float": (float, "a number"),
    "bool": (bool, "true or false"),
    "dict[str, Any]": (dict, "a table"),
}


def validate(config: TrainConfig) -> None:
    """Check settings that name everything: data set, model, rule.

    Raises:
        ConfigurationError: with all problems.
    """
    problems = [*training_problems(config)]
    if not problems or all(isinstance(getattr(config, name), str) for name in ("dataset", "model", "rule")):
        problems += name_problems(config)
    if problems:
        raise ConfigurationError(problems)


def validate_training(config: TrainConfig) -> None:
    """Check the settings of the training itself, where network, rule and data are given as objects."""
    problems = list(training_problems(config))
    if problems:
        raise ConfigurationError(problems)


def training_problems(config: TrainConfig) -> Iterator[str]:
    """What is wrong with the settings of the training itself."""
    wrong_kind = {name: sentence for name in SETTINGS if (sentence := _kind_problem(config, name))}
    yield from wrong_kind.values()
    for name, (least, most, expected) in _RANGES.items():
        value = getattr(config, name)
        if name not in wrong_kind and value is not None and not least <= value <= most:
            yield f"{name}: expected {expected}, received {value}."
    named = {"schedule": SCHEDULES, "keep": KEEP, "augment": data.augment.NAMES, "update": UPDATES}
    for name, known in named.items():
        if name not in wrong_kind and getattr(config, name) not in known:
            yield unknown_name(name, getattr(config, name), known)
    if not {"optimizer", "optimizer_options"} & wrong_kind.keys():
        yield from _optimizer_problems(config)
    if "device" not in wrong_kind:
        yield from _device_problems(config.device)
    if config.update == "in-pass" and config.clip_norm is not None:
        yield (
            "clip_norm: needs all gradients at once, but update 'in-pass' applies each as soon as it is there; "
            "use update 'after', or no clip_norm."
        )
    if "validation" not in wrong_kind and config.validation == 0:
        if config.patience is not None:
            yield "patience: ends a training by its validation, but validation is 0; set validation to 0.05, say."
        if config.keep == "best":
            yield 'keep: "best" chooses by validation, but validation is 0; set validation to 0.05, say.'
        if config.test is False:
            yield "test: false leaves validation to measure by, but validation is 0; set validation to 0.1, say."


def name_problems(config: TrainConfig) -> Iterator[str]:
    """What is wrong with the data set, the model, the rule, and the names of their options."""
    if config.dataset not in data.registry and not Path(config.dataset).expanduser().exists():
        yield f"{unknown_name('data set', config.dataset, data.registry)} A file or folder would do too."
    if config.model not in models.registry:
        yield unknown_name("model", config.model, models.registry)
    elif isinstance(config.model_options, dict):
        yield from _option_problems("model", config.model, config.model_options, models.settings_of(config.model))
    if config.rule not in rules.registry:
        yield unknown_name("rule", config.rule, rules.registry)
    elif isinstance(config.rule_options, dict):
        rule = rules.registry[config.rule]
        unknown = list(_option_problems("rule", config.rule, config.rule_options, rule.defaults()))
        yield from unknown or _construction_problems(rule, config.rule_options)


def _kind_problem(config: TrainConfig, name: str) -> str | None:
    value: Any = getattr(config, name)
    annotation = str(SETTINGS[name].type)
    if value is None and annotation.endswith("| None"):
        return None
    kind, described = _KINDS[annotation.removesuffix(" | None")]
    if isinstance(value, bool) != (kind is bool) or not isinstance(value, kind):
        return f"{name}: expected {described}, received {value!r}."
    if isinstance(value, float) and not math.isfinite(value):
        return f"{name}: expected a finite number, received {value}."
    if name in OPTIONS:
        return _table_problem(name, getattr(config, name))
    return None


def _table_problem(name: str, table: dict[Any, Any]) -> str | None:
    if any(not isinstance(key, str) for key in table):
        return f"{name}: expected text as names of the options, received {list(table)}."
    if not all(_is_finite(value) for value in table.values()):
        return f"{name}: expected finite numbers, received {table}."
    return None


def _is_finite(value: Any) -> bool:
    if isinstance(value, list):
        return all(_is_finite(item) for item in value)
    return not isinstance(value, float) or math.isfinite(value)


def _option_problems(kind: str, name: str, given: Mapping[str, Any], known: Mapping[str, Any]) -> Iterator[str]:
    yield from (unknown_name(f"option of {kind} {name!r}:", key, known) for key in given if key not in known)


def _construction_problems(rule: type[rules.Rule], options: dict[str, Any]) -> list[str]:
    try:
        rule.Options(**options)
    except ConfigurationError as error:
        return error.problems
    except (TypeError, ValueError, BispikeError) as error:
        return [f"options of rule {rule.name!r}: {error}."]
    return []


def _optimizer_problems(config: TrainConfig) -> Iterator[str]:
    if config.optimizer.lower() not in OPTIMIZERS:
        yield unknown_name("optimizer", config.optimizer, OPTIMIZERS)
        return
    known = optimizer_settings(config.optimizer)
    yield from _option_problems("optimizer", config.optimizer, config.optimizer_options, known)


def _device_problems(name: str) -> Iterator[str]:
    try:
        device = torch.device(name)
    except RuntimeError:
        yield f"device: expected 'cpu', 'cuda' or 'cuda:N', received {name!r}."
        return
    if device.type == "cuda" and not torch.cuda.is_available():
        yield f"device: {name!r} was asked for, but torch finds no CUDA device here; use 'cpu'."
    elif device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        yield f"device: {name!r} was asked for, but there are {torch.cuda.device_count()} CUDA devices."
    elif device.type not in ("cpu", "cuda"):
        yield f"device: expected 'cpu', 'cuda' or 'cuda:N', received {name!r}."
