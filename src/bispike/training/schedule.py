"""The learning rate along a training: warm-up, then the schedule of the settings over all steps."""

from __future__ import annotations

import torch

from ..config import optimizers
from ..config.train_config import TrainConfig


class Schedule:
    """The learning rate at each step.

    Args:
        config: names the schedule, its warm-up and the base learning rate.
        total: steps of the whole training.
    """

    def __init__(self, config: TrainConfig, total: int) -> None:
        self.config, self.total = config, total

    def factor(self, update: int) -> float:
        """Share of the base learning rate, in (0, 1], at a step that is counted from 0 over the whole training."""
        config = self.config
        return optimizers.schedule_factor(config.schedule, update, self.total, warmup_steps=config.warmup_steps)

    def learning_rate(self, update: int) -> float:
        """Learning rate of the bottom-up pathway at a step."""
        return self.config.lr * self.factor(update)

    def apply(self, optimizer: torch.optim.Optimizer, update: int) -> None:
        """Set the learning rate of each parameter group for a step."""
        optimizers.set_learning_rate(optimizer, self.factor(update))
