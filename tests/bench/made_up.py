"""Measurements with numbers that can be checked by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from bispike.bench import Case
from bispike.bench.rows import rows_of

TINY = Case("tiny", "mlp", (16, 12), (10,), time_steps=3, batch_size=4, warmup=1, repeats=2)


def timed(step_ms: list[float], inference_ms: list[float], **check: Any) -> dict[str, Any]:
    """Answer of the measuring process for one contender."""
    return {"version": "1", "check": check, "times": {"step_ms": step_ms, "inference_ms": inference_ms}}


def made_up_rows(name: str = "tiny", at: float | None = None, *, bsd_ms: float = 10.0) -> list[dict[str, Any]]:
    """Three contenders over three turns; the second turn is a slow moment that hits all of them."""
    timing = {
        "contenders": {
            "bispike bsd": timed([bsd_ms, 3 * bsd_ms, bsd_ms], [5.0, 15.0, 5.0]),
            "bispike bptt": timed([40.0, 120.0, 40.0], [5.0, 15.0, 5.0]),
            "norse bptt": timed(
                [20.0, 60.0, 20.0], [10.0, 30.0, 10.0], equal_spikes=0.999, gradient_cosine=0.9, difference="other"
            ),
        },
        "spike_rate": [0.5, 0.25],
        "failed": {},
    }
    memory = {
        "bispike bsd": {"peak": 2**20, "resident": 3 * 2**20, "saved": 0},
        "bispike bptt": {"peak": 4 * 2**20, "resident": None, "saved": 2**20},
    }
    return rows_of(replace(TINY, name=name, axis="depth" if at else "", at=at), timing, memory)
