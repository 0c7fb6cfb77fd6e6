"""The settings of a run whose `config.toml` was lost or cut: its checkpoints hold them too.

A run writes `config.toml` once, whole. Where the file is missing, is no TOML, or lacks something that it was written
with, the table is taken from the latest sound checkpoint. A value that differs was changed by a person and stays.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import DamagedError
from ..files import read_json
from ..json_values import is_table, record

CHECKPOINT = "checkpoint"
ENTRIES = ("latest.json", "previous.json")
_IDENTITY = record({"settings": is_table, "network": is_table, "rule": is_table})
_ENTRY = record({"identity": _IDENTITY})


def settings_in_checkpoint(folder: Path) -> dict[str, Any] | None:
    """The table of `config.toml` as a checkpoint in a run's folder holds it; None if there is no sound one."""
    for name in ENTRIES:
        place = folder / CHECKPOINT / name
        try:
            entry = read_json(place)
            if entry is None:
                continue
            _ENTRY(entry, str(place))
        except DamagedError:
            continue
        identity = entry["identity"]
        return {**identity["settings"], "network": identity["network"], "rule_in_force": identity["rule"]}
    return None


def lacks(table: Mapping[str, Any], held: Mapping[str, Any]) -> list[str]:
    """Names of what a checkpoint holds and a `config.toml` lacks; of settings without a value there is nothing."""
    missing = []
    for name, value in held.items():
        if value is None or value == {}:
            continue
        if name not in table:
            missing.append(name)
        elif isinstance(value, dict):
            found = table[name]
            missing += [f"{name}.{key}" for key in value if not isinstance(found, dict) or key not in found]
    return missing
