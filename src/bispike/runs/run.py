"""A run: the result of a training, in memory and in its folder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch import Tensor

from .. import tasks
from ..arguments import checked
from ..config.train_config import TrainConfig, read_config, read_in_force
from ..data.schema import Schema
from ..data.user_files import Source
from ..errors import CheckpointError, ConfigurationError
from ..json_values import list_of, record
from ..nn import Network, StimulusNetwork
from ..rules import Rule
from ..tasks import Classification, Forecasting, NextSymbols, Task
from . import checkpoint
from .checkpoint import Checkpoint
from .epochs import ROW, read_metrics
from .folder import CHECKPOINT, MODEL, is_finished
from .prediction import Predictions, continuations, decisions, forecasts
from .rebuild import rebuilt_network, rebuilt_rule, restore_rule
from .saved_model import load_decision, network_tensors
from .saved_results import read_summary
from .saved_schema import expect_schema, read_schema


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
        notes: what was damaged in its folder and taken from elsewhere, or is unfinished; one sentence each.
        schema: how its data were read, by which files in use are read too; None if its data set had none.
    """

    path: Path | None
    config: TrainConfig
    network: Network
    rule: Rule
    summary: dict[str, Any]
    metrics: list[dict[str, Any]]
    notes: list[str] = field(default_factory=list)
    schema: Schema | None = None

    def tell(self, note: Callable[[str], None]) -> None:
        """Tell somebody what is to be known before results of this run are used."""
        for sentence in self.notes:
            note(sentence)

    @property
    def task(self) -> Task:
        """The task of the network."""
        return tasks.of(self.network)

    def predict(
        self, *sources: Source, best: int = 3, memory_limit: float | None = None, **drawing: Any
    ) -> Predictions:
        """What the network makes of files and arrays, which are read as the data of the training were.

        Args:
            *sources: paths of files, arrays, tensors, tables or images; text files for a run on texts.
            best: classes in a ranking, at least 1; not used by a run on texts or series.
            memory_limit: GiB that reading a file may take (see `data.memory_limit`).
            **drawing: of a run on texts `characters`, `temperature` and `seed` (see `prediction.continuations`).

        Returns:
            Predictions: rows with "input", "label", "share" and "best", and "true" where a source names the class;
            "input" and "written" of texts; "input", "rows", "ahead", "time" and "values" of series.

        Raises:
            UserError: a source cannot be read, or cannot be brought to the form of the training data.
            CheckpointError: the run does not say how its data were read.
        """
        schema, task = expect_schema(self.schema, self.path), self.task
        if isinstance(task, NextSymbols) and task.network.symbols:
            return continuations(task.network, schema, sources, memory_limit=memory_limit, **drawing)
        if drawing:
            raise ConfigurationError(f"predict: {', '.join(drawing)} have a meaning for runs on texts only.")
        if isinstance(task, Forecasting):
            return forecasts(task.network, schema, sources, memory_limit=memory_limit)
        if not isinstance(task, Classification | NextSymbols):
            raise ConfigurationError("predict: expected a run that decides among classes or forecasts a series.")
        return decisions(task.network, schema, sources, best=best, memory_limit=memory_limit)


@checked
def load_run(path: str | Path) -> Run:
    """Read a run's folder; nothing in it is changed. The network is in evaluation mode, in the precision of the file.

    To train it further, call `run.network.train()` first: a step in evaluation mode leaves the running statistics of
    the norms unchanged.

    Raises:
        CheckpointError: it is not the folder of a run, nothing was saved in it yet, or a file is damaged.
    """
    folder = Path(path)
    notes: list[str] = []
    config = read_config(folder, note=notes.append)
    if is_finished(folder):
        weights = checkpoint.read_tensors(folder / MODEL)
        network, rule = _rebuilt(folder, config, network_tensors(weights), folder / MODEL)
        if rule.state_dict():  # without a checkpoint, the initial tensors of the rule stay
            checkpoint.restore(
                folder / CHECKPOINT,
                lambda saved: restore_rule(rule, saved.group("rule"), folder / CHECKPOINT),
                note=notes.append,
            )
        load_decision(rule, weights, folder / MODEL)
        summary, schema = read_summary(folder) or {}, read_schema(folder)
        return Run(folder, config, network, rule, summary, read_metrics(folder), notes, schema)
    run = checkpoint.restore(
        folder / CHECKPOINT, lambda saved: _unfinished(folder, config, saved, notes), note=notes.append
    )
    if run is None:
        raise CheckpointError(
            f"{folder}: expected a checkpoint, found none: the run ended before the first one was saved."
        )
    return run


def _unfinished(folder: Path, config: TrainConfig, saved: Checkpoint, notes: list[str]) -> Run:
    source = folder / CHECKPOINT
    network, rule = _rebuilt(folder, config, saved.group("network"), source)
    restore_rule(rule, saved.group("rule"), source)
    record({"metrics": list_of(ROW)})(saved.values, f"{source}: values")
    where = f"epoch {saved.epoch + 1}, step {saved.step}"
    notes.append(f"{folder}: the training has not ended; the weights are those of its checkpoint in {where}.")
    return Run(folder, config, network, rule, {}, saved.values["metrics"], notes, read_schema(folder))


def _rebuilt(folder: Path, config: TrainConfig, weights: dict[str, Tensor], source: Path) -> tuple[Network, Rule]:
    spec, options = read_in_force(folder)
    network = rebuilt_network(spec, weights, source)
    rule = rebuilt_rule(config.rule, network, options or config.rule_options, source)
    return network.eval(), rule


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
