"""The subject of an audit, which is a rule at one moment of its training, and trials on copies of it.

A `Trial` is one step of a copy of the rule with one thing changed: a weight, a sample, an option, or signals that are
replayed from an earlier trial. The `Subject` itself never changes, so two trials differ in that one thing only.
Everything runs in float64.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ...errors import ConfigurationError
from ...nn import Layer, Network
from ...rules import Rule
from .links import Crossing, Link, crossings, links_of
from .perturbations import Change
from .signals import DRIVE_GRADIENT, Replay, Signal, SignalRecorder


@dataclass(frozen=True)
class Trial:
    """One step of a copy of the rule.

    Attributes:
        rule: the copy, with the `.grad` of this step.
        signals: recorded signals of its synapses.
        links: its synapses by name.
    """

    rule: Rule
    signals: list[Signal]
    links: dict[str, Link]

    @property
    def crossings(self) -> list[Crossing]:
        """Signals between populations."""
        return crossings(self.signals, self.links)

    @property
    def layers(self) -> list[Layer]:
        """Layers of the copy."""
        return [*self.rule.network.layers]

    def update(self, layer: int, *, pathways: Sequence[str] = ("up", "down")) -> Tensor:
        """Gradients `[n]` of a layer in this step; zeros for parameters without one."""
        chosen = [getattr(self.layers[layer], pathway) for pathway in pathways]
        return torch.cat([_grad(p).flatten() for pathway in chosen for p in pathway.parameters()])

    def rows(self, layer: int) -> Tensor:
        """Gradient `[neurons, fan-in]` of the bottom-up weights of a layer in this step."""
        return _grad(self.layers[layer].up.synapse.weight).flatten(1)

    def drive_gradient(self, synapse: str) -> Tensor | None:
        """dL/d drive `[n, ...]` at the target of a synapse; None if the step computed none."""
        found = [signal.sent for signal in self.signals if signal.way == DRIVE_GRADIENT and signal.synapse == synapse]
        return torch.cat(found) if found and len({part.shape[1:] for part in found}) == 1 else None

    def sources(self, synapse: str) -> list[Tensor]:
        """Inputs of a synapse, call by call."""
        return [s.sent for s in self.signals if s.synapse == synapse and s.way == "forward"]


def _grad(parameter: nn.Parameter) -> Tensor:
    return torch.zeros_like(parameter) if parameter.grad is None else parameter.grad.detach()


class Subject:
    """A rule on a network, with samples for its trials.

    Args:
        rule: becomes part of the subject, in training mode and float64.
        stimuli: `[n, *stimulus.shape]`, at least 2·`batch` of them.
        labels: `[n]`.
        batch: samples per step.
        seed: of all random numbers.

    Raises:
        ConfigurationError: too few stimuli for two batches.
    """

    def __init__(self, rule: Rule, stimuli: Tensor, labels: Tensor, *, batch: int, seed: int) -> None:
        if batch < 1 or len(labels) < 2 * batch:
            raise ConfigurationError(
                f"batch: expected at least 1 and two batches of stimuli, received {batch} and {len(labels)} stimuli."
            )
        rule.on_gradients_ready = None
        rule.network.cpu().double().train()
        rule.move_state()
        self.rule, self.batch, self.seed = rule, batch, seed
        self.stimuli, self.labels = stimuli.double(), labels

    @property
    def network(self) -> Network:
        """The network of the rule."""
        return self.rule.network

    @property
    def layers(self) -> range:
        """Numbers of the hidden layers."""
        return range(len(self.network.layers))

    def generator(self, number: int = 0) -> torch.Generator:
        """A random generator that is the same in every trial."""
        return torch.Generator().manual_seed(self.seed + 31 * number)

    def trial(
        self,
        change: Change | None = None,
        *,
        rows: Sequence[int] | None = None,
        labels: Tensor | None = None,
        earlier: Trial | None = None,
        replay: Replay | None = None,
    ) -> Trial:
        """Take one step on a copy.

        Args:
            change: applied to the copy before the step.
            rows: indices of the samples; the first `batch` if None.
            labels: labels that replace those of the samples.
            earlier: trial whose signals are replayed.
            replay: which signals, by name of the synapse and way, are replayed from it.
        """
        chosen = torch.arange(self.batch) if rows is None else torch.as_tensor(rows)
        rule = copy.deepcopy(self.rule)
        rule.network.zero_grad()
        rule.state.zero_grad()
        if change is not None:
            change(rule)
        links = links_of(rule)
        recorder = SignalRecorder(
            {name: link.synapse for name, link in links.items()},
            earlier=earlier.signals if earlier else (),
            replay=replay,
        )
        with recorder.active(), torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed)
            given = self.labels[chosen] if labels is None else labels
            rule.compute_gradients(self.stimuli[chosen], given, generator=self.generator())
        return Trial(rule, recorder.signals, links)

    def inference(self) -> list[Crossing]:
        """Crossings while a copy decides on the first batch."""
        rule = copy.deepcopy(self.rule)
        links = links_of(rule)
        recorder = SignalRecorder({name: link.synapse for name, link in links.items()})
        with recorder.active():
            rule.network.logits(self.stimuli[: self.batch], generator=self.generator())
        return crossings(recorder.signals, links)

    def train(self, steps: int, *, batch: int = 32, lr: float = 1e-3) -> None:
        """Train shortly by Adam on the samples, in turn."""
        parameters = self.rule.parameters()
        if not parameters:
            return
        optimizer = torch.optim.Adam(parameters, lr=lr)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed)
            for step in range(steps):
                rows = torch.arange(step * batch, (step + 1) * batch) % len(self.labels)
                self.rule.compute_gradients(self.stimuli[rows], self.labels[rows], generator=self.generator(step))
                optimizer.step()

    def copy(self) -> Subject:
        """An independent copy in the present state."""
        return Subject(copy.deepcopy(self.rule), self.stimuli, self.labels, batch=self.batch, seed=self.seed)
