"""What a run's folder holds besides weights and settings, read and checked: its summary, its analysis, its audit."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from ..arguments import checked
from ..errors import DamagedError
from ..files import read_bytes, read_json
from ..json_values import Check, is_switch, is_table, is_text, list_of, number, optional, record, table_of, whole
from .folder import AUDIT, MODEL, SUMMARY

ANALYSIS = "analysis.json"


def _is_square(value: Any, place: str) -> None:
    """Counts `[C][C]`."""
    list_of(list_of(whole(), length=len(value) if isinstance(value, list) else None))(value, place)


_NUMBERS = table_of(number())
_SUMMARY: Check = record(
    {
        "dataset": is_text,
        "model": is_text,
        "rule": is_text,
        "seed": whole(),
        "epochs": whole(),
        "time_steps": whole(1),
        "batch_size": whole(1),
        "parameters": whole(),
        "metric": is_text,
        "test": optional(number()),
        "validation": optional(number()),
        "train_seconds": number(0),
        "step_ms": number(0),
        "peak_memory_mb": number(0),
        "spike_rate": list_of(number()),
    },
    {
        "device": is_text,
        "versions": table_of(is_text),
        "test_samples": optional(whole()),
        "ended": optional(is_text),
        "confusion": optional(_is_square),
        "data_fingerprint": is_text,
        "reconstruction": optional(table_of(optional(number()))),
        "measures": table_of(_NUMBERS),
        "baselines": table_of(is_table),
        "horizon": whole(),
        "inputs": list_of(is_text),
        "protocol": optional(is_text),
        "best_validation": optional(number()),
    },
)
"""Check of a summary; a task adds values of its own."""
_SHARE = number(0, 1)
_SHARES = list_of(_SHARE, length=5)
_LEVEL = record(
    {"name": is_text, "error": optional(number()), **dict.fromkeys(("own", "other", "chance", "margin"), number())},
    others=False,
)
_ANGLES = list_of(record({"name": is_text, **dict.fromkeys(("degrees", "error", "spread"), optional(number()))}))
_ANALYSIS: Check = record(
    {
        "model_sha256": is_text,
        "activity": is_text,
        "classes": whole(1),
        "samples": whole(),
        "agreement": optional(list_of(_LEVEL)),
        "update_angle": record(
            {
                "reference": is_text,
                "batches": whole(),
                "batch_size": whole(),
                "trained": _ANGLES,
                "initial": optional(_ANGLES),
            }
        ),
        "probe": record(
            {
                "input": _SHARE,
                "train": whole(),
                "test": whole(),
                "trained": table_of(_SHARE),
                "untrained": optional(table_of(_SHARE)),
            }
        ),
        "robustness": record(
            {
                "clean": _SHARE,
                "corruptions": table_of(optional(_SHARES)),
                "spike_loss": record({"accuracy": _SHARES, "probability": _SHARES}),
            }
        ),
        "operations": is_table,
    }
)
_VERDICT = record({"holds": is_switch, "finding": is_text, "how": is_text})
_AUDIT: Check = record(
    {"criteria": table_of(_VERDICT), "data": is_text, "network": is_text, "batch": whole()},
    {"published": optional(table_of(optional(is_switch))), "notes": list_of(is_text)},
)


@checked
def read_summary(path: str | Path) -> dict[str, Any] | None:
    """`summary.json` of a run; None if the run is unfinished.

    Raises:
        DamagedError: the file is damaged.
    """
    file = Path(path) / SUMMARY
    found = read_json(file)
    if found is not None:
        _SUMMARY(found, str(file))
    return found


def model_digest(path: str | Path) -> str:
    """SHA-256 of the weights of a finished run. Measurements of these weights are valid while it stays the same.

    Raises:
        FileNotFoundError: there are no weights.
        DamagedError: they are no file.
    """
    return hashlib.sha256(read_bytes(Path(path) / MODEL)).hexdigest()


def read_analysis(path: str | Path) -> dict[str, Any] | None:
    """`analysis.json` in a run's folder; None if there is none that can be read, or if it is about other weights."""
    found = _read(Path(path) / ANALYSIS, _ANALYSIS)
    try:
        return found if found is not None and found["model_sha256"] == model_digest(path) else None
    except (FileNotFoundError, DamagedError):
        return None


def read_audit(path: str | Path) -> dict[str, Any] | None:
    """`audit.json` in a run's folder; None if there is none that can be read."""
    return _read(Path(path) / AUDIT, _AUDIT)


def _read(file: Path, check: Check) -> dict[str, Any] | None:
    try:
        found = read_json(file)
        if found is not None:
            check(found, str(file))
    except DamagedError:
        return None
    return found
