"""Small runs without a folder, for tests of the report."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import torch

from bispike import data, models, rules
from bispike.analysis import pathway_angles
from bispike.data import Dataset
from bispike.nn import Autoencoder
from bispike.report.run import ReportRun
from bispike.runs.record import RunRecord


def digits(names: tuple[str, ...] | None = None) -> Dataset:
    """The embedded digits, with other class names if given."""
    loaded = data.load("digits")
    if names is None:
        return loaded
    train, test = loaded.train, loaded.test
    return data.Dataset("named", loaded.stimulus, type(loaded.concept)(names), train, test)


def record(
    rule: str = "bsd", *, dataset: Dataset | None = None, model: str = "mlp", epochs: int = 2, **changes: Any
) -> RunRecord:
    """A run of a few steps an epoch."""
    found = dataset or digits()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        build = models.autoencoder if model == "autoencoder" else models.mlp
        network = build(found.stimulus, [24, 16], found.concept, time_steps=3)
    initial = copy.deepcopy(network)
    trained = rules.create(rule, network)
    initial.signals = network.signals
    optimizer = torch.optim.Adam(trained.parameters(), lr=5e-3)
    metrics = []
    for epoch in range(1, epochs + 1):
        for start in range(0, 640, 64):
            stimuli, labels = found.train[range(start, start + 64)]
            report = trained.compute_gradients(stimuli, labels)
            optimizer.step()
        metrics.append(
            {
                "epoch": epoch,
                "loss": float(report.loss),
                "train_accuracy": float(report.correct) / 64,
                "validation": 0.5,
                "layer_losses": {name: float(loss) for name, loss in report.layer_losses.items()},
                "angle": {angle.name: angle.degrees for angle in pathway_angles(network)},
            }
        )
    kind = rules.registry[rule]
    values: dict[str, Any] = {
        "path": Path("runs") / rule,
        "config": {"dataset": "digits", "rule": rule, "model": model, "model_options": {"widths": [24, 16]}},
        "summary": {"test": 0.9, "validation": 0.8, "seed": 0, "train_seconds": 90.0, "versions": {"torch": "2"}},
        "metrics": metrics,
        "network": network,
        "initial": initial,
        "rule_summary": kind.summary,
        "trains_top_down": kind.trains_top_down or isinstance(network, Autoencoder),
    }
    return RunRecord(**{**values, **changes})


def reported(one: RunRecord, *, samples: int = 60) -> ReportRun:
    """A run on digits, with its data set."""
    return ReportRun(one, lambda: digits(one.network.concept.names), samples=samples)


def without_data(one: RunRecord, why: str = "no data") -> ReportRun:
    """A run whose data set cannot be read."""
    return ReportRun(one, lambda: why)
