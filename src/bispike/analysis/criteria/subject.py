"""A rule at one moment of its training, and trials on copies of it.

A trial takes one step on a copy, with one thing changed: a weight, a sample, an option, or what the synapses deliver.
The subject itself never moves, so that two trials differ in that one thing alone. Everything runs in float64.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ...errors import ConfigurationError
from ...nn import Layer, Network
from ...rules import Rule
from .links import Crossing, Link, crossings, links_of
from .watch import TAUGHT, Held, Signal, Watch

Change = Callable[[Rule], None]
"""What a trial does to its copy before the step."""

TOLERANCE = 1e-6
"""Relative difference up to which two updates are the same; what is the same in truth differs by some 1e-15."""


@dataclass(frozen=True)
class Trial:
    """One step of a copy.

    Attributes:
        rule: the copy, with `.grad` of this step.
        signals: what went through its synapses.
        links: its synapses.
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
        """`[n]` this step's gradients of a layer, those it does not have as zeros."""
        chosen = [getattr(self.layers[layer], pathway) for pathway in pathways]
        return torch.cat([_grad(p).flatten() for pathway in chosen for p in pathway.parameters()])

    def rows(self, layer: int) -> Tensor:
        """`[neurons, fan-in]` this step's gradient of the bottom-up weights of a layer."""
        return _grad(self.layers[layer].up.synapse.weight).flatten(1)

    def taught(self, synapse: str) -> Tensor | None:
        """`[n, ...]` dL/d drive at a synapse's target; None if the step made none."""
        found = [signal.sent for signal in self.signals if signal.way == TAUGHT and signal.synapse == synapse]
        return torch.cat(found) if found and len({part.shape[1:] for part in found}) == 1 else None

    def sources(self, synapse: str) -> list[Tensor]:
        """What a synapse was given, call by call."""
        return [s.sent for s in self.signals if s.synapse == synapse and s.way == "forward"]


def _grad(parameter: nn.Parameter) -> Tensor:
    return torch.zeros_like(parameter) if parameter.grad is None else parameter.grad.detach()


class Subject:
    """A rule on a network and samples to try it on.

    Args:
        rule: taken over; in training mode and float64 from here on.
        stimuli: `[n, *stimulus.shape]`, at least 2·`batch` of them.
        labels: `[n]`.
        batch: samples a step.
        seed: of all that is drawn.
    """

    def __init__(self, rule: Rule, stimuli: Tensor, labels: Tensor, *, batch: int, seed: int) -> None:
        if batch < 1 or len(labels) < 2 * batch:
            raise ConfigurationError(
                f"batch: expected at least 1 and two batches of stimuli, received {batch} and {len(labels)} stimuli."
            )
        rule.on_gradients_ready = None
        rule.network.cpu().double().train()
        rule.settle()
        self.rule, self.batch, self.seed = rule, batch, seed
        self.stimuli, self.labels = stimuli.double(), labels

    @property
    def network(self) -> Network:
        """The network as it stands."""
        return self.rule.network

    @property
    def layers(self) -> range:
        """Numbers of the hidden layers."""
        return range(len(self.network.layers))

    def generator(self, number: int = 0) -> torch.Generator:
        """A source of randomness that is the same in every trial."""
        return torch.Generator().manual_seed(self.seed + 31 * number)

    def trial(
        self,
        change: Change | None = None,
        *,
        rows: Sequence[int] | None = None,
        labels: Tensor | None = None,
        earlier: Trial | None = None,
        held: Held | None = None,
    ) -> Trial:
        """One step on a copy.

        Args:
            change: done to the copy first.
            rows: samples of the batch; the first `batch` if None.
            labels: in place of the samples' own.
            earlier: a trial whose signals are handed out again where `held` says so.
        """
        chosen = torch.arange(self.batch) if rows is None else torch.as_tensor(rows)
        rule = copy.deepcopy(self.rule)
        rule.network.zero_grad()
        rule.state.zero_grad()
        if change is not None:
            change(rule)
        links = links_of(rule)
        watch = Watch(
            {name: link.synapse for name, link in links.items()}, earlier=earlier.signals if earlier else (), held=held
        )
        with watch.active(), torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed)
            given = self.labels[chosen] if labels is None else labels
            rule.compute_gradients(self.stimuli[chosen], given, generator=self.generator())
        return Trial(rule, watch.signals, links)

    def inference(self) -> list[Crossing]:
        """What crosses while a copy decides about the first batch."""
        rule = copy.deepcopy(self.rule)
        links = links_of(rule)
        watch = Watch({name: link.synapse for name, link in links.items()})
        with watch.active():
            rule.network.logits(self.stimuli[: self.batch], generator=self.generator())
        return crossings(watch.signals, links)

    def train(self, steps: int, *, batch: int = 32, lr: float = 1e-3) -> None:
        """A short training by Adam on the samples there are."""
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
        """The same at this moment, free to move."""
        return Subject(copy.deepcopy(self.rule), self.stimuli, self.labels, batch=self.batch, seed=self.seed)


def renew(weight: Tensor, generator: torch.Generator) -> None:
    """Other weights of the same size in place, drawn independently of the old ones."""
    with torch.no_grad():
        fresh = torch.randn(weight.shape, generator=generator, dtype=torch.float64).to(weight)
        weight.copy_(fresh * weight.norm() / fresh.norm())


def change_above(layer: int, generator: torch.Generator) -> Change:
    """Renews all bottom-up weights above a layer, the readout's with them: another result at the top."""

    def change(rule: Rule) -> None:
        for above in rule.network.layers[layer + 1 :]:
            renew(above.up.synapse.weight, generator)
        renew(rule.network.readout.weight, generator)

    return change


def unseen(inputs: Tensor, size: Tensor, generator: torch.Generator, columns: slice | None = None) -> Tensor | None:
    """A change of weights that no input of a batch notices: ΔW x = 0 for all of them.

    Args:
        inputs: `[n, fan-in]` all that the synapse received.
        size: `[outputs, fan-in]` weights; the change is as large.
        columns: inputs whose weights may change; all if None.

    Returns:
        ΔW `[outputs, fan-in]`; None if the inputs leave no such direction.
    """
    chosen = columns or slice(None)
    rows = inputs[:, chosen]
    _, values, directions = torch.linalg.svd(rows, full_matrices=False)
    kept = directions[values > 1e-12 * values.max().clamp_min(1e-300)]
    if kept.shape[0] >= rows.shape[1]:
        return None
    noise = torch.randn(size.shape[0], rows.shape[1], generator=generator, dtype=size.dtype)
    noise = noise - noise @ kept.T @ kept
    noise = noise - noise @ kept.T @ kept  # once more: what rounding left
    change = torch.zeros_like(size)
    change[:, chosen] = noise * size.norm() / noise.norm()
    return change


def difference(a: Tensor, b: Tensor) -> float:
    """|a − b| relative to the larger of the two; 0 for two zeros."""
    scale = max(float(a.norm()), float(b.norm()))
    return float((a - b).norm()) / scale if scale > 0 else 0.0
