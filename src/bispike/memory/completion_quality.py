"""Quality of completion: the error on the hidden part of stimuli, relative to the mean stimulus of the class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ..arguments import checked
from .associative import AssociativeMemory

COMPLETION_SETTINGS: dict[str, Any] = {"flipped": 0.02, "flipped_concept": 0.1, "hidden": 0.75, "passes": 100}
"""Settings of a memory whose cues are parts of images."""


@dataclass(frozen=True)
class CompletionQuality:
    """Quality of completion of hidden parts.

    Args:
        stored: number of stimuli, stored or tested.
        ratio: squared error on the hidden part over that of the class-mean stimulus, after the last pass.
        first: the same after one pass.
        decided: share of right decisions from the cue alone, in one bottom-up pass.
        settled: the same after the last pass.
    """

    stored: int
    ratio: float
    first: float
    decided: float
    settled: float


@checked
def stored_completion(
    stimuli: Tensor, labels: Tensor, known: Tensor, *, stored: int, units: int = 400, passes: int = 3, seed: int = 0
) -> CompletionQuality:
    """Store stimuli with one random concept each, then complete them; the decision is the nearest stored concept.

    Args:
        stimuli: `[N, *shape]` in [0, 1]; the first `stored` are stored, and the class means are those of all.
        labels: `[N]`.
        known: mask that broadcasts to a stimulus, 1 where known.
        stored: number of stimuli to store.
        units: number of concept units.
        passes: number of passes of the completion.
        seed: seed of concepts and memory.
    """
    chosen, classes = stimuli[:stored], labels[:stored]
    concepts = torch.randint(0, 2, (stored, units), generator=torch.Generator().manual_seed(seed)).float()
    memory = AssociativeMemory(stimuli.shape[1:], units, **COMPLETION_SETTINGS, seed=seed)
    memory.store(chosen, concepts)
    completed = memory.complete(chosen, known=known, passes=passes)
    means = class_means(stimuli, labels)[classes]
    own = torch.arange(stored)
    right = [float((torch.cdist(found, concepts).argmin(1) == own).double().mean()) for found in completed.concepts]
    ratio = [hidden_error(found, chosen, known) / hidden_error(means, chosen, known) for found in completed.stimuli]
    return CompletionQuality(stored, ratio[-1], ratio[0], right[0], right[-1])


@checked
def hidden_error(found: Tensor, originals: Tensor, known: Tensor) -> float:
    """Mean squared error on the part that is not known."""
    hidden = (1 - known).expand_as(originals)
    return float(((found - originals).square() * hidden).sum() / hidden.sum())


@checked
def class_means(stimuli: Tensor, labels: Tensor) -> Tensor:
    """Mean stimulus of each class, `[C, *shape]`."""
    sums = stimuli.new_zeros((int(labels.max()) + 1, *stimuli.shape[1:])).index_add_(0, labels, stimuli)
    counts = torch.bincount(labels).clamp(min=1).to(stimuli)
    return sums / counts.view(-1, *[1] * (stimuli.dim() - 1))
