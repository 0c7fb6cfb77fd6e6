"""C2, local plasticity: what the update of a weight depends on, found by perturbation.

The scope of a layer's bottom-up update is the widest of these that a test finds:

- *synapse*: none of the others. The update is made of what the synapse's two neurons have: activity, what other
  layers deliver to the postsynaptic one, the weight itself.
- *neuron*: other synapses of the neuron. The weights of one half of its inputs change where no input of the batch
  notices; the update of the other half changes.
- *layer*: other neurons of the layer. Half of the neurons get other weights, all that other layers deliver is held
  fixed; the update of the other half of the neurons changes.
- *batch*: other samples. The effect of replacing some samples depends on which the others are: the update is no sum
  over samples.
- *network*: either of two. (a) *Around*: everything above the layer gets other weights, all that arrives at the layer
  is held fixed; its update changes, so it knows of the rest by a way that no synapse shows. (b) *Error*: what arrives
  is an error of other layers. A derivative that returns by the tape, or through W itself, is one by what it is. What
  comes through other weights is one if it vanishes when the top says what the teacher says; activity and targets do
  not.
  Errors that move the activity of the layer that they reach, so that it sends up something else within the step, are
  activity by then, as in predictive coding. What the readout hands to the last layer comes from a neighbour and from
  an end, and is not counted.

C2 holds if no layer's scope is the network.
"""

from __future__ import annotations

from typing import Any

import torch

from ...rules import Rule
from .asymmetry import input_rows, returning_weights
from .links import BESIDE, BROADCAST, DOWN, Crossing
from .subject import TOLERANCE, Subject, Trial, change_above, difference, renew, unseen
from .verdict import Verdict
from .watch import TAPE

SCOPES = ("synapse", "neuron", "layer", "batch", "network")
VANISHED = 0.05
"""Size of a feedback signal, relative to its usual one, below which it has vanished."""
RIGHT_DRIVES = (1.0, 2.0, 3.0, 4.0, 4.5, 5.0, 6.0, 8.0, 50.0)
"""Drives of the right concept neurons that count as a right top: squared errors vanish at 1, cross-entropy at large
ones, cross-entropy of smoothed targets in between."""

HOW = (
    "The update of each layer after one thing elsewhere was changed (a neuron, a sample, the weights above), with all "
    "that arrives at the layer held fixed; and whether what arrives is an error of other layers."
)


def locality(subject: Subject, trial: Trial) -> Verdict:
    """Judge C2."""
    learning = [i for i in subject.layers if float(trial.update(i, pathways=("up",)).norm()) > 0]
    interplay = _interplay(subject)
    errors = _errors(subject, trial)
    layers: dict[str, dict[str, Any]] = {}
    for i in learning:
        found = {
            "neuron": _depends_on_synapses(subject, trial, i),
            "layer": _depends_on_neurons(subject, trial, i),
            "batch": None if interplay is None else interplay[i],
            "around": _depends_around(subject, trial, i),
        }
        layers[subject.network.layer_names[i]] = {
            "scope": _scope(found, errors.get(i)),
            "error": errors.get(i),
            "change": found,
        }
    measured = {"layers": layers, "batch_size": subject.batch, "tolerance": TOLERANCE}
    if not layers:
        return Verdict("nothing learns", "No hidden layer learns.", measured, HOW, holds=True)
    widest = max((found["scope"] for found in layers.values()), key=SCOPES.index)
    return Verdict(widest, _finding(layers, widest, subject.batch), measured, HOW, holds=widest != "network")


def _scope(found: dict[str, float | None], error: str | None) -> str:
    if error is not None or (found["around"] or 0) > TOLERANCE:
        return "network"
    return next((scope for scope in ("batch", "layer", "neuron") if (found[scope] or 0) > TOLERANCE), "synapse")


def _finding(layers: dict[str, Any], widest: str, batch: int) -> str:
    those = [name for name, found in layers.items() if found["scope"] == widest]
    where = "Every layer" if len(those) == len(layers) else ", ".join(those)
    if widest == "network":
        error = next((found["error"] for found in layers.values() if found["error"] is not None), None)
        return f"{where}: " + (
            f"{error}." if error else "the update changes with the weights above although all that arrives is the same."
        )
    reasons = {
        "batch": "the update is no sum over samples: each sample's part depends on the others of the batch",
        "layer": "a neuron's update depends on other neurons of its layer, and on nothing further away",
        "neuron": "a synapse's update depends on other synapses of its neuron, and on nothing further away",
        "synapse": "a synapse's update depends on its own two neurons and on what is delivered to them",
    }
    alone = " (one sample a step)" if batch == 1 and widest != "batch" else ""
    return f"{where}: {reasons[widest]}{alone}."


# ---------------------------------------------------------------------- within the layer


def _depends_on_synapses(subject: Subject, trial: Trial, layer: int) -> float | None:
    """Change of the update of half of the inputs when the weights of the others change unnoticed; None: no room."""
    link = trial.links[f"{subject.network.layer_names[layer]} up"]
    inputs = torch.cat([input_rows(link.synapse, source) for source in trial.sources(link.name)])
    half = inputs.shape[1] // 2
    weight = link.synapse.weight.detach().flatten(1)
    change = unseen(inputs, weight, subject.generator(300 + layer), slice(0, half))
    if change is None:
        return None

    def shift(rule: Rule) -> None:
        own = rule.network.layers[layer].up.synapse.weight
        with torch.no_grad():
            own.add_(change.view_as(own))

    moved = subject.trial(shift, earlier=trial, held=lambda name, way: not (name == link.name and way == "forward"))
    return difference(trial.rows(layer)[:, half:], moved.rows(layer)[:, half:])


def _depends_on_neurons(subject: Subject, trial: Trial, layer: int) -> float:
    """Change of the update of half of the neurons when the others get new weights, with other layers held fixed."""
    name = subject.network.layer_names[layer]
    free = {f"{name} up", *[n for n, link in trial.links.items() if link.kind == BESIDE and link.source == layer]}
    half = trial.rows(layer).shape[0] // 2
    moved = subject.trial(
        lambda rule: renew(rule.network.layers[layer].up.synapse.weight[:half], subject.generator(400 + layer)),
        earlier=trial,
        held=lambda synapse, way: synapse not in free or (way != "forward" and synapse == f"{name} up"),
    )
    return difference(trial.rows(layer)[half:], moved.rows(layer)[half:])


# ---------------------------------------------------------------------- other samples


def _interplay(subject: Subject) -> list[float] | None:
    """By layer, how far the update is from a sum over samples: the mixed difference of four batches, relative to the
    updates. None for one sample a step."""
    if subject.batch < 2:
        return None
    half = subject.batch // 2
    first, second = list(range(half)), list(range(half, subject.batch))
    others, more = (
        list(range(subject.batch, subject.batch + half)),
        list(range(subject.batch + half, 2 * subject.batch)),
    )
    tried = [
        [subject.trial(rows=rows).update(i, pathways=("up",)) for i in subject.layers]
        for rows in (first + second, others + second, first + more, others + more)
    ]
    found = []
    for i in subject.layers:
        a, b, c, d = (updates[i] for updates in tried)
        scale = max(float(update.norm()) for update in (a, b, c, d))
        found.append(float((a - b - c + d).norm()) / scale if scale > 0 else 0.0)
    return found


# ---------------------------------------------------------------------- other layers


def _depends_around(subject: Subject, trial: Trial, layer: int) -> float:
    """Change of the update when everything above gets new weights and all that arrives at the layer is held fixed."""

    def change(rule: Rule) -> None:
        change_above(layer, subject.generator(500 + layer))(rule)
        for number, above in enumerate(rule.network.layers[layer + 1 :]):
            renew(above.down.synapse.weight, subject.generator(600 + number))

    moved = subject.trial(change, earlier=trial, held=lambda name, way: _arrives(trial, name, way) == layer)
    return difference(trial.update(layer, pathways=("up",)), moved.update(layer, pathways=("up",)))


def _arrives(trial: Trial, name: str, way: str) -> int | str:
    link = trial.links[name]
    return link.target if way == "forward" else link.source


def _errors(subject: Subject, trial: Trial) -> dict[int, str]:
    """By layer, the error of other layers that arrives there, in words."""
    arriving: dict[int, list[Crossing]] = {}
    for crossing in trial.crossings:
        comes = crossing.direction in (DOWN, BROADCAST) or crossing.returns
        if comes and crossing.judged and crossing.link.name != "readout" and isinstance(crossing.to, int):
            arriving.setdefault(crossing.to, []).append(crossing)
    doubtful = any(not _is_derivative(crossing) for found in arriving.values() for crossing in found)
    sizes = _smallest_when_right(subject, trial) if doubtful else {}
    errors: dict[int, str] = {}
    for layer, found in arriving.items():
        if _moves_activity(trial, layer):
            continue
        for crossing in found:
            name = crossing.link.name
            if _is_derivative(crossing):
                errors[layer] = f"a derivative arrives through the weights of {name}"
            elif sizes.get(name, 1.0) < VANISHED:
                kind = "broadcast" if crossing.direction == BROADCAST else "sent down"
                errors[layer] = f"the error of the top is {kind} ({name}): it vanishes when the top is right"
    return errors


def _is_derivative(crossing: Crossing) -> bool:
    """Whether it is one by what it is: it returned by the tape, or through weights that are W or mirror it."""
    pair = returning_weights(crossing)
    return crossing.signal.way == TAPE or (pair is not None and pair.mirrored)


def _moves_activity(trial: Trial, layer: int) -> bool:
    """Whether the layer sends up several different things within the step."""
    last = layer + 1 == len(trial.layers)
    sent = trial.sources("readout" if last else f"{trial.layers[layer + 1].name} up")
    return any(part.shape == sent[0].shape and difference(part, sent[0]) > TOLERANCE for part in sent[1:])


def _smallest_when_right(subject: Subject, trial: Trial) -> dict[str, float]:
    """Size of what each feedback synapse sends when the top is right, relative to the usual; of several right tops
    the one where it is smallest."""
    usual = _sizes(trial)
    smallest = dict.fromkeys(usual, float("inf"))
    for drive in RIGHT_DRIVES:
        right = subject.trial(lambda rule, d=drive: _make_right(rule, subject, trial, d))  # type: ignore[misc]
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


def _make_right(rule: Rule, subject: Subject, trial: Trial, drive: float) -> None:
    """A readout that drives the code of each sample's class, and nothing else."""
    readout = rule.network.readout
    given = trial.sources("readout")
    if not given:
        return
    rates = given[0].reshape(-1, subject.batch, readout.weight.shape[1]).mean(0)  # time first, if there is time
    code = rule.network.code.rate(rule.network.time_steps).to(rates)[subject.labels[: subject.batch]]
    with torch.no_grad():
        readout.weight.copy_((drive * torch.linalg.pinv(rates) @ code).T)
        if readout.bias is not None:
            readout.bias.zero_()
