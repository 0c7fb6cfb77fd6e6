"""What a training remembers between two steps, and how it goes into a checkpoint and comes back.

Beside the weights, the optimizer and the rule that is the position, the sums of the epoch under way, the best
validation so far, and the finished epochs' metrics. All of it returns bit for bit.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from ..errors import CheckpointError
from ..rules import Rule
from ..runs.checkpoint import Checkpoint, load_weights

_PLAIN = (bool, int, float, str, type(None))


@dataclass
class EpochSums:
    """Sums over the steps of one epoch; doubles, so that a checkpoint keeps them exactly."""

    steps: int = 0
    samples: int = 0
    correct: float = 0.0
    loss: float = 0.0
    layer_losses: dict[str, float] = field(default_factory=dict)
    spike_rate: list[float] = field(default_factory=list)
    seconds: float = 0.0
    step_ms: list[float] = field(default_factory=list)

    def add(self, samples: int, loss: float, correct: float, layers: dict[str, float], rates: list[float]) -> None:
        """Count one step."""
        self.steps += 1
        self.samples += samples
        self.correct += correct
        self.loss += loss
        for name, value in layers.items():
            self.layer_losses[name] = self.layer_losses.get(name, 0.0) + value
        before = self.spike_rate or [0.0] * len(rates)
        self.spike_rate = [a + b for a, b in zip(before, rates, strict=True)]


@dataclass
class State:
    """Position and memory of a training, tensors aside.

    Args:
        epoch, step: epochs done, and steps done of the one under way.
        updates: steps done in all.
        sums: of the epoch under way.
        metrics: a row a finished epoch.
        best: best validation so far, and `best_epoch` in which it was (from 1).
        ended: why the training ended before its last epoch, if it did.
        health: counts of the firing watch.
        peak_memory_mb: largest so far.
    """

    epoch: int = 0
    step: int = 0
    updates: int = 0
    sums: EpochSums = field(default_factory=EpochSums)
    metrics: list[dict[str, Any]] = field(default_factory=list)
    best: float | None = None
    best_epoch: int = 0
    ended: str | None = None
    health: dict[str, list[int]] = field(default_factory=dict)
    peak_memory_mb: float = 0.0

    def values(self) -> dict[str, Any]:
        """As plain values, position aside."""
        return {key: value for key, value in asdict(self).items() if key not in ("epoch", "step", "updates")}


def pack(
    state: State,
    network: nn.Module,
    rule: Rule,
    optimizer: torch.optim.Optimizer,
    best_weights: dict[str, Tensor] | None,
    identity: dict[str, Any],
) -> Checkpoint:
    """Everything of a training as a checkpoint."""
    tensors, scalars = optimizer_state(optimizer)
    tensors |= {f"network/{name}": value for name, value in network.state_dict().items()}
    tensors |= {f"rule/{name}": value for name, value in rule.state_dict().items()}
    tensors |= {f"best/{name}": value for name, value in (best_weights or {}).items()}
    values = {**state.values(), "optimizer": scalars}
    return Checkpoint(state.epoch, state.step, state.updates, tensors, values, identity)


def unpack(
    checkpoint: Checkpoint, network: nn.Module, rule: Rule, optimizer: torch.optim.Optimizer
) -> tuple[State, dict[str, Tensor] | None]:
    """Put a checkpoint's tensors back in their places; returns the state and the best weights.

    Raises:
        CheckpointError: the tensors do not fit this network.
    """
    values = dict(checkpoint.values)
    load_weights(network, checkpoint.group("network"), "checkpoint")
    device = next(network.parameters()).device
    rule.load_state_dict({name: value.to(device) for name, value in checkpoint.group("rule").items()})
    restore_optimizer(optimizer, checkpoint.group("optimizer"), values.pop("optimizer"))
    values["sums"] = EpochSums(**values["sums"])
    state = State(checkpoint.epoch, checkpoint.step, checkpoint.updates, **values)
    return state, checkpoint.group("best") or None


def optimizer_state(optimizer: torch.optim.Optimizer) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """An optimizer's memory as tensors and plain values, by "parameter/name"."""
    tensors: dict[str, Tensor] = {}
    scalars: dict[str, Any] = {}
    for index, memory in optimizer.state_dict()["state"].items():
        for name, value in memory.items():
            if isinstance(value, Tensor):
                tensors[f"optimizer/{index}/{name}"] = value
            elif isinstance(value, _PLAIN):
                scalars[f"{index}/{name}"] = value
            else:
                raise CheckpointError(
                    f"{type(optimizer).__name__} keeps {name!r} as {type(value).__name__}, "
                    "which a checkpoint cannot hold."
                )
    return tensors, scalars


def restore_optimizer(optimizer: torch.optim.Optimizer, tensors: dict[str, Tensor], scalars: dict[str, Any]) -> None:
    """Give a fresh optimizer the memory of an earlier one."""
    memory: dict[int, dict[str, Any]] = {}
    for key, value in [*tensors.items(), *scalars.items()]:
        index, name = key.split("/", 1)
        memory.setdefault(int(index), {})[name] = value
    optimizer.load_state_dict({"state": memory, "param_groups": optimizer.state_dict()["param_groups"]})
