"""From raw measurements to the rows of the table: medians, quartiles, ratios.

A ratio of times is the median over turns of the ratio of two times in the same turn. `ratio_time` and `ratio_memory`
are relative to `bptt` of bispike. `ratio_fastest` is relative to the fastest backpropagation through time of the case,
in bispike or a peer. `ratio_inference` is the training step of a contender relative to its inference step.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from .cases import Case

MEGABYTE = 2**20
REFERENCE = "bispike bptt"


def rows_of(case: Case, timing: Mapping[str, Any], memory: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """One row for each contender that was timed.

    Args:
        case: the measured case.
        timing: result of `worker.measure_time`.
        memory: results of `worker.measure_memory` by contender; a contender is missing if its measurement failed.

    Returns:
        Plain values; an unknown value is None.
    """
    found = timing["contenders"]
    steps = {name: one["times"]["step_ms"] for name, one in found.items()}
    fastest = min((name for name in steps if name.endswith(" bptt")), key=lambda n: median(steps[n]), default=None)
    rows = []
    for name, one in found.items():
        library, rule = name.split(" ", 1)
        inference = one["times"]["inference_ms"]
        measured, reference = memory.get(name, {}), memory.get(REFERENCE, {})
        rows.append(
            {
                "case": case.name,
                "rule": rule,
                "library": library,
                "version": one["version"],
                "step_ms": median(steps[name]),
                "step_ms_quartiles": quartiles(steps[name]),
                "samples_per_s": 1e3 * case.batch_size / median(steps[name]),
                "inference_ms": median(inference),
                "peak_memory_mb": _megabytes(measured.get("peak")),
                "rss_memory_mb": _megabytes(measured.get("resident")),
                "saved_mb": _megabytes(measured.get("saved")),
                "ratio_time": paired_ratio(steps[name], steps.get(REFERENCE)),
                "ratio_fastest": paired_ratio(steps[name], steps.get(fastest)),
                "fastest": fastest,
                "ratio_inference": paired_ratio(steps[name], inference),
                "ratio_memory": _ratio(measured.get("peak"), reference.get("peak")),
                "ratio_rss": _ratio(measured.get("resident"), reference.get("resident")),
                "spike_rate": timing["spike_rate"],
                "time_steps": case.time_steps,
                "batch_size": case.batch_size,
                "warmup": case.warmup,
                "repeats": case.repeats,
                "axis": case.axis,
                "at": case.at,
                "equal_spikes": None,
                "gradient_cosine": None,
                "difference": "",
                **one["check"],
            }
        )
    return rows


def median(values: Sequence[float]) -> float:
    """The median of at least one value."""
    return statistics.median(values)


def quartiles(values: Sequence[float]) -> list[float]:
    """First and third quartile; of a single value, that value twice."""
    if len(values) < 2:
        return [values[0], values[0]]
    first, _, third = statistics.quantiles(values, n=4, method="inclusive")
    return [first, third]


def paired_ratio(values: Sequence[float], against: Sequence[float] | None) -> float | None:
    """Median of the ratios turn by turn; None without a reference."""
    if not against:
        return None
    return median([a / b for a, b in zip(values, against, strict=True)])


def _megabytes(size: int | None) -> float | None:
    return None if size is None else size / MEGABYTE


def _ratio(a: int | None, b: int | None) -> float | None:
    return a / b if a is not None and b else None
