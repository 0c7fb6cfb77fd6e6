"""The use of a finished run: its measures on a split, decisions about single stimuli, recall of concepts.

Nothing here writes into the run's folder.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from .. import tasks
from ..arguments import checked
from ..config.resolve import validate_training
from ..config.train_config import TrainConfig
from ..data import Dataset, Split
from ..errors import ConfigurationError, DataError, UnknownNameError
from ..nn import StimulusNetwork
from ..runs.run import Run, load_run
from ..runs.source import open_data
from ..tasks.task import Transform
from . import summary
from .batches import training_parts
from .environment import explain_out_of_memory

SPLITS = ("test", "validation", "train")


@checked
def evaluate_run(
    path: str | Path,
    *,
    dataset: str | None = None,
    split: str = "test",
    transform: Transform | None = None,
    seed: int = 0,
    batch_size: int = 256,
    device: str = "cpu",
    data_root: str | Path | None = None,
    trust: bool = False,
) -> dict[str, Any]:
    """Measure a run on a split.

    Args:
        path: folder of the run.
        dataset: name or path of another data set with the same stimuli and classes; None takes the run's own.
        split: "test", or a part of the training data: the samples for "validation", or those to learn from ("train").
        transform: changes the stimuli of each batch first, for example damages them.
        seed: of `transform` and of stochastic stimulus codes.
        batch_size: samples at a time.
        device: where to compute.
        data_root: folder of data sets; None takes the one of the run, and then the usual places.
        trust: whether to open and download what the settings of somebody else's run name (see `runs.source`).

    Returns:
        The run's summary with the value of its metric on this split; "test", "validation" and "train" are None
        unless measured now. Also "split", "samples", "confusion" and "notes".

    Raises:
        UserError: run and data do not fit each other, or cannot be read.
    """
    if split not in SPLITS:
        raise UnknownNameError("split", split, SPLITS)
    run = load_run(path)
    validate_training(replace(run.config, device=device, batch_size=batch_size, seed=seed))
    source = dataset or run.config.dataset
    notes = list(run.notes)
    loaded = open_data(
        run.path,
        run.config.to_dict(),
        dataset=dataset,
        data_root=data_root,
        trust=trust,
        note=notes.append,
        like=run.schema,
    )
    notes += _check_fit(source, loaded, run, own=dataset is None)
    part = split_of(loaded, run.config, split)
    if len(part) == 0:
        raise ConfigurationError(
            f"split: expected a run with {split} samples; this one was trained with validation=0. Choose 'test'."
        )
    network = run.network.to(device)
    task = tasks.of(network, loaded.train)
    with explain_out_of_memory(batch_size):
        found = task.evaluate(part, batch_size, seed=seed, transform=transform)
    return {
        **summary.of_run(run),
        "run": str(path),
        "dataset": source,
        "device": device,
        **dict.fromkeys(SPLITS),
        split: found[task.metric.name],
        "split": split,
        "samples": found["samples"],
        "confusion": found["confusion"],
        "notes": notes,
        **task.evaluation_summary(found, split),
    }


@checked
def split_of(dataset: Dataset, config: TrainConfig, name: str) -> Split:
    """One part of a data set as a training with these settings divides it.

    Args:
        dataset: the whole data set.
        config: the settings.
        name: "test", "validation" or "train".
    """
    if name == "test":
        return dataset.test
    train, validation = training_parts(dataset, config)
    return validation if name == "validation" else train


@checked
def recall(network: StimulusNetwork, concepts: Sequence[str] = ()) -> tuple[list[str], Tensor]:
    """Recall of concepts: their names and the recalled stimuli `[N, *stimulus.shape]` in the units of the data.

    Args:
        network: on any device.
        concepts: names of classes; empty takes all classes.

    Raises:
        UnknownNameError: no such class.
    """
    known = list(network.concept.names)
    names = list(concepts) or known
    for name in names:
        if name not in known:
            raise UnknownNameError("concept", name, known)
    labels = torch.tensor([known.index(name) for name in names], device=next(network.parameters()).device)
    with torch.no_grad():
        return names, network.recall(labels).cpu()


def _check_fit(source: str, loaded: Dataset, run: Run, *, own: bool) -> list[str]:
    stimulus, concept = run.network.stimulus, run.network.concept
    if loaded.stimulus.shape != stimulus.shape:
        raise DataError(
            f"{source}: expected stimuli of shape {list(stimulus.shape)}, on which the run was trained, received "
            f"{list(loaded.stimulus.shape)}. Choose a data set with stimuli of that shape."
        )
    if loaded.concept.classes != concept.classes:
        raise DataError(
            f"{source}: expected {concept.classes} classes, as the run was trained on, received "
            f"{loaded.concept.classes}. Choose a data set with the same classes."
        )
    notes = list(loaded.notes)
    what = tasks.of(run.network).outputs
    if loaded.concept.names != concept.names:
        differing = [name for name in loaded.concept.names if name not in concept.names] or loaded.concept.names
        raise DataError(
            f"{source}: expected the {what} of the training in their order, "
            f"{_some(concept.names)}; received {_some(differing)}. Choose a data set of the same "
            f"{what}."
        )
    if own and run.summary and run.summary.get("data_fingerprint") != loaded.fingerprint:
        notes.append("the data set has changed since this training.")
    return notes


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(names[:5])
    return shown if len(names) <= 5 else f"{shown} and {len(names) - 5} more"
