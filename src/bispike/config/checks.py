"""Are these settings sound? All problems are found before any work starts, and listed together.

Types and ranges follow from the declarations of the settings; what stands here needs several settings at once, or the
machine.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch

from .. import data, models, rules
from ..errors import BispikeError, ConfigurationError, unknown_name
from ..settings import Setting, no_effects
from .optimizers import OPTIMIZERS
from .options import model_options, optimizer_options, rule_option_class, rule_options
from .train_config import OPTIONS, REGISTERED, SETTINGS, TrainConfig


def validate(config: TrainConfig) -> None:
    """Check settings that name everything: data set, model, rule.

    Raises:
        ConfigurationError: with all problems.
    """
    problems = problems_of(config)
    if problems:
        raise ConfigurationError(problems)


def problems_of(config: TrainConfig) -> list[str]:
    """What is wrong with settings that name everything, a sentence each."""
    problems = [*training_problems(config)]
    if all(isinstance(getattr(config, name), str) for name in ("dataset", "model", "rule")):
        problems += name_problems(config)
    return problems


def validate_training(config: TrainConfig) -> None:
    """Check the settings of the training itself, where network, rule and data are given as objects."""
    problems = list(training_problems(config))
    if problems:
        raise ConfigurationError(problems)


def training_problems(config: TrainConfig) -> Iterator[str]:
    """What is wrong with the settings of the training itself."""
    found = {name: _problem(name, one, getattr(config, name)) for name, one in SETTINGS.items()}
    wrong = {name: problem for name, problem in found.items() if problem}
    yield from wrong.values()
    if "extra" not in wrong:
        yield from _extra_problems(config.extra)
    if not {"optimizer", "optimizer_options"} & wrong.keys():
        yield from _optimizer_problems(config)
    if "device" not in wrong:
        yield from _device_problems(config.device)
    if not {"update", "clip_norm"} & wrong.keys() and config.update == "in-pass" and config.clip_norm is not None:
        yield (
            "clip_norm: needs all gradients at once, but update 'in-pass' applies each as soon as it is ready; "
            "use update 'after', or no clip_norm."
        )
    if "validation" not in wrong and config.validation == 0:
        if config.patience is not None:
            yield "patience: ends a training by its validation, but validation is 0; set validation to 0.05, say."
        if config.keep == "best":
            yield 'keep: "best" chooses by validation, but validation is 0; set validation to 0.05, say.'
        if config.test is False:
            yield "test: false leaves validation to measure by, but validation is 0; set validation to 0.1, say."


def name_problems(config: TrainConfig) -> Iterator[str]:
    """What is wrong with the names of data set, model and rule, and with the options of the last two."""
    if config.dataset not in data.registry and not Path(config.dataset).expanduser().exists():
        yield f"{unknown_name('data set', config.dataset, data.registry)} A file or folder would do too."
    if config.model not in models.registry:
        yield unknown_name("model", config.model, models.registry)
    elif isinstance(config.model_options, dict):
        known = model_options(config.model)
        yield from _unknown_options("model", config.model, config.model_options, known)
        wrong = [known[k].problem(v) for k, v in config.model_options.items() if k in known]
        yield from filter(None, wrong)
        yield from no_effects(known, config.model_options).values()
    if config.rule not in rules.registry:
        yield unknown_name("rule", config.rule, rules.registry)
    elif isinstance(config.rule_options, dict):
        if config.model in models.registry:
            try:
                rules.find(config.rule, models.registry[config.model].network)
            except ConfigurationError as error:
                yield from error.problems
                return
        known = rule_options(config.rule, config.model)
        unknown = [*_unknown_options("rule", config.rule, config.rule_options, known)]
        yield from unknown or _construction_problems(config)


def _problem(name: str, one: Setting, value: Any) -> str:
    if name in (*OPTIONS, "extra") and isinstance(value, dict):
        if any(not isinstance(key, str) for key in value):
            return f"{name}: expected text as names of the options, received {list(value)}."
        if name in ("rule_options", "model_options", "extra"):  # their own declarations check the values
            return ""
    return one.problem(value)


def _extra_problems(extra: Mapping[str, Any]) -> Iterator[str]:
    for name, value in extra.items():
        if name not in REGISTERED:
            known = f"registered are {', '.join(REGISTERED)}" if REGISTERED else "none is registered"
            yield f"{name}: expected a setting that an imported package has registered; {known}."
        else:
            yield from filter(None, [REGISTERED[name].problem(value)])


def _unknown_options(kind: str, name: str, given: Mapping[str, Any], known: Mapping[str, Any]) -> Iterator[str]:
    yield from (unknown_name(f"option of {kind} {name!r}:", key, known) for key in given if key not in known)


def _construction_problems(config: TrainConfig) -> list[str]:
    try:
        rule_option_class(config.rule, config.model)(**config.rule_options)
    except ConfigurationError as error:
        return error.problems
    except (TypeError, ValueError, BispikeError) as error:
        return [f"options of rule {config.rule!r}: {error}."]
    return []


def _optimizer_problems(config: TrainConfig) -> Iterator[str]:
    if config.optimizer.lower() not in OPTIMIZERS:
        yield unknown_name("optimizer", config.optimizer, OPTIMIZERS)
        return
    known = optimizer_options(config.optimizer)
    yield from _unknown_options("optimizer", config.optimizer, config.optimizer_options, known)


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
