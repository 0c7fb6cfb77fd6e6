"""What changes in a training from step to step, and how it goes into a checkpoint and comes back.

`TrainingState` is the position, the sums of the epoch under way, the best validation so far, and the metrics of the
finished epochs. `Training` joins it with the network, the rule and the optimizer. All of it returns bit for bit.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from typing import Any

import torch
from torch import Tensor

from ..nn import Network
from ..rules import Rule
from ..runs.checkpoint import Checkpoint, expect_weights
from ..runs.rebuild import restore_rule
from ..runs.saved_model import expect_model
from . import health
from .measures import peak_memory_mb
from .optimizer_state import optimizer_state, restore_optimizer, state_for
from .saved_values import check_values

_NOT_VALUES = ("epoch", "step", "updates", "best_weights")  # a checkpoint keeps them elsewhere


@dataclass
class EpochSums:
    """Sums over the steps of one epoch; doubles, so that a checkpoint keeps them exactly.

    Args:
        steps, samples: number of steps, and of samples in them.
        correct: number of correct decisions.
        loss: sum of the losses of the steps.
        layer_losses: the same of each layer's own loss, by name.
        spike_rate: sum of the firing rates of each layer, bottom to top.
        seconds: time of the steps.
        step_ms: time of each step in milliseconds.
    """

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

    def add_time(self, seconds: float) -> None:
        """Count the time of one step."""
        self.seconds += seconds
        self.step_ms.append(round(1e3 * seconds, 3))


@dataclass
class TrainingState:
    """Position and memory of a training, apart from the network, the rule and the optimizer.

    Args:
        epoch, step: number of finished epochs, and of finished steps in the epoch under way.
        updates: number of finished steps in all epochs.
        sums: of the epoch under way.
        metrics: one row per finished epoch.
        best: best validation so far, as a score (larger is better); `best_epoch` is its epoch, counted from 1.
        ended: why the training ended before its last epoch, if it did.
        health: counts of the firing watch.
        peak_memory_mb: largest memory so far.
        best_weights: what decided after `best_epoch` (`saved_model.model_tensors`), if the best weights are kept.
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
    best_weights: dict[str, Tensor] | None = field(default=None, compare=False, repr=False)

    def values(self) -> dict[str, Any]:
        """What is neither position nor tensor, as plain values."""
        values = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in _NOT_VALUES}
        return {**values, "sums": asdict(self.sums)}


class Training:
    """All parts of a training that a checkpoint keeps.

    Args:
        network: on the device of the training; trained in place.
        rule: on that network.
        optimizer: of the rule's parameters.
        steps: in an epoch.

    Attributes:
        state: position and memory; `restore` replaces it.
        rates: firing rates of the last step, bottom to top.
    """

    def __init__(self, network: Network, rule: Rule, optimizer: torch.optim.Optimizer, *, steps: int) -> None:
        self.network, self.rule, self.optimizer, self.steps = network, rule, optimizer, steps
        self.parameters = rule.parameters()
        self.device = next(network.parameters()).device
        self.watch = health.FiringWatch.of(network)
        self.state = TrainingState()
        self.rates: list[float] = []

    @property
    def position(self) -> str:
        """The position for messages: "epoch 2, step 3 of 40"."""
        return f"epoch {self.state.epoch + 1}, step {self.state.step} of {self.steps}"

    @property
    def peak_memory_mb(self) -> float:
        """Largest memory so far, also before an interruption."""
        return max(self.state.peak_memory_mb, peak_memory_mb(self.device))

    def check_weights(self) -> None:
        """Raise a DivergenceError unless all trained weights are finite."""
        health.check_weights(self.network, self.parameters, self.rates, self.position)

    def reset_rule(self) -> None:
        """Give the rule the tensors with which it begins on this network; it may derive them from the weights."""
        decision = self.network.decision
        fresh = type(self.rule)(self.network, **self.rule.options)
        self.network.decision = decision
        self.rule.load_state_dict(fresh.state_dict())

    def snapshot(self, identity: dict[str, Any]) -> Checkpoint:
        """The training as a checkpoint.

        Args:
            identity: what the training is, as plain values.
        """
        state = self.state
        state.health, state.peak_memory_mb = self.watch.counts(), self.peak_memory_mb
        tensors, scalars = optimizer_state(self.optimizer)
        tensors |= {f"network/{name}": value for name, value in self.network.state_dict().items()}
        tensors |= {f"rule/{name}": value for name, value in self.rule.state_dict().items()}
        tensors |= {f"best/{name}": value for name, value in (state.best_weights or {}).items()}
        values = {**state.values(), "optimizer": scalars}
        return Checkpoint(state.epoch, state.step, state.updates, tensors, values, identity)

    def restore(self, checkpoint: Checkpoint) -> None:
        """Continue from a checkpoint. Everything in it is compared with this training before anything is changed.

        Raises:
            DamagedError: its tensors or values do not fit this training.
        """
        source = "checkpoint"
        check_values(checkpoint, layers=self.watch.layers, steps=self.steps, source=source)
        values = dict(checkpoint.values)
        expected, network, best = self.network.state_dict(), checkpoint.group("network"), checkpoint.group("best")
        expect_weights(expected, network, source)
        if best:
            expect_model(self.network, self.rule, best, f"{source}: best")
        memory = state_for(
            self.optimizer, checkpoint.group("optimizer"), values.pop("optimizer"), most=checkpoint.updates
        )
        restore_rule(self.rule, checkpoint.group("rule"), source)
        self.network.load_state_dict(network)
        restore_optimizer(self.optimizer, memory)
        values["sums"] = EpochSums(**values["sums"])
        values["best_weights"] = best or None
        self.state = TrainingState(checkpoint.epoch, checkpoint.step, checkpoint.updates, **values)
        self.watch.restore(self.state.health)
