"""Next symbols: a recurrent network gives scores of classes at each position of a text or a recording.

text      accuracy: share of characters that are forecast correctly; bits: mean −log2 p of the true character
events    the same for recordings, where the mean of the scores at all positions decides
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

import torch

from ..data import Dataset, Expected
from ..nn import Group
from .sequences import Batch, SequenceTask
from .task import UNDECIDED


class NextSymbols(SequenceTask):
    """Decisions among classes along a sequence, measured by accuracy and bits."""

    name: ClassVar[str] = "next symbols"
    measures: ClassVar[tuple[str, ...]] = ("bits",)

    def _measure_windows(self, batches: Iterator[Batch], scored: str, group: Group) -> dict[str, Any]:
        device = next(self.network.parameters()).device
        classes = self.network.concept.classes
        counts = torch.zeros(classes * classes + 1, dtype=torch.int64, device=device)  # and places without decision
        nats = torch.zeros(1, dtype=torch.float64, device=device)
        for stimuli, labels in batches:
            scores, true = self.network.logits(stimuli.to(device)), labels.to(device)
            if scored == "last":
                scores, true = scores[:, -1:], true[:, -1:]
            elif scored == "vote":
                scores, true = scores.mean(1, keepdim=True), true[:, :1]
            counts[:-1] += torch.bincount((true * classes + scores.argmax(2)).flatten(), minlength=classes * classes)
            counts[-1] += scores.isnan().any(2).sum()
            nats -= scores.double().log_softmax(2).gather(2, true[:, :, None]).sum()
        found = group.add_(counts).cpu()
        confusion = found[:-1].view(classes, classes)
        correct, places = int(confusion.trace()), int(confusion.sum())
        return {
            "accuracy": correct / places,
            "correct": correct,
            "samples": places,
            "confusion": confusion.tolist(),
            UNDECIDED: int(found[-1]),
            "bits": float(group.add_(nats)) / places / math.log(2),
        }

    def _input_problems(self, dataset: Dataset | Expected) -> list[str]:
        if dataset.task != "series":
            return []
        return [
            f"model: data set {dataset.name!r} is for the task 'series'; expected a network that forecasts quantities, "
            "received one that decides among classes. Build the network with data.concept."
        ]

    def epoch_text(self, row: Mapping[str, Any]) -> list[str]:
        """The accuracies, and the bits per symbol of the validation part."""
        return [*super().epoch_text(row), *([f"{row['bits']:.3f} bits"] if "bits" in row else [])]
