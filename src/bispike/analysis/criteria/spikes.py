"""C4, spikes for inference and learning: the share of values between populations that are 0 or 1.

All signals from one population to another are counted: bottom-up in inference; bottom-up, top-down and broadcast in
learning. The ends of the network are reported and not evaluated: the stimulus, the concept code, and the inputs of the
readouts, which are linear in the spikes and may receive their time-mean.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .links import BROADCAST, DOWN, UP, Crossing
from .subject import Subject, Trial
from .verdict import Verdict

HOW = "Share of all values between populations that are exactly 0 or 1, in a decision and in a step."


def spikes(subject: Subject, trial: Trial) -> Verdict:
    """Verdict on C4."""
    deciding, learning = subject.inference(), trial.crossings
    parts = {
        "inference_up": _share([c for c in deciding if c.evaluated and c.direction == UP]),
        "learning_up": _share([c for c in learning if c.evaluated and c.direction == UP]),
        "learning_down": _share([c for c in learning if c.evaluated and c.direction in (DOWN, BROADCAST)]),
    }
    measured: dict[str, Any] = {**parts, "ends": _ends(deciding, learning)}
    known = [share for share in parts.values() if share is not None]
    words = {
        "inference_up": "bottom-up in inference",
        "learning_up": "bottom-up in learning",
        "learning_down": "top-down in learning",
    }
    shares = ", ".join(f"{words[key]} {'none' if share is None else percent(share)}" for key, share in parts.items())
    lowest = min(known, default=1.0)
    finding = f"Values that are 0 or 1: {shares}."
    return Verdict(f"{percent(lowest)} binary", finding, measured, HOW, holds=lowest == 1)


def percent(share: float) -> str:
    """A share as a percentage that is "100 %" or "0 %" only if it is exact."""
    rounded = f"{100 * share:.0f}"
    if rounded in ("100", "0") and share not in (0.0, 1.0):
        return "< 1 %" if rounded == "0" else "> 99 %"
    return f"{rounded} %"


def _share(found: Sequence[Crossing]) -> float | None:
    """Share of 0 and 1 among all values; None if there are no signals."""
    total = sum(c.signal.sent.numel() for c in found)
    binary = sum(int(((c.signal.sent == 0) | (c.signal.sent == 1)).sum()) for c in found)
    return binary / total if total else None


def _ends(deciding: Sequence[Crossing], learning: Sequence[Crossing]) -> dict[str, float | None]:
    """Share of 0 and 1 among the inputs and outputs of the network, by synapse."""
    found: dict[str, list[Crossing]] = {}
    for crossing in [*deciding, *learning]:
        if crossing.end and not crossing.returns:
            found.setdefault(crossing.link.name, []).append(crossing)
    return {name: _share(those) for name, those in found.items()}
