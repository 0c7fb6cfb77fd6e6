"""C1, asymmetric weights: top-down signals pass other weights than bottom-up signals.

The audit looks for four faults. *Used*: an error returns through the weights of the bottom-up synapse, or through
weights that mirror them. *Copied*: all bottom-up weights are redrawn, and after two steps opposite weights mirror the
new ones. *Transported*: the weights of an upper layer change such that no input of the batch notices (ΔW x = 0), so
that the bottom-up pass stays the same, and yet the update of a lower layer changes. *At the start*: opposite weights
mirror W before any training. The angles between W and the opposite weights, before and after a short training, are
reported beside the angle of random weights. Alignment that results from learning is no fault.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from ...rules import Rule
from .links import UP, links_of
from .perturbations import TOLERANCE, input_rows, redraw, relative_difference, unnoticed_change
from .subject import Subject, Trial
from .verdict import Verdict
from .weight_pairs import Pair, returning_weights, upward_weights, weight_pairs

HOW = (
    "Angles between W and the weights of opposite direction; whether an error returns through W; whether opposite "
    "weights follow a redrawn W; whether a lower update changes with W although no input notices the change."
)


def asymmetry(start: Subject, subject: Subject, trial: Trial, *, trained: bool, feedback: bool) -> Verdict:
    """Verdict on C1.

    Args:
        start: the subject before the short training.
        subject: the subject after it.
        trial: a step of `subject`.
        trained: whether the weights were trained before the audit; then angles at the start are not evaluated.
        feedback: whether the rule has any top-down signal.
    """
    before, after = weight_pairs(start.rule, trial), weight_pairs(subject.rule, trial)
    used, copied = _used(trial), _copied(subject, trial)
    transported, untested = _transported(subject, trial)
    faults = [f"errors return through the weights of {name} ({angle:.0f}°)" for name, angle in used.items()]
    faults += [f"{pair.down} copies {pair.up} ({pair.degrees:.0f}°)" for pair in copied]
    faults += [f"a lower update depends on the weights of {name} themselves" for name in transported]
    if not trained:
        faults += [
            f"{pair.down} mirrors {pair.up} at the start ({pair.degrees:.0f}°)"
            for pair in before.values()
            if pair.mirrored
        ]
    measured: dict[str, Any] = {
        "feedback_path": feedback,
        "pairs": [_plain(before[key], after[key]) for key in before.keys() & after.keys()],
        "used": used,
        "copied": [pair.down for pair in copied],
        "transported": transported,
        "transport_untested": untested,
    }
    measured["pairs"].sort(key=lambda pair: (pair["up"], pair["down"]))
    if faults:
        sentence = f"{faults[0][0].upper()}{faults[0][1:]}{_more(faults)}."
        return Verdict(_brief(used, copied, transported), sentence, measured, HOW, holds=False)
    if not feedback:
        return Verdict(
            "no feedback", "The rule has no feedback, so no weights could be tied.", measured, HOW, holds=True
        )
    return Verdict(*_apart(after), measured, HOW, holds=True)


def _more(faults: list[str]) -> str:
    return f"; {len(faults) - 1} more such finding{'s' if len(faults) > 2 else ''}" if len(faults) > 1 else ""


def _brief(used: Mapping[str, float], copied: list[Pair], transported: list[str]) -> str:
    if used:
        nearest = min(used.values())
        return "through W" if nearest < 1 else f"{nearest:.0f}° from W"
    return "copies W" if copied else "W transported" if transported else "mirrors W"


def _apart(after: Mapping[tuple[str, str], Pair]) -> tuple[str, str]:
    if not after:
        return "nothing tied", "Feedback exists, but through no weights with the shape of a W; none are tied."
    nearest = min(after.values(), key=lambda pair: pair.degrees)
    return (
        f"{nearest.degrees:.0f}° apart",
        f"Nearest pair: {nearest.up} and {nearest.down}, {nearest.degrees:.1f}° after the short training "
        f"(random: 90 ± {nearest.spread:.1f}°).",
    )


def _plain(before: Pair, after: Pair) -> dict[str, Any]:
    return {
        "up": after.up,
        "down": after.down,
        "degrees_start": before.degrees,
        "degrees": after.degrees,
        "distance_start": before.distance,
        "distance": after.distance,
        "random_degrees": 90.0,
        "random_spread": after.spread,
    }


# ---------------------------------------------------------------------- faults


def _used(trial: Trial) -> dict[str, float]:
    """Angle between W and the weights through which errors returned, where these mirror W, by synapse."""
    found: dict[str, float] = {}
    for crossing in trial.crossings:
        pair = returning_weights(crossing)
        if pair is not None and pair.mirrored and not crossing.end:
            found[pair.up] = min(pair.degrees, found.get(pair.up, 180.0))
    return found


def _copied(subject: Subject, trial: Trial) -> list[Pair]:
    """Opposite weights that mirror a redrawn W after two steps."""
    other = subject.copy()
    for number, (_, weight) in enumerate(upward_weights(trial, other.rule)):
        redraw(weight, other.generator(100 + number))
    other.train(2)
    return [pair for pair in weight_pairs(other.rule, trial).values() if pair.mirrored]


def _transported(subject: Subject, trial: Trial) -> tuple[list[str], list[str]]:
    """Synapses whose weights change lower updates although no input notices the change, and synapses that could not be
    tested."""
    found, untested = [], []
    upward = [(f"{layer.name} up", i + 1) for i, layer in enumerate(subject.network.layers[1:])]
    for number, (name, place) in enumerate([*upward, ("readout", len(subject.layers))]):
        synapse = trial.links[name].synapse
        inputs = [input_rows(synapse, source) for source in trial.sources(name)]
        if not inputs:
            continue
        weight = synapse.weight.detach().flatten(1)
        change = unnoticed_change(torch.cat(inputs), weight, subject.generator(200 + number))
        if change is None:
            untested.append(name)
            continue
        moved = subject.trial(lambda rule, n=name, c=change: _add(rule, n, c))  # type: ignore[misc]
        if not _same_bottom_up_pass(trial, moved):
            untested.append(name)
        elif any(relative_difference(trial.update(i), moved.update(i)) > TOLERANCE for i in range(place)):
            found.append(name)
    return found, untested


def _add(rule: Rule, name: str, change: Tensor) -> None:
    weight = links_of(rule)[name].synapse.weight
    with torch.no_grad():
        weight.add_(change.view_as(weight))


def _same_bottom_up_pass(a: Trial, b: Trial) -> bool:
    """Whether the first drive of every bottom-up synapse is the same; later drives may differ by relaxation."""
    for name, link in a.links.items():
        if link.kind == UP and not name.startswith("own"):
            first = [
                next((s.arrived for s in t.signals if s.synapse == name and s.way == "forward"), None) for t in (a, b)
            ]
            if first[0] is not None and first[1] is not None and relative_difference(first[0], first[1]) > TOLERANCE:
                return False
    return True
