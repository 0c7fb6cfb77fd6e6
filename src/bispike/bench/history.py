"""History of the ratios, one line per run, and the check that no ratio increased.

The check compares ratios and not times, since ratios carry over to similar machines. The reference of a ratio is its
median over the last runs of the same suite on the same processor, or on any processor if there are none.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..errors import DamagedError, UserError
from ..files import append_line, make_folder, parse_json, read_lines
from ..json_values import is_text, number, table_of
from ..json_values import record as record_of
from .peers import NAMES

TOLERANCE = 1.2  # a ratio may increase by 20 %
LAST = 5  # number of runs of the reference
CHECKED = {
    "ratio_time": "time against bptt",
    "ratio_memory": "memory against bptt",
    "ratio_inference": "time against inference",
    "ratio_fastest": "time against the fastest peer",
}

Ratios = dict[str, dict[str, float]]
_ENTRY = record_of(
    {
        "suite": is_text,
        "device": is_text,
        "machine": is_text,
        "ratios": table_of(record_of({}, dict.fromkeys(CHECKED, number(0)))),
    }
)


def entry_of(found: Mapping[str, Any]) -> dict[str, Any]:
    """The entry of a run: date, machine, and the ratios of the rules of bispike by `case rule`.

    `ratio_fastest` is included only if peers were measured.
    """
    with_peers = any(row["library"] in NAMES for row in found["rows"])
    ratios: Ratios = {}
    for row in found["rows"]:
        if row["library"] in NAMES:
            continue
        values = {key: row[key] for key in CHECKED if row[key] is not None and (with_peers or key != "ratio_fastest")}
        ratios[f"{row['case']} {row['rule']}"] = {key: round(value, 4) for key, value in values.items()}
    about = {key: found[key] for key in ("date", "suite", "machine", "device", "torch")}
    return {**about, "ratios": ratios}


def record(found: Mapping[str, Any], history: str | Path) -> None:
    """Append the entry of a run to a history."""
    make_folder(Path(history).parent)
    append_line(history, json.dumps(entry_of(found), allow_nan=False))


def read(history: str | Path) -> list[dict[str, Any]]:
    """The entries of a history, oldest first.

    Raises:
        UserError: a line is not an entry.
    """
    entries = []
    for place, line in enumerate(read_lines(history), start=1):
        try:
            entry = parse_json(line, "entry")
            _ENTRY(entry, "entry")
            entries.append(entry)
        except DamagedError as error:
            raise UserError(f"{history}, line {place}: expected one JSON object per line ({error}).") from error
    return entries


def runs_of(entries: Sequence[dict[str, Any]], suite: str, device: str) -> list[dict[str, Any]]:
    """The runs of a suite on a kind of device (`cpu` or `cuda`).

    Raises:
        UserError: there is no such run.
    """
    same = [entry for entry in entries if entry["suite"] == suite and entry["device"] == device]
    if not same:
        raise UserError(f"history: expected a run of suite {suite!r} on {device}, found none; record one first.")
    return same


def worse(found: Mapping[str, Any], entries: Sequence[dict[str, Any]]) -> list[str]:
    """One sentence for each ratio that is more than 20 % above its reference.

    Raises:
        UserError: the history has no run of this suite and device.
    """
    entry = entry_of(found)
    same = runs_of(entries, entry["suite"], entry["device"])
    here = [e for e in same if e["machine"] == entry["machine"]] or same
    sentences = []
    for name, ratios in entry["ratios"].items():
        for key, value in ratios.items():
            past = [e["ratios"][name][key] for e in here if key in e["ratios"].get(name, {})][-LAST:]
            if past and value > TOLERANCE * (reference := statistics.median(past)):
                growth = 100 * (value / reference - 1)
                sentences.append(f"{name}: {CHECKED[key]} {value:.3f}, was {reference:.3f} (+{growth:.0f} %)")
    return sentences
