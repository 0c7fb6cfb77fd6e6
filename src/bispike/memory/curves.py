"""Capacity of a memory: recall error against the number of stored pairs, and against damage to the cue."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from ..arguments import checked
from ..errors import ConfigurationError, unknown_name
from .result import CompletionResult
from .sequence_memory import SequenceMemory

DAMAGE = ("flipped", "masked")


class Memory(Protocol):
    """A memory that can be measured."""

    def store(self, stimuli: Tensor, concepts: Tensor) -> None: ...

    def complete(self, cue: Tensor, *, known: Tensor | None = None) -> CompletionResult: ...


@dataclass(frozen=True)
class CurvePoint:
    """Error of recall at one number of pairs or one share of damage, mean over seeds.

    Args:
        at: number of pairs, or share of damage.
        concept, stimulus: share of wrong bits of each population after completion.
    """

    at: float
    concept: float
    stimulus: float

    @property
    def error(self) -> float:
        """Share of wrong bits in the worse population: a pair counts as stored if both are right."""
        return max(self.concept, self.stimulus)


@checked
def random_pairs(pairs: int, stimulus: int, concept: int, seed: int) -> tuple[Tensor, Tensor]:
    """Random pairs: bits `[pairs, stimulus]` and `[pairs, concept]`, each 1 with probability ½."""
    generator = torch.Generator().manual_seed(seed)
    sides = [torch.randint(0, 2, (pairs, units), generator=generator).float() for units in (stimulus, concept)]
    return sides[0], sides[1]


@checked
def capacity_curve(
    make: Callable[[int, int, int], Memory],
    pairs: Sequence[int],
    *,
    stimulus: int = 784,
    concept: int = 100,
    flipped: float = 0.25,
    seeds: int = 3,
    stimuli: Tensor | None = None,
) -> list[CurvePoint]:
    """Error of completion from a cue with flipped bits, by number of random pairs.

    Args:
        make: creates a memory from (stimulus units, concept units, seed).
        pairs: numbers of pairs to store.
        stimulus, concept: numbers of units.
        flipped: share of the bits of each cue that are flipped.
        seeds: number of repetitions, each with other pairs.
        stimuli: `[N, stimulus]` bits to store instead of random ones; each seed draws other ones.
    """
    points = []
    for count in pairs:
        errors = []
        for seed in range(seeds):
            x, y = random_pairs(count, stimulus, concept, seed)
            if stimuli is not None:
                chosen = torch.randperm(len(stimuli), generator=torch.Generator().manual_seed(seed))[:count]
                x = stimuli[chosen]
            memory = make(stimulus, concept, seed)
            memory.store(x, y)
            errors.append(_errors(memory.complete(_flip(x, flipped, seed)), x, y))
        points.append(_mean(count, errors))
    return points


@checked
def robustness_curve(
    make: Callable[[int, int, int], Memory],
    damage: Sequence[float],
    *,
    kind: str = "flipped",
    pairs: int = 40,
    stimulus: int = 784,
    concept: int = 100,
    seeds: int = 3,
) -> list[CurvePoint]:
    """Error of completion at a fixed number of pairs, by the share of the cue that is `"flipped"` or `"masked"`."""
    if kind not in DAMAGE:
        raise ConfigurationError(unknown_name("damage", kind, DAMAGE))
    found: dict[float, list[tuple[float, float]]] = {share: [] for share in damage}
    for seed in range(seeds):
        x, y = random_pairs(pairs, stimulus, concept, seed)
        memory = make(stimulus, concept, seed)
        memory.store(x, y)
        for share in damage:
            if kind == "flipped":
                completed = memory.complete(_flip(x, share, seed))
            else:
                draws = torch.Generator().manual_seed(seed + 1)
                completed = memory.complete(x, known=(torch.rand(x.shape, generator=draws) >= share).float())
            found[share].append(_errors(completed, x, y))
    return [_mean(share, errors) for share, errors in found.items()]


@checked
def capacity(curve: Sequence[CurvePoint], error: float = 0.05) -> int:
    """Largest number of pairs up to which every error is within the limit; 0 if none is."""
    largest = 0
    for point in sorted(curve, key=lambda p: p.at):
        if point.error > error:
            break
        largest = int(point.at)
    return largest


@checked
def replay_accuracy(sequences: Tensor, *, seed: int = 0) -> dict[str, float]:
    """Store sequences `[N, length, units]` of bits; replay them forward from the first item and backward from the last.

    Returns:
        "forward" and "backward": share of items whose nearest stored item is the right one; "forward_error" and
        "backward_error": share of wrong bits.
    """
    memory = SequenceMemory(sequences.shape[2], seed=seed)
    memory.store(sequences)
    items, length = sequences.flatten(0, 1), sequences.shape[1]
    forward = memory.replay(sequences[:, 0], length - 1)
    backward = memory.replay_backward(sequences[:, -1], length - 1).flip(1)
    result = {}
    for name, found, target in (("forward", forward, sequences[:, 1:]), ("backward", backward, sequences[:, :-1])):
        nearest = items[torch.cdist(found.flatten(0, 1), items).argmin(1)]
        result[name] = float((nearest == target.flatten(0, 1)).all(1).double().mean())
        result[f"{name}_error"] = float(((found > 0.5) != (target > 0.5)).double().mean())
    return result


def _flip(bits: Tensor, share: float, seed: int) -> Tensor:
    draws = torch.Generator().manual_seed(seed + 1)
    return torch.where(torch.rand(bits.shape, generator=draws) < share, 1 - bits, bits)


def _errors(completed: CompletionResult, stimuli: Tensor, concepts: Tensor) -> tuple[float, float]:
    wrong = [
        float(((found > 0.5) != (target > 0.5)).double().mean())
        for found, target in ((completed.concept, concepts), (completed.stimulus, stimuli))
    ]
    return wrong[0], wrong[1]


def _mean(at: float, errors: Sequence[tuple[float, float]]) -> CurvePoint:
    return CurvePoint(at, sum(c for c, _ in errors) / len(errors), sum(s for _, s in errors) / len(errors))
