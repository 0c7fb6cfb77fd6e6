"""The top of the network: the binary code of each concept, which fires at every step of the top-down pass."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..errors import ConfigurationError, unknown_name
from ..functional import CONCEPT_CODES, Neuron, lif, mean_field_slope, one_hot_code, population_code
from .weight_limit import reserve


class ConceptCode(nn.Module):
    """Spike code of C classes over K concept neurons.

    Args:
        classes: C.
        kind: `"one-hot"` (K = C), `"population"` (a fixed random binary code) or `"learned"` (an embedding
            that drives LIF neurons; it begins near a random code and its drive is trained).
        size: K; ignored for one-hot. Default 4·C.
        neuron: constants of the concept neurons (learned code only).
        generator: source of randomness.

    Attributes:
        constant: whether the code is the same at every time step; then `fixed` `[C, K]` is the whole code.
    """

    fixed: Tensor

    def __init__(
        self, classes: int, *, kind: str, size: int | None, neuron: Neuron, generator: torch.Generator
    ) -> None:
        super().__init__()
        if kind not in CONCEPT_CODES:
            raise ConfigurationError(unknown_name("concept code", kind, CONCEPT_CODES))
        width = classes if kind == "one-hot" else (size or 4 * classes)
        reserve(classes * width, f"concept code of {classes} classes in {width} neurons")
        code = one_hot_code(classes) if kind == "one-hot" else population_code(classes, width, generator=generator)
        self.kind, self.classes, self.size, self.neuron = kind, classes, width, neuron
        self.constant = kind != "learned"
        if kind == "learned":
            jitter = torch.empty_like(code).uniform_(-0.1, 0.1, generator=generator)
            self.embedding = nn.Parameter(neuron.threshold * (0.4 + 0.6 * code + jitter))
        self.register_buffer("fixed", code, persistent=kind != "learned")

    def spikes(self, time_steps: int) -> Tensor:
        """Spike trains `[T, C, K]` of all classes."""
        if self.kind == "learned":
            return lif(self.embedding.detach(), self.neuron, time_steps=time_steps)
        return self.fixed.expand(time_steps, *self.fixed.shape)

    def rate(self, time_steps: int) -> Tensor:
        """Firing rates `[C, K]` of all classes."""
        return self.spikes(time_steps).mean(0) if self.kind == "learned" else self.fixed

    def write_gradient(self, grad_rate: Tensor) -> None:
        """Write the gradient of a learned embedding from dL/d rate `[C, K]`; a fixed code ignores it."""
        if self.kind == "learned":
            self.embedding.grad = grad_rate * mean_field_slope(self.embedding.detach(), self.neuron)
