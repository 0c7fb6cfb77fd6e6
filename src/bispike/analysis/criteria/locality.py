"""C2, local plasticity: what the update of a weight depends on, found by perturbation.

The scope of the bottom-up update of a layer is the widest of these that a test finds:

- *synapse*: none of the others. The update depends on the two neurons of the synapse (their activity and the signals
  that the postsynaptic neuron receives from other layers) and on the weight itself.
- *neuron*: other synapses of the neuron. The weights of half of its inputs change such that no input of the batch
  notices; the update of the other half changes.
- *layer*: other neurons of the layer. Half of the neurons get other weights while all signals from other layers are
  replayed; the update of the other half of the neurons changes.
- *batch*: other samples. The effect of replacing some samples depends on the other samples: the update is not a sum
  over samples.
- *network*: one of two. (a) *Around*: all weights above the layer are redrawn while all signals that arrive at the
  layer are replayed; its update changes, so it depends on other layers past every synapse. (b) *Error*: an error of
  other layers arrives. A derivative that returns by autograd or through W is an error by definition. A signal through
  other weights is one if it vanishes when the result at the top is right; activity and targets do not vanish.
  An error that changes the activity of the layer at which it arrives, so that the layer sends other spikes up within
  the step, counts as activity, as in predictive coding. The signal from the readout to the last layer comes from a
  neighbour and from an end of the network, and is not counted.

C2 holds if the scope of no layer is the network.
"""

from __future__ import annotations

from typing import Any

import torch

from ...rules import Rule
from .feedback_errors import arriving_errors
from .links import BESIDE
from .perturbations import TOLERANCE, input_rows, redraw, redraw_above, relative_difference, unnoticed_change
from .subject import Subject, Trial
from .verdict import Verdict

SCOPES = ("synapse", "neuron", "layer", "batch", "network")

HOW = (
    "Update of each layer after one change elsewhere (a neuron, a sample, the weights above), with all signals that "
    "arrive at the layer replayed; and whether an error of other layers arrives."
)


def locality(subject: Subject, trial: Trial) -> Verdict:
    """Verdict on C2."""
    learning = [i for i in subject.layers if float(trial.update(i, pathways=("up",)).norm()) > 0]
    interaction = _sample_interaction(subject)
    errors = arriving_errors(subject, trial)
    layers: dict[str, dict[str, Any]] = {}
    for i in learning:
        found = {
            "neuron": _depends_on_synapses(subject, trial, i),
            "layer": _depends_on_neurons(subject, trial, i),
            "batch": None if interaction is None else interaction[i],
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
            f"{error}." if error else "the update changes with the weights above although the same signals arrive."
        )
    reasons = {
        "batch": "the update is not a sum over samples: the part of each sample depends on the other samples",
        "layer": "the update of a neuron depends on other neurons of its layer and on nothing else",
        "neuron": "the update of a synapse depends on other synapses of its neuron and on nothing else",
        "synapse": "the update of a synapse depends on its two neurons and on the signals that they receive",
    }
    alone = " (one sample per step)" if batch == 1 and widest != "batch" else ""
    return f"{where}: {reasons[widest]}{alone}."


# ---------------------------------------------------------------------- within the layer


def _depends_on_synapses(subject: Subject, trial: Trial, layer: int) -> float | None:
    """Change of the update of half of the inputs after an unnoticed change of the other weights; None: none exists."""
    link = trial.links[f"{subject.network.layer_names[layer]} up"]
    inputs = torch.cat([input_rows(link.synapse, source) for source in trial.sources(link.name)])
    half = inputs.shape[1] // 2
    weight = link.synapse.weight.detach().flatten(1)
    change = unnoticed_change(inputs, weight, subject.generator(300 + layer), slice(0, half))
    if change is None:
        return None

    def shift(rule: Rule) -> None:
        target = rule.network.layers[layer].up.synapse.weight
        with torch.no_grad():
            target.add_(change.view_as(target))

    moved = subject.trial(shift, earlier=trial, replay=lambda name, way: not (name == link.name and way == "forward"))
    return relative_difference(trial.rows(layer)[:, half:], moved.rows(layer)[:, half:])


def _depends_on_neurons(subject: Subject, trial: Trial, layer: int) -> float:
    """Change of the update of half of the neurons after the others get new weights, with other layers replayed."""
    name = subject.network.layer_names[layer]
    free = {f"{name} up", *[n for n, link in trial.links.items() if link.kind == BESIDE and link.source == layer]}
    half = trial.rows(layer).shape[0] // 2
    moved = subject.trial(
        lambda rule: redraw(rule.network.layers[layer].up.synapse.weight[:half], subject.generator(400 + layer)),
        earlier=trial,
        replay=lambda synapse, way: synapse not in free or (way != "forward" and synapse == f"{name} up"),
    )
    return relative_difference(trial.rows(layer)[half:], moved.rows(layer)[half:])


# ---------------------------------------------------------------------- other samples


def _sample_interaction(subject: Subject) -> list[float] | None:
    """By layer, how far the update is from a sum over samples: the mixed difference of four batches, relative to the
    updates. None for one sample per step."""
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
    """Change of the update after all weights above are redrawn, with all signals that arrive at the layer replayed."""

    def change(rule: Rule) -> None:
        redraw_above(layer, subject.generator(500 + layer))(rule)
        for number, above in enumerate(rule.network.layers[layer + 1 :]):
            redraw(above.down.synapse.weight, subject.generator(600 + number))

    moved = subject.trial(change, earlier=trial, replay=lambda name, way: _destination(trial, name, way) == layer)
    return relative_difference(trial.update(layer, pathways=("up",)), moved.update(layer, pathways=("up",)))


def _destination(trial: Trial, name: str, way: str) -> int | str:
    link = trial.links[name]
    return link.target if way == "forward" else link.source
