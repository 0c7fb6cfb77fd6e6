"""A memory of sequences: each item is stored with the next one.

The bottom-up pathway replays a sequence forward, the top-down pathway backward.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from ..arguments import checked
from ..errors import ShapeError
from ..nn.stimulus_input import Array, tensor_of
from .associative import AssociativeMemory


class SequenceMemory:
    """Pairs of an item and its successor in one `AssociativeMemory` whose two populations have the same shape.

    Args:
        item: shape of an item, or its number of units.
        **options: options of `AssociativeMemory`.
    """

    @checked
    def __init__(self, item: Sequence[int] | int, **options: Any) -> None:
        options = {"flipped": 0.02, "flipped_concept": 0.02, **options}
        self.memory = AssociativeMemory(item, item, **options)

    @checked
    def store(self, sequences: Array) -> None:
        """Store sequences `[N, length, *item]` in [0, 1], length at least 2."""
        given = tensor_of("sequences", sequences)
        if given.dim() < 3 or given.shape[1] < 2:
            raise ShapeError(f"sequences: expected [N, length of at least 2, *item], received {list(given.shape)}.")
        self.memory.store(given[:, :-1].flatten(0, 1), given[:, 1:].flatten(0, 1))

    @checked
    def replay(self, first: Tensor, items: int) -> Tensor:
        """The items `[N, items, *item]` that follow `[N, *item]`, each recalled from the previous one."""
        return _chain(self.memory.recall_concept, first, items)

    @checked
    def replay_backward(self, last: Tensor, items: int) -> Tensor:
        """The items `[N, items, *item]` before `[N, *item]`, latest first."""
        return _chain(self.memory.recall_stimulus, last, items)


def _chain(follow: Callable[[Tensor], Tensor], item: Tensor, items: int) -> Tensor:
    found = []
    for _ in range(items):
        item = follow(item)
        found.append(item)
    return torch.stack(found, 1)
