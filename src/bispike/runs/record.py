"""Record of a run for reports: settings, metrics, result, the network before and after training."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from .. import models, tasks
from ..nn import Network
from ..tasks import Task
from .folder import AUDIT, INITIAL, MODEL
from .run import load_run

ANALYSIS = "analysis.json"


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
        audit=_audit(Path(path)),
    )


def _audit(path: Path) -> Mapping[str, Any] | None:
    """`audit.json` in a run's folder; None if there is none that can be read."""
    try:
        found = json.loads((path / AUDIT).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, Mapping) and {"criteria", "data", "network", "batch"} <= found.keys() else None


def initial_network(path: str | Path, network: Network) -> Network | None:
    """The network before training; None if its weights are missing or cannot be read."""
    try:
        weights = load_file(Path(path) / INITIAL)
        initial = models.build(network.spec)
        initial.load_state_dict(weights)
    except (OSError, SafetensorError, RuntimeError):
        return None
    initial.signals = network.signals
    return initial


def model_digest(path: str | Path) -> str:
    """SHA-256 of the weights of a finished run. Measurements of these weights are valid while it stays the same."""
    return hashlib.sha256((Path(path) / MODEL).read_bytes()).hexdigest()


def read_analysis(path: str | Path) -> dict[str, Any] | None:
    """`analysis.json` in a run's folder; None if there is none, or if it is about other weights."""
    try:
        found = json.loads((Path(path) / ANALYSIS).read_text(encoding="utf-8"))
        return found if found["model_sha256"] == model_digest(path) else None
    except (OSError, ValueError, KeyError, TypeError):
        return None
