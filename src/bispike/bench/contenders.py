"""Contenders of the benchmark: one case under a rule of bispike, or in the library of a peer.

A contender owns its network and its batch, so that only the work itself is timed: `learn` runs forward and writes
gradients, `infer` runs forward only. All contenders of a case have the same weights.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor, nn

from .. import rules
from ..functional import Neuron, lif
from ..nn import StimulusNetwork
from .cases import Case
from .density import set_density
from .memory import network_tensors
from .peers import create_population

Population = Callable[[Tensor], Tensor]
"""LIF neurons of one layer: drives `[T, B, ...]` to spikes `[T, B, ...]` from a zero membrane, differentiable."""

OWN = "bispike"


class Contender(Protocol):
    """What is measured: time and memory of `learn`, time of `infer`."""

    def parameters(self) -> list[nn.Parameter]:
        """Parameters that an optimizer updates."""

    def tensors(self) -> list[Tensor]:
        """Every tensor that exists before a step: weights, buffers, the batch."""

    def learn(self) -> None:
        """Forward pass, and gradients into `.grad`."""

    def infer(self) -> Tensor:
        """Forward pass without autograd."""

    def spikes(self) -> list[Tensor]:
        """Spikes `[T, B, ...]` of each layer, with the running statistics of norms."""


def create(case: Case, library: str, rule: str, device: torch.device) -> Contender:
    """The contender of a case.

    Args:
        case: the case.
        library: `bispike` or one of `peers.NAMES`, which must be importable.
        rule: a rule of bispike; `bptt` for a peer.
        device: device of the work.
    """
    stimulus, labels = (tensor.to(device) for tensor in case.batch())
    if case.kind == "layer":
        neuron = Neuron()
        own = library == OWN
        population = (lambda drive: lif(drive, neuron)) if own else create_population(library, neuron)
        return LayerContender(case, population, stimulus)
    network = case.network().to(device)
    if case.density is not None:
        set_density(network, stimulus, case.density)
    if library == OWN:
        return RuleContender(network, rule, stimulus, labels)
    from .peers.network import PeerNetwork

    return PeerNetwork(network, lambda neuron: create_population(library, neuron), stimulus, labels)


class RuleContender:
    """A network of bispike under one of its rules."""

    def __init__(self, network: StimulusNetwork, rule: str, stimulus: Tensor, labels: Tensor) -> None:
        self.network, self.stimulus, self.labels = network, stimulus, labels
        self.rule = rules.create(rule, network)

    def parameters(self) -> list[nn.Parameter]:
        return self.rule.parameters()

    def tensors(self) -> list[Tensor]:
        return [*network_tensors(self.network), *self.rule.state_dict().values(), self.stimulus, self.labels]

    def learn(self) -> None:
        self.rule.compute_gradients(self.stimulus, self.labels)

    def infer(self) -> Tensor:
        return self.network.logits(self.stimulus)

    def spikes(self) -> list[Tensor]:
        return [record.spikes for record in self.network.observe(self.stimulus)]


class LayerContender:
    """`Linear(n, n)` for all time steps at once, a LIF population, with the sum of its spikes as the loss."""

    def __init__(self, case: Case, population: Population, source: Tensor) -> None:
        generator = torch.Generator().manual_seed(case.seed + 1)
        bound = (3 / case.sizes[0]) ** 0.5  # drives of deviation 1 for inputs of deviation 1
        self.linear = nn.Linear(case.stimulus[0], case.sizes[0], device=source.device)
        with torch.no_grad():
            weight = torch.empty(self.linear.weight.shape).uniform_(-bound, bound, generator=generator)
            self.linear.weight.copy_(weight)
            self.linear.bias.zero_()
        self.population, self.source = population, source

    def parameters(self) -> list[nn.Parameter]:
        return list(self.linear.parameters())

    def tensors(self) -> list[Tensor]:
        return [*self.linear.parameters(), self.source]

    def learn(self) -> None:
        self.linear.zero_grad(set_to_none=True)
        self.population(self.linear(self.source)).sum().backward()

    def infer(self) -> Tensor:
        with torch.no_grad():
            return self.population(self.linear(self.source))

    def spikes(self) -> list[Tensor]:
        return [self.infer()]
