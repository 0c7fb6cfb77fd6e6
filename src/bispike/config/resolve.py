"""From what was asked for to a complete `TrainConfig`: preset, then options, then `key=value` texts.

Later ones override earlier ones. A preset (or a saved configuration) stays usable when its rule or model is
replaced: options that the new rule or model does not know are left out, so that `--preset P --rule bptt` is the
twin of `--preset P`. What the user wrote is never left out silently; all that is wrong with it is listed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from .. import data, models, rules
from ..errors import ConfigurationError, unknown_name
from . import presets
from .checks import validate
from .train_config import CONFIG_FILE, OPTIONS, SETTINGS, TrainConfig, from_dict, read_config

GROUPS = {
    "rule": "rule_options",
    "model": "model_options",
    "optimizer": "optimizer_options",
    "data": "data_options",
}
RUNS = "runs"  # folder of runs that were given no other


@dataclass(frozen=True)
class Plain:
    """A value that stands for itself, as a study file has it, in place of a text; its type must be the setting's."""

    value: Any


@dataclass(frozen=True)
class Request:
    """What a user asked for.

    Args:
        options: values by name of a `TrainConfig` setting, besides `time_steps` (of the model), `task` and `target` (of
            the data), `preset` (a name) and `config` (a file or run folder); None stands for "not given".
        texts: `key=value` pairs for everything else, the key plain or as `rule.key`, `model.key`, `optimizer.key`;
            options of the data set's format as `data.key`. Later ones override earlier ones.
    """

    options: Mapping[str, Any]
    texts: Sequence[tuple[str, str | Plain]] = field(default=())


@dataclass(frozen=True)
class Attempt:
    """What became of a request: the settings as far as they could be read, and what stood in the way.

    Args:
        config: without the values that are wrong.
        problems: a sentence for each value that does not fit.
        unknown: keys that neither the training nor this rule, model or optimizer knows.
    """

    config: TrainConfig
    problems: list[str]
    unknown: list[str]

    def unknown_text(self, key: str) -> str:
        """The sentence about an unknown key, with the nearest known one."""
        return _unknown_key(self.config, key)


def resolve(request: Request, *, rule: str | None = None, resume_from: Path | None = None) -> TrainConfig:
    """The complete settings.

    Args:
        request: what was asked for.
        rule: in place of the rule that was asked for.
        resume_from: folder whose run is resumed: its settings are the starting point if it has any, and must
            be there if nothing else was asked for.

    Raises:
        ConfigurationError: everything that is unknown or cannot be read, together.
    """
    found = attempt(request, rule=rule, resume_from=resume_from)
    problems = [*found.problems, *(found.unknown_text(key) for key in found.unknown)]
    if problems:
        raise ConfigurationError(problems)
    return found.config


def resolve_each(request: Request, names: Sequence[str]) -> dict[str, TrainConfig]:
    """The settings for each of several rules; a `key=value` reaches the rules that know the key.

    Raises:
        ConfigurationError: as `resolve`, and for a key that no rule knows.
    """
    found = {name: attempt(request, rule=name) for name in names}
    nowhere = set.intersection(*({*one.unknown} for one in found.values())) if found else set()
    problems = list(dict.fromkeys(problem for one in found.values() for problem in one.problems))
    problems += [found[names[-1]].unknown_text(key) for key in sorted(nowhere)]
    if problems:
        raise ConfigurationError(problems)
    return {name: one.config for name, one in found.items()}


def apply(config: TrainConfig, key: str, text: str) -> TrainConfig:
    """The same settings with one of them replaced by the value that the text stands for.

    Raises:
        ConfigurationError: the key is unknown or the text does not fit.
    """
    place = _place(config, key)
    if place is None:
        raise ConfigurationError(_unknown_key(config, key))
    return _store(config, place, text)


def default_folder(config: TrainConfig) -> Path:
    """`runs/DATASET-MODEL-RULE-seedS` below the current folder."""
    return _below_runs(_dataset_name(config), config.model, config.rule, f"seed{config.seed}")


def default_study_folder(config: TrainConfig, kind: str, *parts: str) -> Path:
    """`runs/KIND-DATASET-MODEL-...` below the current folder: where a study goes that was given no folder."""
    return _below_runs(kind, _dataset_name(config), config.model, *parts)


def study_file_folder(path: Path) -> Path:
    """`runs/NAME` below the current folder, for the study in `NAME.toml`."""
    return _below_runs(path.stem)


def _dataset_name(config: TrainConfig) -> str:
    return Path(config.dataset).expanduser().name.split(".")[0] or "data"


def _below_runs(*parts: str) -> Path:
    return Path(RUNS) / re.sub(r"[^A-Za-z0-9._-]+", "_", "-".join(parts))


def with_rule(config: TrainConfig, rule: str) -> TrainConfig:
    """The same settings under another rule: the options that it knows, and what it advises for its training."""
    if rule == config.rule:
        return config
    known, recommended = (
        (rules.registry[rule].defaults(), rules.registry[rule].recommended) if rule in rules.registry else ({}, {})
    )
    kept = {key: value for key, value in config.rule_options.items() if key in known}
    return replace(config, rule=rule, rule_options=kept, **recommended)


def with_model(config: TrainConfig, model: str) -> TrainConfig:
    """The same settings with another model, with the options that it knows and does not set itself."""
    if model == config.model:
        return config
    known = (
        models.settings_of(model).keys() - models.registry[model].defaults.keys() if model in models.registry else ()
    )
    kept = {key: value for key, value in config.model_options.items() if key in known}
    return replace(config, model=model, model_options=kept)


def attempt(request: Request, *, rule: str | None = None, resume_from: Path | None = None) -> Attempt:
    """As `resolve`, but what is wrong with the texts is told and not raised.

    Raises:
        UserError: what they start from cannot be had: preset, configuration, rule, model, an option.
    """
    given = {key: value for key, value in request.options.items() if value is not None}
    if rule is not None:
        given["rule"] = rule
    anything = bool(given or request.texts)
    config = _base(given.pop("preset", None), given.pop("config", None), resume_from, anything=anything)
    config = with_model(with_rule(config, given.get("rule", config.rule)), given.get("model", config.model))
    moved = {"time_steps": "model_options", "task": "data_options", "target": "data_options"}
    for name, group in moved.items():
        if name in given:
            config = _replaced(config, group, {**getattr(config, group), name: given.pop(name)})
    if "data_root" in given:
        given["data_root"] = str(given["data_root"])
    config = from_dict({**config.to_dict(), **given})
    if config.model not in models.registry or config.rule not in rules.registry:
        validate(config)  # says so, with all else that is wrong
    problems, unknown = [], []
    for key, text in request.texts:
        place = _place(config, key)
        if place is None:
            unknown.append(key)
            continue
        try:
            config = _store(config, place, text)
        except ConfigurationError as error:
            problems += error.problems
    return Attempt(config, problems, unknown)


def _base(preset: str | None, path: Path | None, resume_from: Path | None, *, anything: bool) -> TrainConfig:
    if preset is not None and path is not None:
        raise ConfigurationError("preset and config: expected one of them; each gives all settings.")
    if preset is not None:
        return presets.config(preset)
    if path is not None:
        return read_config(path.parent if path.name == CONFIG_FILE else path)
    if resume_from is not None and ((resume_from / CONFIG_FILE).exists() or not anything):
        return read_config(resume_from)
    return TrainConfig()


def _known(config: TrainConfig) -> dict[str, dict[str, Any]]:
    """Keys with their defaults: under "" those of the training, then those of each group."""
    from .optimizers import OPTIMIZERS, optimizer_settings

    training = {name: getattr(TrainConfig(), name) for name in SETTINGS if name not in OPTIONS}
    return {
        "": training,
        "rule": rules.registry[config.rule].defaults() if config.rule in rules.registry else {},
        "model": models.settings_of(config.model) if config.model in models.registry else {},
        "optimizer": optimizer_settings(config.optimizer) if config.optimizer.lower() in OPTIMIZERS else {},
        "data": data.options_of(config.dataset, config.data_options.get("task")),
    }


def _place(config: TrainConfig, key: str) -> tuple[str, str] | None:
    """Group and name of a key; None where no group knows it."""
    known = _known(config)
    group, dot, name = key.replace("-", "_").rpartition(".")
    if dot:
        listed = group == "data" or name in known.get(group, {})  # the format of the data knows its options
        return (group, name) if listed and group else None
    return next(((group, name) for group, names in known.items() if name in names), None)


def _unknown_key(config: TrainConfig, key: str) -> str:
    return unknown_name("setting", key, {name for names in _known(config).values() for name in names})


def _store(config: TrainConfig, place: tuple[str, str], text: str | Plain) -> TrainConfig:
    group, name = place
    if group:
        value = _read(name, text, _known(config).get(group, {}).get(name))
        options = {**getattr(config, GROUPS[group]), name: value}
        return _replaced(config, GROUPS[group], options)
    kind = str(SETTINGS[name].type)
    if "None" in kind and (text == Plain(None) if isinstance(text, Plain) else text.lower() == "none"):
        return _replaced(config, name, None)
    value = _read(name, text, {"int": 0, "float": 0.0, "str": "", "bool": False}[kind.split(" ")[0]])
    if name == "rule":
        return with_rule(config, value)
    if name == "model":
        return with_model(config, value)
    return _replaced(config, name, value)


def _replaced(config: TrainConfig, name: str, value: Any) -> TrainConfig:
    return from_dict({**config.to_dict(), name: value})


def _read(name: str, text: str | Plain, sample: Any) -> Any:
    return _fitting(name, text.value, sample) if isinstance(text, Plain) else read_value(name, text, sample)


def read_value(name: str, text: str, sample: Any) -> Any:
    """The value that a text stands for, of the type of `sample`.

    Lists are written `[256,128]` or `256,128`; where the sample says nothing (None), anything that JSON knows is
    read as such and the rest is text.

    Raises:
        ConfigurationError: the text does not fit.
    """
    if isinstance(sample, str):
        return text
    loose = _loose(text)
    if isinstance(sample, list | tuple) and not isinstance(loose, list):
        loose = _loose(f"[{text}]")
    return _fitting(name, loose, sample, received=text)


def _fitting(name: str, loose: Any, sample: Any, *, received: Any = None) -> Any:
    """The value as the sample's type."""
    if isinstance(sample, bool):
        fits, wanted = isinstance(loose, bool), "true or false"
    elif isinstance(sample, int):
        fits, wanted = isinstance(loose, int | list) and not isinstance(loose, bool), "a whole number"
    elif isinstance(sample, float):
        fits, wanted = isinstance(loose, int | float) and not isinstance(loose, bool), "a number"
        loose = float(loose) if fits else loose
    elif isinstance(sample, list | tuple):
        fits, wanted = isinstance(loose, list), "a list such as [256,128]"
    elif isinstance(sample, str):
        fits, wanted = isinstance(loose, str), "text"
    else:
        return loose
    if not fits:
        raise ConfigurationError(f"{name}: expected {wanted}, received {loose if received is None else received!r}.")
    return loose


def _loose(text: str) -> Any:
    if text.lower() == "none":
        return None
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    try:
        return json.loads(text)
    except ValueError:
        pass
    try:
        return float(text)  # 1e-3 is JSON, but .5, inf and nan are not
    except ValueError:
        return text
