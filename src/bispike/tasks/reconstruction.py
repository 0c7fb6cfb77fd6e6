"""Reconstruction: an autoencoder sends stimuli up to a latent code and back down, and decides their class too."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor

from ..data import Dataset
from .classification import Classification
from .metrics import RECONSTRUCTION, Metric


class Reconstruction(Classification):
    """Mean squared error of reconstructed stimuli, in the units of the data, beside the accuracy of decisions.

    The reconstruction error chooses the best epoch; summaries give the accuracy for "test" and "validation" as those of
    classification do.
    """

    name: ClassVar[str] = "reconstruction"
    criterion: ClassVar[Metric] = RECONSTRUCTION
    measures: ClassVar[tuple[str, ...]] = (RECONSTRUCTION.name,)
    trains_top_down: ClassVar[bool] = True

    def _further(self, stimuli: Tensor, draws: torch.Generator) -> Tensor:
        difference = self.network.reconstruct(stimuli, generator=draws) - stimuli
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
