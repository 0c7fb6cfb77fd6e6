"""The summary of a run: what was trained, on what, with which result. `summary.json` holds it."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..config.train_config import TrainConfig
from ..data import Dataset
from ..functional.backends import native
from ..runs.checkpoint import versions
from ..runs.run import Run
from .history import History


def of_training(
    history: History,
    test: Mapping[str, Any],
    *,
    config: TrainConfig,
    dataset: Dataset,
    folder: Path | None,
    samples: Mapping[str, int],
    processes: int,
) -> dict[str, Any]:
    """The summary of a training that has come to its end.

    Args:
        history: of the training.
        test: the evaluation of the test part, or the task's `not_measured()`.
        config, dataset: of the training.
        folder: where this process wrote the run; None if it did not.
        samples: number of samples that were used for "train" and for "validation".
        processes: that shared each batch.
    """
    training, task = history.training, history.task
    network, rows, kept = training.network, training.state.metrics, history.kept_row()
    return {
        "run": None if folder is None else str(folder),
        "dataset": config.dataset,
        "model": config.model,
        "rule": config.rule,
        "seed": config.seed,
        "epochs": len(rows),
        "time_steps": network.time_steps,
        "steps": network.time_steps,
        "batch_size": config.batch_size,
        "parameters": sum(parameter.numel() for parameter in network.parameters()),
        "metric": task.metric.name,
        "test": test[task.metric.name],
        "validation": kept["validation"],
        "train_seconds": sum(row["seconds"] for row in rows),
        "step_ms": statistics.median(row["step_ms"] for row in rows),
        "peak_memory_mb": training.peak_memory_mb,
        "spike_rate": kept["spike_rate"],
        "device": str(training.device),
        "versions": versions(),
        "processes": processes,
        "native": native.usable(next(network.parameters())),
        "parameters_trained": sum(parameter.numel() for parameter in training.parameters),
        "train_samples": samples["train"],
        "validation_samples": samples["validation"],
        "test_samples": test["samples"],
        "updates": training.state.updates,
        "kept_epoch": kept["epoch"],
        "best_validation": history.best_validation(),
        "ended": training.state.ended,
        "confusion": test["confusion"],
        "data_fingerprint": dataset.fingerprint,
        **task.summary(dataset, test=test, validation=kept),
    }


def of_run(run: Run) -> dict[str, Any]:
    """The summary of a run; of an unfinished one the keys that are known so far."""
    if run.summary:
        return run.summary
    return {
        "model": run.config.model,
        "rule": run.config.rule,
        "seed": run.config.seed,
        "epochs": len(run.metrics),
        "time_steps": run.network.time_steps,
        "steps": run.network.time_steps,
        "batch_size": run.config.batch_size,
        "parameters": sum(parameter.numel() for parameter in run.network.parameters()),
        "metric": run.task.metric.name,
        "train_seconds": sum(row["seconds"] for row in run.metrics),
        "step_ms": None,
        "peak_memory_mb": None,
        "spike_rate": run.metrics[-1]["spike_rate"] if run.metrics else [],
        "versions": versions(),
    }
