"""C1, asymmetric weights: what carries signals down is not what carries them up.

Three faults are looked for. *Used*: an error returned through the weights of the bottom-up synapse itself, or through
others that mirror them. *Copied*: all bottom-up weights are drawn anew, and after two steps an opposite pathway mirrors
the new ones. *Transported*: weights of an upper layer change where no input of the batch notices (ΔW x = 0), so that
the pass upward stays the same, and yet the update of a lower layer changes. Beside them the angles between W and the
opposite weights, at the start and after a short training, against the angle of random weights. Alignment that learning
brings about is reported and no fault; weights that mirror each other before any training are one.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from ...functional import angle_between
from ...nn import Conv, Residual, Synapse
from ...rules import Rule
from ..pathways import random_angle_spread
from .links import BESIDE, UP, Crossing, Link, links_of
from .subject import TOLERANCE, Subject, Trial, difference, renew, unseen
from .verdict import Verdict

MIRRORED = 45.0
"""Angle in degrees below which weights mirror each other: more than half of the squared length of one lies along the
other."""
CERTAIN = 5.0
"""Standard deviations below 90 degrees that an angle must lie, so that small matrices do not mirror each other by
chance."""

HOW = (
    "Angles between W and the weights of opposite direction; whether an error returns through W itself; whether "
    "opposite weights follow a W drawn anew; whether a lower update notices a change of W that no input notices."
)


@dataclass(frozen=True)
class Pair:
    """Weights of opposite direction.

    Attributes:
        up, down: names.
        degrees: angle between W and the opposite weights, laid out as W.
        distance: |W − Θᵀ| relative to |W|.
        spread: standard deviation in degrees of the angle of random weights, around 90.
    """

    up: str
    down: str
    degrees: float
    distance: float
    spread: float

    @property
    def mirrored(self) -> bool:
        """Whether they are nearer than chance and the bound allow."""
        return self.degrees < min(MIRRORED, 90 - CERTAIN * self.spread)


def asymmetry(start: Subject, subject: Subject, trial: Trial, *, trained: bool, feedback: bool) -> Verdict:
    """Judge C1.

    Args:
        start: before the short training.
        subject: after it.
        trial: a step of `subject`.
        trained: whether the weights had learned before the audit, so that angles at the start say nothing.
        feedback: whether anything comes down, by whatever way.
    """
    before, after = pairs(start.rule, trial), pairs(subject.rule, trial)
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
        return Verdict("no feedback", "No feedback path: nothing that could be tied.", measured, HOW, holds=True)
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
        return "nothing tied", "Something comes down, but through no weights that have the shape of a W; none is tied."
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


# ---------------------------------------------------------------------- pairs


def pairs(rule: Rule, trial: Trial) -> dict[tuple[str, str], Pair]:
    """Opposite weights of a rule, by their names: of the two pathways where signals go down the second one, and of
    every tensor that the rule keeps and that has the shape of a W or of its transpose, but for the weights of synapses
    of its own that lead up or stay in their layer."""
    found: dict[tuple[str, str], Pair] = {}
    if any(trial.sources(f"{layer.name} down") for layer in rule.network.layers):
        for name, (up, down) in rule.network.pathway_weights().items():
            key = (f"W above {name}", f"Θ above {name}")
            found[key] = _pair(*key, up, down)
    upward = [link.synapse.weight for link in links_of(rule).values() if link.kind in (UP, BESIDE)]
    for name, tensor in kept_tensors(rule, without=upward):
        for link, weight in _upward(trial, rule):
            for laid in _layouts(tensor, weight):
                pair = _pair(link.name, name, weight, laid)
                key = (link.name, name)
                if key not in found or pair.degrees < found[key].degrees:
                    found[key] = pair
    return found


def _upward(trial: Trial, rule: Rule) -> Iterator[tuple[Link, Tensor]]:
    """Bottom-up synapses that an error could return through, with the weights that they have in `rule`."""
    weights = {f"{layer.name} up": layer.up.synapse.weight for layer in rule.network.layers[1:]}
    weights["readout"] = rule.network.readout.weight
    for name, weight in weights.items():
        yield trial.links[name], weight.detach()


def kept_tensors(rule: Rule, *, without: Collection[Tensor]) -> Iterator[tuple[str, Tensor]]:
    """Everything of two or more axes that a rule remembers, in its state or in an attribute, but for some."""
    seen = {tensor.data_ptr() for tensor in (*rule.network.parameters(), *without)}
    named: list[tuple[str, Any]] = [*rule.state_dict().items(), *vars(rule).items()]
    while named:
        name, value = named.pop(0)
        if isinstance(value, Mapping):
            named += [(f"{name}.{key}", item) for key, item in value.items()]
        elif isinstance(value, list | tuple):
            named += [(f"{name}.{i}", item) for i, item in enumerate(value)]
        elif isinstance(value, Tensor) and value.dim() > 1 and value.data_ptr() not in seen:
            seen.add(value.data_ptr())
            yield name, value.detach()


def _layouts(tensor: Tensor, weight: Tensor) -> Iterator[Tensor]:
    if tensor.shape == weight.shape:
        yield tensor
    if tensor.transpose(0, 1).shape == weight.shape:
        yield tensor.transpose(0, 1)


def _pair(up: str, down: str, weight: Tensor, opposite: Tensor) -> Pair:
    distance = float((weight - opposite.to(weight)).norm() / weight.norm().clamp_min(1e-300))
    return Pair(up, down, angle_between(weight, opposite), distance, random_angle_spread(weight.numel()))


# ---------------------------------------------------------------------- faults


def _used(trial: Trial) -> dict[str, float]:
    """Angle between W and the weights by which errors returned, where these mirror W, by synapse."""
    found: dict[str, float] = {}
    for crossing in trial.crossings:
        pair = returning_weights(crossing)
        if pair is not None and pair.mirrored and not crossing.end:
            found[pair.up] = min(pair.degrees, found.get(pair.up, 180.0))
    return found


def returning_weights(crossing: Crossing) -> Pair | None:
    """W of a bottom-up synapse and the weights by which a signal went back through it; None if none did."""
    if not crossing.returns or crossing.link.kind != UP:
        return None
    own, other = crossing.link.synapse.weight.detach(), crossing.signal.weight
    return _pair(crossing.link.name, "", own, own if other is None else other)


def _copied(subject: Subject, trial: Trial) -> list[Pair]:
    """Opposite weights that mirror a W drawn anew after two steps."""
    other = subject.copy()
    for number, (_, weight) in enumerate(_upward(trial, other.rule)):
        renew(weight, other.generator(100 + number))
    other.train(2)
    return [pair for pair in pairs(other.rule, trial).values() if pair.mirrored]


def _transported(subject: Subject, trial: Trial) -> tuple[list[str], list[str]]:
    """Synapses whose weights matter below although no input notices their change, and those that could not be
    tested."""
    found, untested = [], []
    upward = [(f"{layer.name} up", i + 1) for i, layer in enumerate(subject.network.layers[1:])]
    for number, (name, place) in enumerate([*upward, ("readout", len(subject.layers))]):
        synapse = trial.links[name].synapse
        inputs = [input_rows(synapse, source) for source in trial.sources(name)]
        if not inputs:
            continue
        weight = synapse.weight.detach().flatten(1)
        change = unseen(torch.cat(inputs), weight, subject.generator(200 + number))
        if change is None:
            untested.append(name)
            continue
        moved = subject.trial(lambda rule, n=name, c=change: _add(rule, n, c))  # type: ignore[misc]
        if not _same_way_up(trial, moved):
            untested.append(name)
        elif any(difference(trial.update(i), moved.update(i)) > TOLERANCE for i in range(place)):
            found.append(name)
    return found, untested


def _add(rule: Rule, name: str, change: Tensor) -> None:
    weight = links_of(rule)[name].synapse.weight
    with torch.no_grad():
        weight.add_(change.view_as(weight))


def _same_way_up(a: Trial, b: Trial) -> bool:
    """Whether the first drive of every bottom-up synapse is the same: relaxation may differ later on."""
    for name, link in a.links.items():
        if link.kind == UP and not name.startswith("own"):
            first = [
                next((s.arrived for s in t.signals if s.synapse == name and s.way == "forward"), None) for t in (a, b)
            ]
            if first[0] is not None and first[1] is not None and difference(first[0], first[1]) > TOLERANCE:
                return False
    return True


def input_rows(synapse: Synapse, source: Tensor) -> Tensor:
    """`[n, fan-in]` what the weights of one target neuron are multiplied with, for each sample, step and position."""
    rows = source.to(synapse.weight.dtype).reshape(-1, *synapse.source)
    if isinstance(synapse, Residual):
        return input_rows(synapse.main, synapse.parts(rows)[0])
    if isinstance(synapse, Conv):
        patches = F.unfold(rows, synapse.kernel, padding=synapse.padding, stride=synapse.stride)
        return patches.transpose(1, 2).flatten(0, 1)
    return rows.reshape(-1, math.prod(synapse.source))
