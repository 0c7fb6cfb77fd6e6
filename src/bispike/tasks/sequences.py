"""Base of the tasks of recurrent networks: windows of a sequence, and the protocol of their measurement."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from torch import Tensor

from ..data import Dataset, Split
from ..data.sequence_dataset import SequenceDataset, Windows
from ..errors import ConfigurationError
from ..nn import Group, SequenceNetwork
from .task import Task, Transform

Batch = tuple[Tensor, Tensor]
"""Stimuli `[B, S]` or `[B, S, D]` and targets `[B, S]` or `[B, S, K]` of B windows."""


class SequenceTask(Task):
    """Predictions of a recurrent network at the positions of windows of a sequence."""

    name: ClassVar[str] = "sequences"
    sequential: ClassVar[bool] = True
    network: SequenceNetwork

    def _measure(
        self, split: Split, batch_size: int, *, seed: int, transform: Transform | None, group: Group
    ) -> dict[str, Any]:
        if transform is not None:
            raise ConfigurationError("evaluate: sequences cannot be damaged; leave the corruption out.")
        part = windows(split)
        firsts = range(group.rank * batch_size, len(part), group.size * batch_size)
        batches = (part[first : first + batch_size] for first in firsts)
        return self._measure_windows(batches, part.scored, group)

    @abstractmethod
    def _measure_windows(self, batches: Iterator[Batch], scored: str, group: Group) -> dict[str, Any]:
        """The evaluation of windows.

        Args:
            batches: the windows of this process.
            scored: the positions that count: "all", "last", or "vote" (the mean over all is one decision).
            group: processes that share the batches.
        """

    def summary(self, dataset: Dataset, *, test: Mapping[str, Any], validation: Mapping[str, Any]) -> dict[str, Any]:
        """The protocol, and all measures by the part of the data."""
        return {
            **dataset.protocol_summary(),
            "measures": {"test": self.measures_in(test), "validation": self.measures_in(validation)},
        }

    def evaluation_summary(self, measured: Mapping[str, Any], split: str) -> dict[str, Any]:
        """All measures of the split."""
        return {"measures": {split: self.measures_in(measured)}}


def windows(split: Split) -> Windows:
    """The split as windows of a sequence.

    Raises:
        ConfigurationError: it holds single stimuli.
    """
    if not isinstance(split, Windows):
        raise ConfigurationError(
            f"split: expected windows of a sequence, received {len(split)} single stimuli. A recurrent network needs a "
            "data set of the task text, series or events."
        )
    return split


def sequences(dataset: Dataset) -> SequenceDataset:
    """The data set as one of sequences.

    Raises:
        ConfigurationError: it holds single stimuli.
    """
    if not isinstance(dataset, SequenceDataset):
        raise ConfigurationError(f"data set {dataset.name!r}: expected sequences, received single stimuli.")
    return dataset
