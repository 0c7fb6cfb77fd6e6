"""A run: the result of a training, in memory and in its folder."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .. import models, rules, tasks
from ..arguments import checked
from ..config.train_config import TrainConfig, read_config, read_in_force
from ..errors import CheckpointError, ConfigurationError, UnknownNameError
from ..files import read_lines
from ..nn import Network, StimulusNetwork
from ..rules import Rule
from ..tasks import Classification, Task
from . import checkpoint
from .checkpoint import load_weights
from .folder import CHECKPOINT, METRICS, MODEL, SUMMARY, is_finished


@dataclass
class Run:
    """One training.

    Args:
        path: its folder; None if it has none.
        config: its settings.
        network: with the weights that were tested, or, if the run is unfinished, those of its checkpoint.
        rule: the learning rule on that network.
        summary: the result by name, as in `summary.json`; empty if the run is unfinished.
        metrics: one row per finished epoch, as in `metrics.jsonl`.
    """

    path: Path | None
    config: TrainConfig
    network: Network
    rule: Rule
    summary: dict[str, Any]
    metrics: list[dict[str, Any]]

    @property
    def task(self) -> Task:
        """The task of the network."""
        return tasks.of(self.network)


@checked
def load_run(path: str | Path) -> Run:
    """Read a run's folder; nothing in it is changed. The network is in evaluation mode, in the precision of the file.

    To train it further, call `run.network.train()` first: a step in evaluation mode leaves the running statistics of
    the norms unchanged.

    Raises:
        CheckpointError: it is not the folder of a run, nothing was saved in it yet, or a file is damaged.
    """
    folder = Path(path)
    config = read_config(folder)
    spec, options = read_in_force(folder)
    finished = is_finished(folder)
    saved = None if finished else checkpoint.load(folder / CHECKPOINT)
    if not finished and saved is None:
        raise CheckpointError(
            f"{folder}: expected a checkpoint, found none: the run ended before the first one was saved."
        )
    weights = checkpoint.read_tensors(folder / MODEL) if saved is None else saved.group("network")
    try:
        network = models.build(spec)
        if "stimulus_mean" in weights:
            network.to(weights["stimulus_mean"].dtype)
        rule = rules.create(config.rule, network, **(options or config.rule_options))
    except (ConfigurationError, UnknownNameError, KeyError, TypeError) as error:
        raise CheckpointError(
            f"{folder}: the network or the rule of this run cannot be built again: {error}"
        ) from error
    if saved is None:
        load_weights(network, weights, folder / MODEL)
        if rule.state_dict():
            _restore(rule, checkpoint.load(folder / CHECKPOINT), folder)
        return Run(folder, config, network.eval(), rule, read_summary(folder) or {}, read_metrics(folder))
    load_weights(network, weights, folder / CHECKPOINT)
    _restore(rule, saved, folder)
    return Run(folder, config, network.eval(), rule, {}, saved.values["metrics"])


def expect_single_stimuli(run: Run, what: str) -> StimulusNetwork:
    """The network of a run, which must be one on single stimuli.

    Args:
        run: any run.
        what: the command that is not defined for sequences.

    Raises:
        ConfigurationError: the run is one on sequences.
    """
    task = run.task
    if not isinstance(task, Classification):
        raise ConfigurationError(
            f"{what}: expected a run on single stimuli, received {run.path}, a run on sequences. Use "
            "'bispike evaluate', 'predict' or 'report'."
        )
    return task.network


def horizon_and_inputs(run: Run) -> tuple[int, tuple[str, ...]]:
    """The horizon of a run on a series, in steps, and the names of its input columns.

    Raises:
        ConfigurationError: the run is unfinished, or not one on a series.
    """
    if "inputs" not in run.summary:
        raise ConfigurationError(
            f"{run.path}: expected a finished run on a series, received another or an unfinished one. "
            "Resume its training."
        )
    return int(run.summary["horizon"]), tuple(run.summary["inputs"])


def _restore(rule: Rule, saved: checkpoint.Checkpoint | None, folder: Path) -> None:
    """Load the state of a rule from the last checkpoint; without a checkpoint its initial weights stay."""
    if saved is None:
        return
    try:
        rule.load_state_dict(saved.group("rule"))
    except ConfigurationError as error:
        raise CheckpointError(f"{folder / CHECKPOINT}: {error}") from error


@checked
def read_summary(path: str | Path) -> dict[str, Any] | None:
    """`summary.json` of a run; None if the run is unfinished.

    Raises:
        CheckpointError: the file is damaged.
    """
    file = Path(path) / SUMMARY
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{file}: is damaged ({error}).") from error


def read_metrics(path: str | Path) -> list[dict[str, Any]]:
    """`metrics.jsonl` of a run, one dict per epoch; incomplete lines are left out.

    Raises:
        CheckpointError: a complete line is not JSON.
    """
    file = Path(path) / METRICS
    try:
        return [json.loads(line) for line in read_lines(file) if line]
    except ValueError as error:
        raise CheckpointError(f"{file}: is damaged ({error}).") from error
