"""The values that a request starts from, and what becomes of them when it names another rule or model."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .. import models, rules
from ..errors import ConfigurationError
from . import presets
from .options import model_options, rule_options
from .train_config import CONFIG_FILE, TrainConfig, holds_settings, read_config


def starting_values(options: Mapping[str, Any], resume_from: Path | None, *, anything: bool) -> dict[str, Any]:
    """The values to start from: of a preset, a saved configuration or the defaults."""
    preset, path = options.get("preset"), options.get("config")
    if preset is not None and path is not None:
        raise ConfigurationError("preset and config: expected one of them; each gives all settings.")
    if preset is not None:
        return presets.config(preset).to_dict()
    if path is not None:
        return read_config(path.parent if path.name == CONFIG_FILE else path).to_dict()
    if resume_from is not None and (holds_settings(resume_from) or not anything):
        return read_config(resume_from).to_dict()
    return TrainConfig().to_dict()


def choose(values: dict[str, Any], name: str, chosen: str) -> None:
    """Set the rule, model, optimizer or data set; options that another rule or model does not know are left out.

    A rule's recommended settings replace those of the values; sizes that the name of a model stands for do too.
    """
    if chosen == values[name]:
        return
    values[name] = chosen
    if name == "rule":
        _drop_rule_options(values)
        values |= rules.registry[chosen].recommended if chosen in rules.registry else {}
    elif name == "model":
        own = models.registry[chosen].defaults if chosen in models.registry else {}
        known = {key: one for key, one in model_options(chosen).items() if key not in own}
        values["model_options"] = {key: value for key, value in values["model_options"].items() if key in known}
        _drop_rule_options(values)


def _drop_rule_options(values: dict[str, Any]) -> None:
    """Leave out the options that the rule does not know on the networks of the model."""
    known = rule_options(values["rule"], values["model"])
    values["rule_options"] = {key: value for key, value in values["rule_options"].items() if key in known}
