"""The audit of one rule: all five criteria on one network and a few stimuli."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor

from ... import data, models, rules
from ...arguments import checked, expect, shown, whole
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
"""Widths of the default network. All differ, so that the shape of a synapse identifies its place. Each is larger than
the number of spike vectors in a batch, so that there are changes of weights that no input notices."""
SAMPLES = 64


@dataclass(frozen=True)
class Audit:
    """Verdicts on the five criteria of one rule.

    Attributes:
        rule: name of the rule.
        options: options of the rule.
        network: description of the network.
        data: description of the stimuli.
        batch: samples per step.
        seed: of all random numbers.
        criteria: verdicts by `"C1"` to `"C5"`.
        published: verdicts of the literature by criterion, where there are any.
        notes: remarks for the interpretation.
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
        """The audit as plain values, for JSON."""
        return asdict(self)


@checked
def measure(
    rule: str | type[Rule] | Callable[[Network], Rule],
    *,
    network: Network | None = None,
    stimuli: Tensor | None = None,
    labels: Tensor | None = None,
    stimuli_description: str = "given stimuli",
    batch: int = 4,
    training: int = 20,
    trained: bool = False,
    seed: int = 0,
    **options: Any,
) -> Audit:
    """Measure C1 to C5 of a rule.

    Args:
        rule: name, class, or a function from a network to a rule.
        network: the network, left unchanged; by default a small dense one without batch norm, whose statistics would
            make every update depend on the batch.
        stimuli: `[n, *stimulus.shape]` in the units of the data, n ≥ 2·batch; by default some of the digits.
        labels: `[n]`.
        stimuli_description: description of the stimuli for the result.
        batch: samples per step, at least 1. With 1 an update cannot depend on other samples.
        training: steps of the short training before the measurement.
        trained: whether the weights of the network were trained before.
        seed: of all random numbers.
        **options: options of the rule, if it is given by name or class.

    Returns:
        Audit: a verdict for each criterion.

    Raises:
        UnknownNameError: there is no such rule.
        ConfigurationError: unknown options, stimuli without labels, or too few stimuli.
    """
    if (stimuli is None) != (labels is None):
        raise ConfigurationError("audit: expected stimuli and labels, or neither.")
    whole("batch", batch, 1)
    if stimuli is None or labels is None:
        stimuli, labels, stimuli_description = *_digits(max(SAMPLES, 2 * batch)), "digits"
    whole("training", training, 0)
    if isinstance(rule, torch.nn.Module):
        raise ConfigurationError(f"rule: expected a name, a class or a function of a network, received {shown(rule)}.")
    subject_network = audit_network(seed=seed) if network is None else copy.deepcopy(network)
    created = (
        rules.create(rule, subject_network, **options) if isinstance(rule, str) else rule(subject_network, **options)
    )
    expect("rule", created, Rule, "a function that returns a rule")
    start = Subject(created, stimuli, labels, batch=batch, seed=seed)
    subject = start.copy()
    subject.train(training)
    trial = subject.trial()
    phase = phases(subject, trial)
    feedback = any(c.evaluated and c.direction != "up" for c in trial.crossings) or not phase.holds
    criteria = {
        "C1": asymmetry(start, subject, trial, trained=trained, feedback=feedback),
        "C2": locality(subject, trial),
        "C3": phase,
        "C4": spikes(subject, trial),
        "C5": signs(subject, trial),
    }
    name = getattr(created, "name", type(created).__name__)
    return Audit(
        rule=name,
        options=created.options,
        network=_describe(subject_network),
        data=stimuli_description,
        batch=batch,
        seed=seed,
        criteria=criteria,
        published=published(name) if type(created) is rules.registry.get(name) else {},
        notes=_notes(subject, trial),
    )


@checked
def audit_network(model: str | None = None, *, seed: int = 0, **settings: Any) -> Network:
    """A network for the digits to audit a rule on, by default without batch norm.

    Args:
        model: name of a registered model; None: a small dense network.
        seed: of the weights.
        **settings: settings of the model.

    Raises:
        UnknownNameError: there is no such model.
    """
    digits = data.load("digits")
    values: dict[str, Any] = {"norm": False, "gain": 2.0, "seed": seed, **settings}
    if model is not None:
        return models.create(model, digits.stimulus, digits.concept, **values)
    return models.mlp(digits.stimulus, values.pop("widths", WIDTHS), digits.concept, **values)


def _digits(count: int) -> tuple[Tensor, Tensor]:
    digits = data.load("digits").train
    return digits[torch.arange(min(count, len(digits)))]


def _describe(network: Network) -> str:
    shapes = [network.stimulus.shape, *[layer.feature_shape for layer in network.layers], network.readout.target]
    sizes = "-".join("×".join(str(n) for n in shape) for shape in shapes)
    kind = network.signals.describe(network.time_steps)
    norm = any(isinstance(module, DriveNorm) for module in network.modules())
    return f"{sizes} ({kind}{', batch norm' if norm else ''})"


def _notes(subject: Subject, trial: Trial) -> list[str]:
    notes = []
    if any(isinstance(module, DriveNorm) for module in subject.network.modules()):
        notes.append(
            "Batch norm takes its statistics from the batch, which alone makes the scope of C2 at least 'batch'."
        )
    silent = [
        layer.name
        for i, layer in enumerate(subject.network.layers)
        if float(trial.update(i).norm()) == 0 and {id(p) for p in layer.up.parameters()} & _owned(subject)
    ]
    if silent:
        notes.append(f"The step wrote no update in {', '.join(silent)}; the audit says nothing about it.")
    return notes


def _owned(subject: Subject) -> set[int]:
    return {id(parameter) for parameter in subject.rule.parameters()}
