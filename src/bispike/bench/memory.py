"""Peak memory of a training step: tensors alive beyond weights, gradients and optimizer state.

The results of every operation are tracked, also those of the backward pass. A storage counts from the operation that
created it until nothing refers to it. Storages that existed before the step (weights, optimizer state, the batch) and
those that become `.grad` do not count. Memory that an operation allocates and frees internally is not included;
`resident` includes it. Every rule and every peer is measured in the same way.
"""

from __future__ import annotations

import itertools
import weakref
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


class _StorageTracker(TorchDispatchMode):
    """Records after which operation each new storage was created, and before which it was freed."""

    def __init__(self, known: set[int]) -> None:
        super().__init__()
        self.known = known
        self.alive: dict[
            int, tuple[weakref.ref[Any], int]
        ] = {}  # by address; an address can be reused, a number cannot
        self.sizes: list[int] = []
        self.created: list[int] = []
        self.freed: dict[int, int] = {}
        self.operations = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        for leaf in tree_leaves(result):
            if isinstance(leaf, Tensor):
                self._track(leaf.untyped_storage())
        self.operations += 1
        return result

    def _track(self, storage: torch.UntypedStorage) -> None:
        address = storage._cdata
        if address in self.known or address in self.alive:
            return
        number = len(self.sizes)

        def end(_: object) -> None:
            self.freed[number] = self.operations
            del self.alive[address]

        # The Python object lives as long as the storage, whatever refers to it.
        self.alive[address] = (weakref.ref(storage, end), number)
        self.sizes.append(storage.nbytes())
        self.created.append(self.operations)

    def peak(self, *, without: set[int]) -> int:
        """Largest sum of sizes alive after an operation, leaving out the storages now at these addresses."""
        left_out = {self.alive[address][1] for address in without if address in self.alive}
        changes = [0] * (self.operations + 1)
        for number, size in enumerate(self.sizes):
            if number not in left_out:
                changes[self.created[number]] += size
                changes[self.freed.get(number, self.operations)] -= size
        return max(itertools.accumulate(changes[:-1]), default=0)


def peak_step_bytes(
    step: Callable[[], object], parameters: Iterable[nn.Parameter], existing: Iterable[Tensor] = ()
) -> int:
    """Largest number of bytes of tensors alive at once during `step()`, without the gradients of `parameters`.

    Args:
        step: one training step (no optimizer step); gradients are cleared before it.
        parameters: the trained parameters.
        existing: further tensors that exist before the step and do not count, such as the batch.

    Returns:
        Bytes.
    """
    parameters = list(parameters)
    for parameter in parameters:
        parameter.grad = None
    known = {tensor.untyped_storage()._cdata for tensor in [*parameters, *existing]}
    with _StorageTracker(known) as tracker:
        step()
    return tracker.peak(without={p.grad.untyped_storage()._cdata for p in parameters if p.grad is not None})


def network_tensors(network: nn.Module) -> list[Tensor]:
    """All parameters and buffers of a network."""
    return [*network.parameters(), *network.buffers()]


def saved_bytes(step: Callable[[], object], existing: Iterable[Tensor] = ()) -> int:
    """Largest number of bytes that autograd saves at once for the backward passes of a step, each storage counted once.

    Args:
        step: one training step (no optimizer step).
        existing: tensors that exist before the step and do not count: weights, the batch.
    """
    known = {tensor.untyped_storage()._cdata for tensor in existing}
    saved: dict[int, tuple[StorageWeakRef, int]] = {}
    most = 0

    def pack(tensor: Tensor) -> Tensor:
        nonlocal saved, most
        storage = tensor.untyped_storage()
        saved = {key: entry for key, entry in saved.items() if not entry[0].expired()}
        if storage._cdata not in known:
            saved[storage._cdata] = (StorageWeakRef(storage), storage.nbytes())
            most = max(most, sum(size for _, size in saved.values()))
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        step()
    return most
