"""The epochs of a training: one row of metrics each, the best validation, and the decision to end early."""

from __future__ import annotations

import json
import statistics
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..config.train_config import TrainConfig
from ..files import append_line
from ..runs.folder import METRICS
from ..runs.saved_model import model_tensors
from ..tasks import Task
from .measures import pathway_angles
from .progress import Progress
from .state import EpochSums, Training


class History:
    """Records finished epochs in the state of a training and in `metrics.jsonl`.

    Args:
        training: whose epochs.
        task: of its network; decides which validation is better.
        config: patience, and whether the best weights are kept.
        folder: where this process writes; None does not write.
        progress: receives the epochs, and notes for people.
    """

    def __init__(
        self, training: Training, task: Task, *, config: TrainConfig, folder: Path | None, progress: Progress
    ) -> None:
        self.training, self.task, self.config = training, task, config
        self.folder, self.progress = folder, progress

    def end_epoch(
        self, measured: Mapping[str, Any], *, findings: dict[str, str], learning_rate: float, seconds: float
    ) -> None:
        """Record the epoch under way as finished and begin the next one.

        Args:
            measured: the evaluation of the validation part, or the task's `not_measured()`.
            findings: of the firing watch, by layer.
            learning_rate: of the last step.
            seconds: time after the last step, for validation.
        """
        state = self.training.state
        row = self._row(measured, findings=findings, learning_rate=learning_rate, seconds=seconds)
        state.metrics.append(row)
        self._compare(self.task.score(measured))
        state.epoch, state.step, state.sums = state.epoch + 1, 0, EpochSums()
        if self.folder is not None:
            append_line(self.folder / METRICS, json.dumps(row, allow_nan=False))
        self.progress.end_epoch(row, self.task.epoch_text(row))

    def kept_row(self) -> dict[str, Any]:
        """The row of the epoch whose weights are kept: the best one or the last."""
        state = self.training.state
        best = self.config.keep == "best" and state.best_epoch
        return state.metrics[state.best_epoch - 1] if best else state.metrics[-1]

    def best_validation(self) -> float | None:
        """The best value so far of what chooses the epoch; None without a validation part."""
        best = self.training.state.best
        return None if best is None else self.task.criterion.score(best)

    def _row(
        self, measured: Mapping[str, Any], *, findings: dict[str, str], learning_rate: float, seconds: float
    ) -> dict[str, Any]:
        state, sums = self.training.state, self.training.state.sums
        return {
            "epoch": state.epoch + 1,
            "loss": sums.loss / sums.steps,
            "train_accuracy": sums.correct / sums.samples,
            "validation": measured[self.task.metric.name],
            "spike_rate": [rate / sums.steps for rate in sums.spike_rate],
            "layer_losses": {name: value / sums.steps for name, value in sums.layer_losses.items()},
            "angle": pathway_angles(self.training.network),
            "lr": learning_rate,
            "seconds": sums.seconds + seconds,
            "step_ms": statistics.median(sums.step_ms),
            "health": findings,
            **self.task.measures_in(measured),
        }

    def _compare(self, score: float | None) -> None:
        """Keep the best validation; end the training if it has not improved for too many epochs."""
        state, config = self.training.state, self.config
        if score is None:
            return
        if state.best is None or score > state.best:
            state.best, state.best_epoch = score, state.epoch + 1
            if config.keep == "best":
                weights = model_tensors(self.training.network, self.training.rule)
                state.best_weights = {name: value.detach().clone() for name, value in weights.items()}
        elif config.patience is not None and state.epoch + 1 - state.best_epoch >= config.patience:
            state.ended = f"validation has not improved for {config.patience} epochs"
            self.progress.note(f"ended after epoch {state.epoch + 1}: {state.ended}.")
