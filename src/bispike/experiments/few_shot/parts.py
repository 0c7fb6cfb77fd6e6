"""The parts of a data set in which some classes are unknown at first.

Known classes are numbered 0..K−1 in their old order, new ones follow in the order they were asked for. The training
samples of the new classes are only a pool from which a few examples are drawn; mean and deviation of the stimuli come
from the known classes alone.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ...arguments import checked
from ...data import Dataset, Split
from ...data.dataset import channel_statistics
from ...errors import ConfigurationError, unknown_name
from ...spaces import Concept, Stimulus


@dataclass(frozen=True)
class Parts:
    """What a few-shot experiment needs of a data set.

    Attributes:
        known: data set of the K known classes; its test part is the known classes' validation part.
        pool: training samples of the new classes, labels from K.
        validation, test: samples of all classes.
        new: names of the new classes.
    """

    known: Dataset
    pool: Split
    validation: Split
    test: Split
    new: tuple[str, ...]


def file_name(new: Sequence[str]) -> str:
    """Names of new classes as a part of a file name: letters, digits, dots and hyphens, without a folder."""
    return re.sub(r"[^\w.-]+", "_", "-".join(new)).strip(".")


@checked
def part(dataset: Dataset, new: Sequence[str], *, validation: float) -> Parts:
    """Set some classes of a data set apart.

    Args:
        dataset: at least two classes more than `new`.
        new: names of the classes that are unknown at first.
        validation: share of the training samples for validation, the same ones for any choice of `new`.

    Raises:
        ConfigurationError: an unknown name, a name twice, or too few classes left.
    """
    names = dataset.concept.names
    problems = [unknown_name("class", name, names) for name in new if name not in names]
    if len(set(new)) != len(new) or not new or len(names) - len(new) < 2:
        problems.append(f"new: expected distinct classes that leave at least 2 of {len(names)}, received {list(new)}.")
    if problems:
        raise ConfigurationError(problems)
    order = [*[name for name in names if name not in new], *new]
    number = torch.tensor([order.index(name) for name in names])
    first = len(order) - len(new)
    train, held_out = (_numbered(split, number) for split in dataset.split_validation(validation, 0))
    base = _only(train, train.labels < first)
    stimulus = Stimulus(dataset.stimulus.shape, *channel_statistics(base.stimuli))
    known = Dataset(
        f"{dataset.name} without {', '.join(new)}",
        stimulus,
        Concept(tuple(order[:first])),
        base,
        _only(held_out, held_out.labels < first),
    )
    return Parts(known, _only(train, train.labels >= first), held_out, _numbered(dataset.test, number), tuple(new))


@checked
def draw_examples(pool: Split, shots: int, *, generator: torch.Generator) -> Split:
    """`shots` samples of every class of the pool, all classes mixed."""
    chosen = []
    for label in pool.labels.unique().tolist():
        rows = (pool.labels == label).nonzero().flatten()
        chosen.append(rows[torch.randperm(len(rows), generator=generator)[:shots]])
    rows = torch.cat(chosen)
    return pool.subset(rows[torch.randperm(len(rows), generator=generator)])


def _numbered(split: Split, number: Tensor) -> Split:
    return Split(split.stimuli, number[split.labels])


def _only(split: Split, mask: Tensor) -> Split:
    return split.subset(mask.nonzero().flatten())
