"""Tasks of single stimuli: the class of each, and for autoencoders its reconstruction too."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor

from ..data import Dataset, Expected, Split
from ..nn import Autoencoder, Group, StimulusNetwork
from ..seeds import generator
from .metrics import RECONSTRUCTION, Metric
from .task import UNDECIDED, Task, Transform


class Classification(Task):
    """Decisions about single stimuli, measured by their accuracy."""

    name: ClassVar[str] = "classification"
    network: StimulusNetwork

    def __init__(self, network: StimulusNetwork) -> None:
        super().__init__(network)

    def _measure(
        self, split: Split, batch_size: int, *, seed: int, transform: Transform | None, group: Group
    ) -> dict[str, Any]:
        network, classes = self.network, self.network.concept.classes
        device = next(network.parameters()).device
        counts = torch.zeros(classes * classes + 1, dtype=torch.int64, device=device)  # and stimuli without decision
        further = torch.zeros(len(self.measures), dtype=torch.float64, device=device)
        for first in range(group.rank * batch_size, len(split), group.size * batch_size):
            stimuli, labels = split[first : first + batch_size]
            stimuli, labels = stimuli.to(device), labels.to(device)
            if transform is not None:
                stimuli = transform(stimuli, generator(seed, "transform", first))
            draws = generator(seed, "evaluate", first, device=device)
            scores = network.decide(stimuli, generator=draws)
            counts[:-1] += torch.bincount(labels * classes + scores.argmax(1), minlength=classes * classes)
            counts[-1] += scores.isnan().any(1).sum()
            further += self._further(stimuli, generator(seed, "evaluate", first, device=device))
        found = group.add_(counts).cpu()
        confusion = found[:-1].view(classes, classes)
        correct = int(confusion.trace())
        means = [total / len(split) for total in group.add_(further).tolist()] if self.measures else []
        return {
            "accuracy": correct / len(split),
            "correct": correct,
            "samples": len(split),
            "confusion": confusion.tolist(),
            UNDECIDED: int(found[-1]),
            **dict(zip(self.measures, means, strict=True)),
        }

    def _further(self, stimuli: Tensor, draws: torch.Generator) -> Tensor:
        """Sums of `measures` over the stimuli of a batch, float64 `[len(measures)]`."""
        return torch.zeros(0, dtype=torch.float64, device=stimuli.device)

    def _input_problems(self, dataset: Dataset | Expected) -> list[str]:
        bins = dataset.stimulus.shape[0]
        given = (self.network.stimulus_code, self.network.time_steps)
        if dataset.task != "events" or given == ("given", bins):
            return []
        return [
            f"model: data set {dataset.name!r} holds events in {bins} bins of time; expected stimulus_code 'given' and "
            f"time_steps {bins}, received {given[0]!r} and {given[1]}: --set stimulus_code=given time_steps={bins}."
        ]


class Reconstruction(Classification):
    """Mean squared error of reconstructed stimuli, in the units of the data, beside the accuracy of decisions.

    The reconstruction error chooses the best epoch; summaries give the accuracy for "test" and "validation" as those of
    classification do.
    """

    name: ClassVar[str] = "reconstruction"
    criterion: ClassVar[Metric] = RECONSTRUCTION
    measures: ClassVar[tuple[str, ...]] = (RECONSTRUCTION.name,)
    trains_top_down: ClassVar[bool] = True
    network: Autoencoder

    def __init__(self, network: Autoencoder) -> None:
        super().__init__(network)

    def _further(self, stimuli: Tensor, draws: torch.Generator) -> Tensor:
        difference = self.network.rebuild(stimuli, generator=draws) - stimuli
        return difference.double().square().flatten(1).mean(1).sum().reshape(1)

    def epoch_text(self, row: Mapping[str, Any]) -> list[str]:
        """The accuracies, and the reconstruction error of the validation part."""
        error = row.get(RECONSTRUCTION.name)
        return [*super().epoch_text(row), *([] if error is None else [f"MSE {RECONSTRUCTION.text(error)}"])]

    def summary(self, dataset: Dataset, *, test: Mapping[str, Any], validation: Mapping[str, Any]) -> dict[str, Any]:
        """The reconstruction error of the test part and of the validation part, None where it was not measured."""
        parts = {"test": test, "validation": validation}
        return {RECONSTRUCTION.name: {part: values.get(RECONSTRUCTION.name) for part, values in parts.items()}}

    def evaluation_summary(self, measured: Mapping[str, Any], split: str) -> dict[str, Any]:
        """The reconstruction error of the split."""
        return {RECONSTRUCTION.name: {split: measured[RECONSTRUCTION.name]}}
