"""What a finished run does with stimuli: accuracy on a split, decisions about single stimuli, recall of concepts.

Nothing here writes into the run's folder.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from .. import data
from ..config.checks import validate_training
from ..config.train_config import TrainConfig
from ..data import Dataset, Split
from ..data.sequence_dataset import Windows
from ..errors import ConfigurationError, DataError, UnknownNameError
from ..nn import Network
from ..runs.checkpoint import versions
from ..runs.run import Run, load_run
from ..tasks.judging import MEASURES, mean_steps
from .conditions import training_parts
from .environment import memory_named
from .measures import evaluate, metric_of
from .order import generator

SPLITS = ("test", "validation", "train")


def evaluate_run(
    path: str | Path,
    *,
    dataset: str | None = None,
    split: str = "test",
    transform: Callable[[Tensor, torch.Generator], Tensor] | None = None,
    seed: int = 0,
    batch_size: int = 256,
    device: str = "cpu",
    data_root: str | Path | None = None,
) -> dict[str, Any]:
    """Measure a run on a split.

    Args:
        path: folder of the run.
        dataset: name or path of another data set with such stimuli and classes; None is the run's own.
        split: "test", or the parts of the training data that the run held out ("validation") or saw ("train").
        transform: changes the stimuli of each batch first, for example damages them.
        seed: of `transform` and of stochastic stimulus codes.
        batch_size: samples at a time.
        device: where to compute.
        data_root: folder where data sets lie; None looks where the run found them and in the usual places.

    Returns:
        The run's summary with the accuracy of this split; "test", "validation" and "train" are None unless
        measured now. Also "split", "samples", "confusion" and "notes".

    Raises:
        UserError: what does not fit, or cannot be read.
    """
    if split not in SPLITS:
        raise UnknownNameError("split", split, SPLITS)
    run = load_run(path)
    validate_training(replace(run.config, device=device, batch_size=batch_size, seed=seed))
    source = dataset or run.config.dataset
    same_format = Path(source).suffix == Path(run.config.dataset).suffix
    options = run.config.data_options if same_format else {}
    loaded = data.load(source, root=data_root or run.config.data_root, **options)
    notes = _check_fit(source, loaded, run, own=dataset is None)
    part = split_of(loaded, run.config, split)
    if len(part) == 0:
        raise ConfigurationError(f"split: this run held out no {split} data (validation is 0); choose test.")
    network = run.network.to(device)
    weights = dict(network.named_buffers())
    with memory_named(batch_size):
        steps = mean_steps(loaded.train) if isinstance(loaded.train, Windows) and "quantity_mean" in weights else None
        found = evaluate(network, part, batch_size, seed=seed, transform=transform, steps=steps)
    return {
        **_summary(run),
        "run": str(path),
        "dataset": source,
        "device": device,
        **dict.fromkeys(SPLITS),
        split: found[metric_of(network)],
        "split": split,
        "samples": found["samples"],
        "confusion": found["confusion"],
        "notes": notes,
        **({"reconstruction": {split: found["reconstruction"]}} if "reconstruction" in found else {}),
        **_sequence_measures(found, split),
    }


def split_of(dataset: Dataset, config: TrainConfig, name: str) -> Split:
    """The part of a data set that a training with these settings tests, holds out, or learns from."""
    if name == "test":
        return dataset.test
    train, validation = training_parts(dataset, config)
    return validation if name == "validation" else train


def decide(network: Network, stimuli: Tensor, *, best: int = 3, batch_size: int = 256) -> list[list[tuple[str, float]]]:
    """The classes with the largest softmax shares of the network's scores, largest first.

    Args:
        network: on any device.
        stimuli: `[N, *stimulus.shape]` in the units of training.
        best: how many classes to give for each stimulus, at least 1.
        batch_size: stimuli at a time.

    Returns:
        For each stimulus the names of the classes with their shares (0 to 1).
    """
    if best < 1:
        raise ConfigurationError(f"best: expected at least 1 class, received {best}.")
    names = network.concept.names
    device = next(network.parameters()).device
    network.eval()
    ranked = []
    with torch.no_grad():
        for first in range(0, len(stimuli), batch_size):
            draws = generator(0, "evaluate", first, device=device)
            scores = network.logits(stimuli[first : first + batch_size].to(device), generator=draws)
            shares, order = scores.double().softmax(1).topk(min(best, len(names)))
            ranked += [
                [(names[label], share) for label, share in zip(labels, row, strict=True)]
                for labels, row in zip(order.tolist(), shares.tolist(), strict=True)
            ]
    return ranked


def recall(network: Network, concepts: Sequence[str] = ()) -> tuple[list[str], Tensor]:
    """What concepts call up: their names and the stimuli `[N, *stimulus.shape]` in the units of the data.

    Args:
        network: on any device.
        concepts: names of classes; all classes if there are none.

    Raises:
        UnknownNameError: no such class.
    """
    known = list(network.concept.names)
    names = list(concepts) or known
    for name in names:
        if name not in known:
            raise UnknownNameError("concept", name, known)
    labels = torch.tensor([known.index(name) for name in names], device=next(network.parameters()).device)
    network.eval()
    with torch.no_grad():
        return names, network.recall(labels).cpu()


def _sequence_measures(found: dict[str, Any], split: str) -> dict[str, Any]:
    measures = {name: found[name] for name in MEASURES if name in found}
    return {"measures": {split: measures}} if measures else {}


def _check_fit(source: str, loaded: Dataset, run: Run, *, own: bool) -> list[str]:
    stimulus, concept = run.network.stimulus, run.network.concept
    if loaded.stimulus.shape != stimulus.shape:
        raise DataError(
            f"{source}: holds stimuli of shape {list(loaded.stimulus.shape)}; the run was trained on shape "
            f"{list(stimulus.shape)}."
        )
    if loaded.concept.classes != concept.classes:
        raise DataError(
            f"{source}: holds {loaded.concept.classes} classes; the run tells {concept.classes} classes apart."
        )
    notes = list(loaded.notes)
    if loaded.concept.names != concept.names:
        notes.append("the classes have other names than in training; they are matched by their order.")
    if own and run.summary and run.summary.get("data_fingerprint") != loaded.fingerprint:
        notes.append("the data set has changed since this training.")
    return notes


def _summary(run: Run) -> dict[str, Any]:
    """The run's summary; of an unfinished run what is known of it."""
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
        "metric": metric_of(run.network),
        "train_seconds": sum(row["seconds"] for row in run.metrics),
        "step_ms": None,
        "peak_memory_mb": None,
        "spike_rate": run.metrics[-1]["spike_rate"] if run.metrics else [],
        "versions": versions(),
    }
