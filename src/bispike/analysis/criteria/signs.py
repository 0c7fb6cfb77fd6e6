"""C5, unsigned errors: the signs of all signals between populations, and of the errors at concept neurons.

A negative signal between populations is a fault: spikes and their rates have no sign. So is a signed error at concept
neurons, which are those of the readout and of classifiers beside the layers. There dL/d drive always has both signs, as
every change of weights has. The error is signed if it has a component along the drive, toward *more* or *less* of it
(as prediction − target has). It is unsigned if it only changes the *pattern* (orthogonal to the drive, as the gradient
of every function of a cosine is). For a rule with an option `top_loss` all
top losses are measured.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from ...errors import ConfigurationError
from ...rules.readouts import TOP_LOSSES
from .links import BESIDE, BROADCAST, DOWN, UP, Crossing
from .spikes import percent
from .subject import Subject, Trial
from .verdict import Verdict

ALONG = 1e-3
"""Mean |cosine| between dL/d drive and drive up to which the error is considered orthogonal to the drive."""

HOW = (
    "Share of negative values among all signals between populations; and whether the error at concept neurons asks for "
    "more or less drive (signed) or only for another pattern (unsigned)."
)


def signs(subject: Subject, trial: Trial) -> Verdict:
    """Verdict on C5."""
    crossed = [*subject.inference(), *trial.crossings]
    shares = {
        "up": _negative([c for c in crossed if c.evaluated and c.direction == UP]),
        "down": _negative([c for c in crossed if c.evaluated and c.direction in (DOWN, BROADCAST)]),
    }
    teaching = {name: found for name in _concept_synapses(trial) if (found := _teaching(trial, name)) is not None}
    measured: dict[str, Any] = {"negative": shares, "teaching": teaching, "top_losses": _variants(subject)}
    return Verdict(
        *_found(shares, teaching, measured["top_losses"]), measured, HOW, holds=not _signed(shares, teaching)
    )


def _signed(shares: Mapping[str, float | None], teaching: Mapping[str, Any]) -> bool:
    return any(shares.values()) or any(found["signed"] for found in teaching.values())


def _found(
    shares: Mapping[str, float | None], teaching: Mapping[str, Any], variants: Mapping[str, Any]
) -> tuple[str, str]:
    """The measurement in brief and in a sentence."""
    way, share = max(shares.items(), key=lambda item: item[1] or 0.0)
    if share:
        direction = {"up": "bottom-up", "down": "top-down"}[way]
        return f"{percent(share)} < 0 {way}", f"{percent(share)} of the {direction} values are negative."
    nothing = "No signal between populations is negative"
    signed = [name for name, found in teaching.items() if found["signed"]]
    if not signed:
        return "unsigned", f"{nothing}, and no error at concept neurons is signed."
    unsigned = [kind for kind, found in variants.items() if found is not None and not found["signed"]]
    other = f" With top_loss={unsigned[0]} it is unsigned." if unsigned and signed == ["readout"] else ""
    brief = "signed top" if signed == ["readout"] else "signed classes"
    return brief, f"{nothing}, but the error at {', '.join(signed)} is signed.{other}"


def _negative(found: Sequence[Crossing]) -> float | None:
    """Share of values below 0; None if there are no signals."""
    total = sum(c.signal.sent.numel() for c in found)
    return sum(int((c.signal.sent < 0).sum()) for c in found) / total if total else None


def _concept_synapses(trial: Trial) -> list[str]:
    """Synapses that lead to concept neurons: the readout, and classifiers beside the layers."""
    beside = [name for name, link in trial.links.items() if link.kind == BESIDE and isinstance(link.target, str)]
    return ["readout", *beside]


def _teaching(trial: Trial, name: str) -> dict[str, Any] | None:
    """Sign of the error at the target of a synapse; None if the step computed none."""
    error = trial.drive_gradient(name)
    if error is None:
        return None
    drives = [s.arrived for s in trial.signals if s.synapse == name and s.way == "forward"]
    drive = next((d.reshape(error.shape) for d in drives if d.numel() == error.numel()), None)
    along = None if drive is None else _along(error, drive)
    negative = float((error < 0).double().mean())
    return {"negative": negative, "along_drive": along, "signed": negative > 0 and (along is None or along > ALONG)}


def _along(error: Tensor, drive: Tensor) -> float:
    """Mean |cosine| of error and drive over samples; samples without an error are left out."""
    e, a = error.double().flatten(1), drive.double().flatten(1)
    nonzero = (e.norm(dim=1) > 0) & (a.norm(dim=1) > 0)
    if not bool(nonzero.any()):
        return 0.0
    return float(torch.cosine_similarity(e[nonzero], a[nonzero]).abs().mean())


def _variants(subject: Subject) -> dict[str, dict[str, Any] | None]:
    """The error at the readout under each top loss of the rule."""
    found: dict[str, dict[str, Any] | None] = {}
    if "top_loss" not in subject.rule.options:
        return found
    for kind in TOP_LOSSES:
        other = subject.copy()
        try:
            other.rule.settings = dataclasses.replace(other.rule.settings, top_loss=kind)
        except ConfigurationError:
            continue
        found[kind] = _teaching(other.trial(), "readout")
    return found
