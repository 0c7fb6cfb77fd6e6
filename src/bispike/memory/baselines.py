"""Memories for comparison: Kosko's bidirectional associative memory (BAM), and a modern Hopfield network."""

from __future__ import annotations

import torch
from torch import Tensor

from ..arguments import checked
from .result import CompletionResult, known_mask


class KoskoBAM:
    """Bidirectional associative memory (Kosko 1988): one matrix of Hebbian products, used in both directions.

    Bipolar patterns x, y in {−1, 1}: M = Σ x yᵀ; y ← sign(xᵀM), x ← sign(M y); at a drive of 0 a unit keeps its state.

    Args:
        stimulus, concept: numbers of units.
    """

    @checked
    def __init__(self, stimulus: int, concept: int) -> None:
        self.matrix = torch.zeros(stimulus, concept)

    @checked
    def store(self, stimuli: Tensor, concepts: Tensor) -> None:
        """Add pairs `[N, stimulus]`, `[N, concept]` of 0 and 1."""
        self.matrix += (2 * stimuli - 1).T @ (2 * concepts - 1)

    @checked
    def complete(self, cue: Tensor, *, known: Tensor | None = None, passes: int = 50) -> CompletionResult:
        """See `AssociativeMemory.complete`; ends early at a fixed point."""
        given = 2 * cue - 1
        clamped = torch.zeros_like(cue) if known is None else known_mask(known, cue)
        x = given * (1 if known is None else clamped)
        y = torch.zeros(len(cue), self.matrix.shape[1])
        stimuli, concepts = [], []
        for _ in range(passes):
            before = x, y
            y = _sign(x @ self.matrix, y)
            x = torch.where(clamped > 0, given, _sign(y @ self.matrix.T, x))
            stimuli.append((x + 1) / 2)
            concepts.append((y + 1) / 2)
            if torch.equal(x, before[0]) and torch.equal(y, before[1]):
                break
        return CompletionResult(stimuli[-1], concepts[-1], tuple(stimuli), tuple(concepts))


class ModernHopfield:
    """Modern Hopfield network (Ramsauer et al. 2021): softmax over all stored patterns.

    Args:
        sharpness: β of the softmax over ⟨x, x_i⟩ / √D of bipolar patterns.
    """

    @checked
    def __init__(self, sharpness: float = 8.0) -> None:
        self.sharpness = sharpness
        self.stimuli, self.concepts = torch.zeros(0), torch.zeros(0)

    @checked
    def store(self, stimuli: Tensor, concepts: Tensor) -> None:
        """Append pairs `[N, stimulus]`, `[N, concept]` of 0 and 1."""
        new = 2 * stimuli - 1, 2 * concepts - 1
        old = (self.stimuli, self.concepts) if len(self.stimuli) else (new[0][:0], new[1][:0])
        self.stimuli, self.concepts = torch.cat([old[0], new[0]]), torch.cat([old[1], new[1]])

    @checked
    def complete(self, cue: Tensor, *, known: Tensor | None = None, passes: int = 3) -> CompletionResult:
        """See `AssociativeMemory.complete`."""
        given = 2 * cue - 1
        clamped = torch.zeros_like(cue) if known is None else known_mask(known, cue)
        x = given * (1 if known is None else clamped)
        stimuli, concepts = [], []
        for _ in range(passes):
            weights = (self.sharpness / x.shape[1] ** 0.5 * (x @ self.stimuli.T)).softmax(1)
            x = torch.where(clamped > 0, given, weights @ self.stimuli)
            stimuli.append((x + 1) / 2)
            concepts.append((weights @ self.concepts + 1) / 2)
        return CompletionResult(stimuli[-1], concepts[-1], tuple(stimuli), tuple(concepts))


def _sign(drive: Tensor, state: Tensor) -> Tensor:
    return torch.where(drive == 0, state, drive.sign())
