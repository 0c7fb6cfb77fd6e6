"""Numbers and names as text."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from ..runs.record import RunRecord

UNKNOWN = "–"
SPACE = "\u00a0"  # between a number and its unit: never a line break


def percent(share: float | None, digits: int = 1) -> str:
    """A share of 1 as a percentage; a dash where it is unknown."""
    return UNKNOWN if share is None or not math.isfinite(share) else f"{100 * share:.{digits}f}{SPACE}%"


def number(value: Any, form: str = "", unit: str = "") -> str:
    """A number in a format, with its unit; a dash where it is unknown."""
    if not isinstance(value, int | float) or not math.isfinite(value):
        return UNKNOWN
    return f"{value:{form}}".replace("-", "−") + (f"{SPACE}{unit}" if unit else "")


def metric_text(summary: Mapping[str, Any], part: str) -> str:
    """The metric of "test" or "validation": an accuracy as a percentage, an error with its name."""
    if summary.get("metric") == "mse":
        return f"{number(summary.get(part), '.5f')} MSE"
    return percent(summary.get(part), 2)


def duration(seconds: Any) -> str:
    """Seconds in a unit that suits them."""
    if not isinstance(seconds, int | float) or not math.isfinite(seconds):
        return UNKNOWN
    if seconds < 60:
        return f"{seconds:.1f}{SPACE}s"
    return f"{seconds / 60:.1f}{SPACE}min" if seconds < 3600 else f"{seconds / 3600:.1f}{SPACE}h"


def counted(count: int, noun: str, plural: str | None = None) -> str:
    """A count with its noun."""
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"


def rates(values: Any) -> str:
    """Firing rates of the layers as one text."""
    return " / ".join(number(v, ".2f") for v in values) if values else UNKNOWN


def setting(record: RunRecord, key: str) -> Any:
    """A setting of a run: from its result, or else from its configuration."""
    value = record.summary.get(key)
    return record.config.get(key) if value is None else value


def flat(settings: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Settings as names and texts; those of a table are named `table.option`, those without a value left out."""
    found = []
    for key, value in settings.items():
        if isinstance(value, Mapping) and value:
            found += [(f"{key.removesuffix('_options')}.{name}", text) for name, text in flat(value)]
        elif value is not None and not isinstance(value, Mapping):
            found.append((key, str(value)))
    return found
