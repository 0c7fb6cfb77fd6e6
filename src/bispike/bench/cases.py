"""A case of the benchmark: the network and the batch that are measured, as plain values that can be sent as JSON.

A network case is a whole network with its readout. A layer case is one `Linear(n, n)` and its LIF population, with the
sum of the spikes as the loss. Stimuli are standard normal and labels uniform, both from the seed of the case.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from .. import models
from ..errors import ConfigurationError, unknown_name
from ..nn import Classifier

KINDS = ("mlp", "cnn", "layer")
CLASSES = 10


@dataclass(frozen=True)
class Case:
    """One case of a suite; every contender (a rule or a peer) does the same work.

    Args:
        name: name in tables; unique in a suite.
        kind: `mlp`, `cnn` or `layer`.
        sizes: widths of the hidden layers, channels of the convolutions, or `(n,)` for a layer.
        stimulus: shape of one stimulus; `(n,)` for a layer.
        time_steps: T, at least 1.
        batch_size: B, at least 1.
        norm: batch norm between drives and neurons.
        density: share of ones in the hidden spikes, reached by a shift of the drives; None: as initialised.
        options: further settings of the model builder, such as `pools`.
        rules: rules of bispike that are measured; ratios are relative to `bptt`.
        warmup, repeats: number of untimed and of timed turns.
        axis, at: the quantity that the suite varies, and its value here; empty if the suite varies none.
        seed: of weights and data.

    Raises:
        ConfigurationError: values out of range; all problems are listed.
    """

    name: str
    kind: str
    sizes: tuple[int, ...]
    stimulus: tuple[int, ...]
    time_steps: int
    batch_size: int
    norm: bool = False
    density: float | None = None
    options: dict[str, Any] = field(default_factory=dict)
    rules: tuple[str, ...] = ("bsd", "bptt")
    warmup: int = 20
    repeats: int = 100
    axis: str = ""
    at: float | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        problems = []
        if self.kind not in KINDS:
            problems.append(unknown_name("kind of case", self.kind, KINDS))
        for name in ("time_steps", "batch_size", "repeats"):
            if getattr(self, name) < 1:
                problems.append(f"{name}: expected at least 1, received {getattr(self, name)}.")
        if self.warmup < 0:
            problems.append(f"warmup: expected at least 0, received {self.warmup}.")
        if self.density is not None and not 0 < self.density < 1:
            problems.append(f"density: expected a share between 0 and 1, received {self.density}.")
        if problems:
            raise ConfigurationError(problems)

    @classmethod
    def of(cls, values: dict[str, Any]) -> Case:
        """The case with these fields from JSON, where tuples are lists."""
        given: dict[str, Any] = {k: tuple(value) if isinstance(value, list) else value for k, value in values.items()}
        return cls(**given)

    def network(self) -> Classifier:
        """The network of a network case; the same weights at every call."""
        build = models.mlp if self.kind == "mlp" else models.cnn
        given = {"time_steps": self.time_steps, "norm": self.norm, "seed": self.seed, **self.options}
        return build(self.stimulus, self.sizes, CLASSES, **given)

    def batch(self) -> tuple[Tensor, Tensor]:
        """Stimuli `[B, *stimulus]` (of a layer: input `[T, B, n]`) and labels `[B]`; the same at every call."""
        generator = torch.Generator().manual_seed(self.seed)
        shape = (self.time_steps, self.batch_size) if self.kind == "layer" else (self.batch_size,)
        stimulus = torch.randn(*shape, *self.stimulus, generator=generator)
        return stimulus, torch.randint(0, CLASSES, (self.batch_size,), generator=generator)
