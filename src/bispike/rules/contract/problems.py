"""Problems of the contract checks: separable toy data, small networks, and short trainings."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ... import models
from ...nn import Classifier, Network
from ..rule import Rule


def toy_problem(count: int = 96, classes: int = 3, width: int = 12, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Separable classes: Gaussian clouds around distinct corners; stimuli `[N, width]` and labels `[N]`."""
    generator = torch.Generator().manual_seed(seed)
    centres = torch.randn(classes, width, generator=generator)
    labels = torch.arange(count) % classes
    return centres[labels] + 0.15 * torch.randn(count, width, generator=generator), labels


def network_of(dtype: torch.dtype = torch.float32, **options: Any) -> Classifier:
    """Dense network for the toy problem: two hidden layers, three classes."""
    return models.mlp(12, [32, 24], 3, **options).to(dtype)


def conv_network() -> Classifier:
    """Two convolutions, one with pooling, and a dense layer; three classes."""
    return models.cnn((1, 8, 8), [4, 6], 3, pools=[2, 1], dense=[10])


def train(network: Network, rule: Rule, steps: int, *, lr: float = 0.01, batch: int = 24) -> None:
    """Train on the toy problem for some steps, batches in a fixed order."""
    stimuli, labels = toy_problem()
    stimuli = stimuli.to(network.stimulus_mean.dtype)
    optimizer = _optimizer(rule, lr)
    for step in range(steps):
        rows = torch.arange(step * batch, (step + 1) * batch) % stimuli.shape[0]
        rule.compute_gradients(stimuli[rows], labels[rows])
        optimizer.step()


def _optimizer(rule: Rule, lr: float) -> torch.optim.Optimizer:
    """Adam, or the optimizer that the rule recommends, with its learning rate."""
    name = rule.recommended.get("optimizer", "adam")
    kinds = {key.lower(): kind for key, kind in vars(torch.optim).items() if isinstance(kind, type)}
    rate = rule.recommended.get("lr", lr) if "optimizer" in rule.recommended else lr
    options = rule.recommended.get("optimizer_options", {})
    made: torch.optim.Optimizer = kinds[name.lower()](rule.parameters(), lr=rate, **options)
    return made


def weights_of(network: Network) -> dict[str, Tensor]:
    """Copies of all weights and buffers."""
    return {name: value.clone() for name, value in network.state_dict().items()}


def are_equal(a: dict[str, Tensor], b: dict[str, Tensor]) -> bool:
    """Whether two sets of tensors agree bit for bit."""
    return a.keys() == b.keys() and all(torch.equal(a[key], b[key]) for key in a)


def assert_finite(instance: Rule, dtype: torch.dtype) -> None:
    """Every gradient is there, finite, and of the type and memory layout of its parameter."""
    for parameter in instance.parameters():
        assert parameter.grad is not None, "a gradient is missing"
        assert parameter.grad.dtype == dtype, f"expected gradients of {dtype}, received {parameter.grad.dtype}"
        assert torch.isfinite(parameter.grad).all(), "a gradient is not finite"
        assert parameter.grad.stride() == parameter.stride(), "a gradient lies otherwise in memory than its parameter"
