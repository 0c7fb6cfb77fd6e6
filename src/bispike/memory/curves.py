"""What a memory holds: error against the number of pairs stored, and against damage to the cue."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

from ..errors import ConfigurationError, unknown_name
from .associative import AssociativeMemory, Settled
from .sequence_memory import SequenceMemory

DAMAGE = ("flipped", "masked")
COMPLETING: dict[str, Any] = {"flipped": 0.02, "flipped_concept": 0.1, "hidden": 0.75, "passes": 100}
"""Settings of a memory whose cues are parts of images."""


class Memory(Protocol):
    """What a curve can be drawn of."""

    def store(self, stimuli: Tensor, concepts: Tensor) -> None: ...

    def settle(self, cue: Tensor, *, known: Tensor | None = None) -> Settled: ...


@dataclass(frozen=True)
class CurvePoint:
    """Mean over seeds.

    Args:
        at: number of pairs, or share of damage.
        concept, stimulus: share of wrong bits of each side after settling.
    """

    at: float
    concept: float
    stimulus: float

    @property
    def error(self) -> float:
        """Share of wrong bits on the worse side: a pair is held if both sides are."""
        return max(self.concept, self.stimulus)


def random_pairs(pairs: int, stimulus: int, concept: int, seed: int) -> tuple[Tensor, Tensor]:
    """`[pairs, stimulus]` and `[pairs, concept]` bits, each 1 with probability ½."""
    generator = torch.Generator().manual_seed(seed)
    sides = [torch.randint(0, 2, (pairs, units), generator=generator).float() for units in (stimulus, concept)]
    return sides[0], sides[1]


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
    """Error after settling from a cue with flipped bits, by number of random pairs.

    Args:
        make: a new memory from (stimulus units, concept units, seed).
        pairs: numbers to store.
        stimulus, concept: units.
        flipped: share of the bits of each cue that are flipped.
        seeds: repetitions, with new pairs each.
        stimuli: `[N, stimulus]` bits to store in place of random ones; each seed takes others of them.
    """
    points = []
    for count in pairs:
        found = []
        for seed in range(seeds):
            x, y = random_pairs(count, stimulus, concept, seed)
            if stimuli is not None:
                chosen = torch.randperm(len(stimuli), generator=torch.Generator().manual_seed(seed))[:count]
                x = stimuli[chosen]
            memory = make(stimulus, concept, seed)
            memory.store(x, y)
            found.append(_errors(memory.settle(_flip(x, flipped, seed)), x, y))
        points.append(_mean(count, found))
    return points


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
    """Error after settling at a fixed number of pairs, by share of the cue that is `"flipped"` or `"masked"`."""
    if kind not in DAMAGE:
        raise ConfigurationError(unknown_name("damage", kind, DAMAGE))
    found: dict[float, list[tuple[float, float]]] = {share: [] for share in damage}
    for seed in range(seeds):
        x, y = random_pairs(pairs, stimulus, concept, seed)
        memory = make(stimulus, concept, seed)
        memory.store(x, y)
        for share in damage:
            if kind == "flipped":
                settled = memory.settle(_flip(x, share, seed))
            else:
                draws = torch.Generator().manual_seed(seed + 1)
                settled = memory.settle(x, known=(torch.rand(x.shape, generator=draws) >= share).float())
            found[share].append(_errors(settled, x, y))
    return [_mean(share, errors) for share, errors in found.items()]


def capacity(curve: Sequence[CurvePoint], error: float = 0.05) -> int:
    """The most pairs whose error, and that of all smaller numbers, is within the limit; 0 if none is."""
    held = 0
    for point in sorted(curve, key=lambda p: p.at):
        if point.error > error:
            break
        held = int(point.at)
    return held


def replay_accuracy(sequences: Tensor, *, seed: int = 0) -> dict[str, float]:
    """Store sequences `[N, length, units]` of bits and replay them from their ends.

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


def _errors(settled: Settled, stimuli: Tensor, concepts: Tensor) -> tuple[float, float]:
    wrong = [
        float(((found > 0.5) != (target > 0.5)).double().mean())
        for found, target in ((settled.concept, concepts), (settled.stimulus, stimuli))
    ]
    return wrong[0], wrong[1]


def _mean(at: float, found: Sequence[tuple[float, float]]) -> CurvePoint:
    return CurvePoint(at, sum(c for c, _ in found) / len(found), sum(s for _, s in found) / len(found))


@dataclass(frozen=True)
class Completion:
    """How well hidden parts are filled in.

    Args:
        stored: number of stimuli, stored or tested.
        ratio: squared error on the hidden part over that of the class-mean stimulus, after settling.
        first: the same after one pass.
        decided: share of right decisions from the cue alone, in one upward pass.
        settled: the same after settling.
    """

    stored: int
    ratio: float
    first: float
    decided: float
    settled: float


def stored_completion(
    stimuli: Tensor, labels: Tensor, known: Tensor, *, stored: int, units: int = 400, passes: int = 3, seed: int = 0
) -> Completion:
    """Complete stimuli that are stored with random concepts of their own; the decision is the nearest stored concept.

    Args:
        stimuli: `[N, *shape]` in [0, 1], of which the first `stored` are stored; all give the class means.
        labels: `[N]`.
        known: mask that broadcasts to a stimulus, 1 where known.
        units: of the concepts.
    """
    chosen, classes = stimuli[:stored], labels[:stored]
    concepts = torch.randint(0, 2, (stored, units), generator=torch.Generator().manual_seed(seed)).float()
    memory = AssociativeMemory(stimuli.shape[1:], units, **COMPLETING, seed=seed)
    memory.store(chosen, concepts)
    settled = memory.settle(chosen, known=known, passes=passes)
    means = class_means(stimuli, labels)[classes]
    own = torch.arange(stored)
    right = [float((torch.cdist(found, concepts).argmin(1) == own).double().mean()) for found in settled.concepts]
    ratio = [hidden_error(found, chosen, known) / hidden_error(means, chosen, known) for found in settled.stimuli]
    return Completion(stored, ratio[-1], ratio[0], right[0], right[-1])


def hidden_error(found: Tensor, originals: Tensor, known: Tensor) -> float:
    """Mean squared error on the part that is not known."""
    hidden = (1 - known).expand_as(originals)
    return float(((found - originals).square() * hidden).sum() / hidden.sum())


def class_means(stimuli: Tensor, labels: Tensor) -> Tensor:
    """`[C, *shape]` mean stimulus of each class."""
    sums = stimuli.new_zeros((int(labels.max()) + 1, *stimuli.shape[1:])).index_add_(0, labels, stimuli)
    counts = torch.bincount(labels).clamp(min=1).to(stimuli)
    return sums / counts.view(-1, *[1] * (stimuli.dim() - 1))
