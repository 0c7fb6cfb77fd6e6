"""Classification: a network decides the class of each single stimulus."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch import Tensor

from ..data import Dataset, Split
from ..nn import Group
from ..seeds import generator
from .task import Task, Transform


class Classification(Task):
    """Decisions about single stimuli, measured by their accuracy."""

    name: ClassVar[str] = "classification"

    def _measure(
        self, split: Split, batch_size: int, *, seed: int, transform: Transform | None, group: Group
    ) -> dict[str, Any]:
        network, classes = self.network, self.network.concept.classes
        device = next(network.parameters()).device
        counts = torch.zeros(classes * classes, dtype=torch.int64, device=device)
        further = torch.zeros(len(self.measures), dtype=torch.float64, device=device)
        for first in range(group.rank * batch_size, len(split), group.size * batch_size):
            stimuli, labels = split[first : first + batch_size]
            stimuli, labels = stimuli.to(device), labels.to(device)
            if transform is not None:
                stimuli = transform(stimuli, generator(seed, "transform", first))
            draws = generator(seed, "evaluate", first, device=device)
            decided = network.logits(stimuli, generator=draws).argmax(1)
            counts += torch.bincount(labels * classes + decided, minlength=classes * classes)
            further += self._further(stimuli, generator(seed, "evaluate", first, device=device))
        confusion = group.add_(counts).view(classes, classes).cpu()
        correct = int(confusion.trace())
        means = [total / len(split) for total in group.add_(further).tolist()] if self.measures else []
        return {
            "accuracy": correct / len(split),
            "correct": correct,
            "samples": len(split),
            "confusion": confusion.tolist(),
            **dict(zip(self.measures, means, strict=True)),
        }

    def _further(self, stimuli: Tensor, draws: torch.Generator) -> Tensor:
        """Sums of `measures` over the stimuli of a batch, float64 `[len(measures)]`."""
        return torch.zeros(0, dtype=torch.float64, device=stimuli.device)

    def _input_problems(self, dataset: Dataset) -> list[str]:
        bins = dataset.stimulus.shape[0]
        given = (self.network.stimulus_code, self.network.time_steps)
        if dataset.task != "events" or given == ("given", bins):
            return []
        return [
            f"model: data set {dataset.name!r} holds events in {bins} bins of time; expected stimulus_code 'given' and "
            f"time_steps {bins}, received {given[0]!r} and {given[1]}: --set stimulus_code=given time_steps={bins}."
        ]
