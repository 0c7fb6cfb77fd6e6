"""What differs between the settings of a saved run and those that were asked for.

An option that is left out has its default. So a run that was trained with 4 time steps by default is resumed by a call
that says 4.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING
from typing import Any

from .. import data
from .options import data_options, model_options, optimizer_options, rule_options
from .train_config import OPTIONS, REGISTERED, SETTINGS, TrainConfig


def differences(saved: Mapping[str, Any], asked: TrainConfig) -> list[str]:
    """The settings that change the result and differ, as "name: saved -> asked"."""
    now = asked.to_dict()
    then = {name: saved.get(name, one.default) for name, one in SETTINGS.items()}
    found = []
    for name, one in SETTINGS.items():
        if one.incidental or then[name] == now[name] or (name == "dataset" and _both_paths(then[name], now[name])):
            continue
        if name not in (*OPTIONS, "extra") or not isinstance(then[name], dict):
            found.append(f"{name}: {then[name]!r} -> {now[name]!r}")
            continue
        prefix = name.removesuffix("options").replace("_", ".").removeprefix("extra")
        before, after = _in_force(name, then), _in_force(name, now)
        for key in sorted({*then[name], *now[name]}):
            incidental = name == "extra" and key in REGISTERED and REGISTERED[key].incidental
            values = before.get(key, MISSING), after.get(key, MISSING)
            if values[0] != values[1] and not incidental:
                found.append(f"{prefix}{key}: {_shown(values[0])} -> {_shown(values[1])}")
    return found


def _both_paths(saved: Any, asked: Any) -> bool:
    """Whether two data sets are files of a user: their content is compared, not where they are."""
    return all(isinstance(name, str) and name not in data.registry for name in (saved, asked))


def _in_force(name: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """The options of a table with the defaults of those that are left out, as far as these are known."""
    named = all(isinstance(values[one], str) for one in ("rule", "model", "optimizer", "dataset"))
    if name == "extra" or not named:
        known = REGISTERED if name == "extra" else {}
    elif name == "rule_options":
        known = rule_options(values["rule"], values["model"])
    elif name == "model_options":
        known = model_options(values["model"])
    elif name == "optimizer_options":
        known = optimizer_options(values["optimizer"])
    else:
        known = data_options(values["dataset"], values[name].get("task"))
    found = {key: one.default for key, one in known.items()} | dict(values[name])
    return {key: list(value) if isinstance(value, tuple) else value for key, value in found.items()}


def _shown(value: Any) -> str:
    return "'default'" if value is MISSING else repr(value)
