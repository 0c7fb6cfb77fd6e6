"""The audit of one rule: all five criteria on one network and a few stimuli."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor

from ... import data, models, rules
from ...errors import ConfigurationError
from ...nn import DriveNorm, Network
from ...rules import Rule
from .asymmetry import asymmetry
from .locality import locality
from .phases import phases
from .published import published
from .signs import signs
from .spikes import spikes
from .subject import Subject, Trial
from .verdict import Verdict

CRITERIA = {
    "C1": "asymmetric weights",
    "C2": "local plasticity",
    "C3": "no separate phases",
    "C4": "spikes only",
    "C5": "unsigned errors",
}
WIDTHS = (48, 40, 32)
"""Layers of the network that is audited by default. No two have one size, so that a synapse's shape tells its place,
and each is wider than a batch has vectors of spikes, so that there are changes of weights that go unnoticed."""
SAMPLES = 64


@dataclass(frozen=True)
class Audit:
    """Five verdicts on one rule.

    Attributes:
        rule: its name.
        options: its options in force.
        network: what it was audited on, in words.
        data: the stimuli, in words.
        batch: samples a step.
        seed: of all that was drawn.
        criteria: by `"C1"` to `"C5"`.
        published: verdicts of the literature by criterion, for criteria that it judges.
        notes: what to bear in mind.
    """

    rule: str
    options: dict[str, Any]
    network: str
    data: str
    batch: int
    seed: int
    criteria: dict[str, Verdict]
    published: dict[str, bool]
    notes: list[str]

    def verdicts(self) -> dict[str, bool]:
        """Whether each criterion holds."""
        return {name: verdict.holds for name, verdict in self.criteria.items()}

    def to_dict(self) -> dict[str, Any]:
        """As plain values, for JSON."""
        return asdict(self)


def measure(
    rule: str | type[Rule] | Callable[[Network], Rule],
    *,
    network: Network | None = None,
    stimuli: Tensor | None = None,
    labels: Tensor | None = None,
    stimuli_are: str = "given stimuli",
    batch: int = 4,
    training: int = 20,
    trained: bool = False,
    seed: int = 0,
    **options: Any,
) -> Audit:
    """Measure C1 to C5 of a rule.

    Args:
        rule: name, class, or a function from a network to a rule.
        network: what to audit it on, left unchanged; by default a small dense one without batch norm, whose
            statistics would make every update depend on the batch.
        stimuli: `[n, *stimulus.shape]` in the units of the data, n ≥ 2·batch; by default some of the digits.
        labels: `[n]`.
        stimuli_are: the stimuli in words.
        batch: samples a step, at least 1. With one there are no other samples to depend on.
        training: steps of the short training before the tests.
        trained: whether the network's weights have learned before.
        seed: of all that is drawn.
        **options: of the rule, if it is given by name or class.

    Returns:
        Audit.

    Raises:
        UnknownNameError, ConfigurationError: no such rule, unknown options, stimuli without labels.
    """
    if (stimuli is None) != (labels is None):
        raise ConfigurationError("audit: expected stimuli and labels, or neither.")
    if stimuli is None or labels is None:
        stimuli, labels, stimuli_are = *_digits(max(SAMPLES, 2 * batch)), "digits"
    subject_network = audit_network(seed=seed) if network is None else copy.deepcopy(network)
    made = rules.create(rule, subject_network, **options) if isinstance(rule, str) else rule(subject_network, **options)
    start = Subject(made, stimuli, labels, batch=batch, seed=seed)
    subject = start.copy()
    subject.train(training)
    trial = subject.trial()
    phase = phases(subject, trial)
    feedback = any(c.judged and c.direction != "up" for c in trial.crossings) or not phase.holds
    criteria = {
        "C1": asymmetry(start, subject, trial, trained=trained, feedback=feedback),
        "C2": locality(subject, trial),
        "C3": phase,
        "C4": spikes(subject, trial),
        "C5": signs(subject, trial),
    }
    name = getattr(made, "name", type(made).__name__)
    return Audit(
        rule=name,
        options=made.options,
        network=_network_in_words(subject_network),
        data=stimuli_are,
        batch=batch,
        seed=seed,
        criteria=criteria,
        published=published(name) if type(made) is rules.registry.get(name) else {},
        notes=_notes(subject, trial),
    )


def audit_network(model: str | None = None, *, seed: int = 0, **settings: Any) -> Network:
    """A network for the digits to audit a rule on, by default without batch norm.

    Args:
        model: name of a registered model; None is a small dense network.
        seed: of its weights.
        **settings: of the model.
    """
    digits = data.load("digits")
    values: dict[str, Any] = {"norm": False, "gain": 2.0, "seed": seed, **settings}
    if model is not None:
        return models.create(model, digits.stimulus, digits.concept, **values)
    return models.mlp(digits.stimulus, values.pop("widths", WIDTHS), digits.concept, **values)


def _digits(count: int) -> tuple[Tensor, Tensor]:
    return data.load("digits").train[torch.arange(count)]


def _network_in_words(network: Network) -> str:
    shapes = [network.stimulus.shape, *[layer.feature_shape for layer in network.layers], network.readout.target]
    sizes = "-".join("×".join(str(n) for n in shape) for shape in shapes)
    norm = any(isinstance(module, DriveNorm) for module in network.modules())
    kind = f"spiking, T = {network.time_steps}" if network.activity == "spikes" else "rates"
    return f"{sizes} ({kind}{', batch norm' if norm else ''})"


def _notes(subject: Subject, trial: Trial) -> list[str]:
    notes = []
    if any(isinstance(module, DriveNorm) for module in subject.network.modules()):
        notes.append("Batch norm takes its statistics from the batch: it alone makes a scope of 'batch' in C2.")
    silent = [
        layer.name
        for i, layer in enumerate(subject.network.layers)
        if float(trial.update(i).norm()) == 0 and {id(p) for p in layer.up.parameters()} & _owned(subject)
    ]
    if silent:
        notes.append(f"No update came in {', '.join(silent)} in this step; nothing could be said about it.")
    return notes


def _owned(subject: Subject) -> set[int]:
    return {id(parameter) for parameter in subject.rule.parameters()}
