"""Record of a run for reports: settings, metrics, result, the network before and after training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from .. import tasks
from ..data.schema import Schema
from ..errors import DamagedError
from ..nn import Network
from ..tasks import Task
from .checkpoint import read_tensors
from .folder import INITIAL
from .rebuild import rebuilt_network
from .run import load_run
from .saved_results import read_analysis, read_audit


@dataclass(frozen=True)
class RunRecord:
    """One run with all contents of a report.

    Args:
        path: its folder.
        config: its settings by name.
        summary: its result by name; empty if the training has not ended.
        metrics: one row per epoch.
        network: with the trained weights.
        initial: the same network with the weights before training; None if they are missing.
        rule_summary: the rule in one line.
        trains_top_down: whether the rule trains the top-down pathway.
        analysis: the result of `bispike analyse` for these weights; None if there is none.
        audit: the result of `bispike audit` for the run; None if there is none.
        schema: how the data were read; None if the data set had none.
    """

    path: Path
    config: Mapping[str, Any]
    summary: Mapping[str, Any]
    metrics: Sequence[Mapping[str, Any]]
    network: Network
    initial: Network | None
    rule_summary: str
    trains_top_down: bool
    analysis: Mapping[str, Any] | None = None
    audit: Mapping[str, Any] | None = None
    schema: Schema | None = None

    @property
    def name(self) -> str:
        """The name of the run in reports: the last part of its folder."""
        return self.path.resolve().name

    @property
    def task(self) -> Task:
        """The task of the network."""
        return tasks.of(self.network)

    @property
    def confusion(self) -> Tensor | None:
        """Counts `[C, C]` on the test split (rows: true class, columns: decision); None if there are none."""
        classes = self.network.concept.classes
        counts = self.summary.get("confusion")
        if counts is None:
            return None
        matrix = torch.tensor(counts, dtype=torch.int64)
        return matrix if matrix.shape == (classes, classes) else None


def read_run(path: str | Path) -> RunRecord:
    """Read a run's folder.

    Raises:
        CheckpointError: it is not the folder of a run, or it is damaged.
    """
    run = load_run(path)
    kind = type(run.rule)
    return RunRecord(
        path=Path(path),
        config=run.config.to_dict(),
        summary=run.summary,
        metrics=run.metrics,
        network=run.network,
        initial=initial_network(path, run.network),
        rule_summary=kind.summary,
        trains_top_down=kind.trains_top_down or run.task.trains_top_down,
        analysis=read_analysis(path),
        audit=read_audit(path),
        schema=run.schema,
    )


def initial_network(path: str | Path, network: Network) -> Network | None:
    """The network before training; None if its weights are missing or cannot be read."""
    file = Path(path) / INITIAL
    try:
        initial = rebuilt_network(network.spec, read_tensors(file), file)
    except DamagedError:
        return None
    initial.signals = network.signals
    return initial
