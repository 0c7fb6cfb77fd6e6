"""Whether a signal that arrives at a layer is an error of other layers (the scope *network* of C2, see `locality`).

A derivative is an error: it returned by autograd, through W, or through weights that mirror W. Any other feedback is an
error if it vanishes when the result at the top is right, which is tested by setting the readout.
"""

from __future__ import annotations

import torch

from ...rules import Rule
from .links import BROADCAST, DOWN, Crossing
from .perturbations import TOLERANCE, relative_difference
from .signals import TAPE
from .subject import Subject, Trial
from .weight_pairs import returning_weights

VANISHED = 0.05
"""Size of a feedback signal, relative to its usual size, below which it is considered zero."""
RIGHT_DRIVES = (1.0, 2.0, 3.0, 4.0, 4.5, 5.0, 6.0, 8.0, 50.0)
"""Drives of the correct concept neurons that count as a right result: squared errors vanish at 1, cross-entropy at
large drives, cross-entropy of smoothed targets in between."""


def arriving_errors(subject: Subject, trial: Trial) -> dict[int, str]:
    """The error of other layers that arrives at a layer, in words, by layer."""
    arriving: dict[int, list[Crossing]] = {}
    for crossing in trial.crossings:
        is_feedback = crossing.direction in (DOWN, BROADCAST) or crossing.returns
        if is_feedback and crossing.evaluated and crossing.link.name != "readout" and isinstance(crossing.to, int):
            arriving.setdefault(crossing.to, []).append(crossing)
    doubtful = any(not _is_derivative(crossing) for found in arriving.values() for crossing in found)
    sizes = _smallest_when_right(subject, trial) if doubtful else {}
    errors: dict[int, str] = {}
    for layer, found in arriving.items():
        if _changes_activity(trial, layer):
            continue
        for crossing in found:
            name = crossing.link.name
            if _is_derivative(crossing):
                errors[layer] = f"a derivative arrives through the weights of {name}"
            elif sizes.get(name, 1.0) < VANISHED:
                kind = "broadcast" if crossing.direction == BROADCAST else "sent down"
                errors[layer] = f"the error of the top is {kind} ({name}): it vanishes when the result is right"
    return errors


def _is_derivative(crossing: Crossing) -> bool:
    """Whether the signal is a derivative: it returned by autograd, or through W or weights that mirror it."""
    pair = returning_weights(crossing)
    return crossing.signal.way == TAPE or (pair is not None and pair.mirrored)


def _changes_activity(trial: Trial, layer: int) -> bool:
    """Whether the layer sends different spikes up within one step."""
    last = layer + 1 == len(trial.layers)
    sent = trial.sources("readout" if last else f"{trial.layers[layer + 1].name} up")
    return any(part.shape == sent[0].shape and relative_difference(part, sent[0]) > TOLERANCE for part in sent[1:])


def _smallest_when_right(subject: Subject, trial: Trial) -> dict[str, float]:
    """Size of the signal of each feedback synapse when the result at the top is right, relative to the usual size; the
    smallest over several right results."""
    usual = _sizes(trial)
    smallest = dict.fromkeys(usual, float("inf"))
    for drive in RIGHT_DRIVES:
        right = subject.trial(lambda rule, d=drive: _make_result_right(rule, subject, trial, d))  # type: ignore[misc]
        for name, size in _sizes(right).items():
            smallest[name] = min(smallest.get(name, float("inf")), size / max(usual.get(name, 0.0), 1e-300))
    return smallest


def _sizes(trial: Trial) -> dict[str, float]:
    sizes: dict[str, float] = {}
    for crossing in trial.crossings:
        if crossing.direction in (DOWN, BROADCAST):
            name = crossing.link.name
            sizes[name] = sizes.get(name, 0.0) + float(crossing.signal.sent.double().norm())
    return sizes


def _make_result_right(rule: Rule, subject: Subject, trial: Trial, drive: float) -> None:
    """Set the readout such that it drives exactly the code of each sample's class."""
    readout = rule.network.readout
    inputs = trial.sources("readout")
    if not inputs:
        return
    rates = (
        inputs[0].reshape(-1, subject.batch, readout.weight.shape[1]).mean(0)
    )  # mean over time, if the input has a time axis
    code = rule.network.code.rate(rule.network.time_steps).to(rates)[subject.labels[: subject.batch]]
    with torch.no_grad():
        readout.weight.copy_((drive * torch.linalg.pinv(rates) @ code).T)
        if readout.bias is not None:
            readout.bias.zero_()
