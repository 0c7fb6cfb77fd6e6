"""Peak memory of a training step: tensors alive beyond weights, gradients and optimizer state.

Every operation's results are watched (also those of the backward pass). A storage counts from the operation that
made it until nothing refers to it. Storages that existed before the step do not count (weights, optimizer state,
the batch), nor do those that end up as `.grad`. What one operation allocates and frees inside itself is not seen;
`resident` sees that too. The same meter serves every rule and every peer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


class _Watch(TorchDispatchMode):
    """Notes after each operation which new storages are alive; each gets a number, since addresses recur."""

    def __init__(self, known: set[int]) -> None:
        super().__init__()
        self.known = known
        self.alive: dict[int, tuple[StorageWeakRef, int]] = {}
        self.sizes: list[int] = []
        self.history: list[list[int]] = []

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        self.alive = {key: entry for key, entry in self.alive.items() if not entry[0].expired()}
        for leaf in tree_leaves(result):
            if isinstance(leaf, Tensor):
                storage = leaf.untyped_storage()
                if storage._cdata not in self.known and storage._cdata not in self.alive:
                    self.alive[storage._cdata] = (StorageWeakRef(storage), len(self.sizes))
                    self.sizes.append(storage.nbytes())
        self.history.append([number for _, number in self.alive.values()])
        return result

    def peak(self, *, without: set[int]) -> int:
        """Largest sum of sizes alive at once, leaving out the storages now at these addresses."""
        left_out = {self.alive[key][1] for key in without if key in self.alive}
        totals = (sum(self.sizes[number] for number in moment if number not in left_out) for moment in self.history)
        return max(totals, default=0)


def peak_step_bytes(
    step: Callable[[], object], parameters: Iterable[nn.Parameter], existing: Iterable[Tensor] = ()
) -> int:
    """Peak bytes of tensors that `step()` keeps alive at once, gradients of `parameters` left out.

    Args:
        step: one training step (no optimizer step); gradients are cleared before it.
        parameters: the trained parameters.
        existing: further tensors that exist before the step and do not count, the batch for instance.

    Returns:
        Bytes.
    """
    parameters = list(parameters)
    for parameter in parameters:
        parameter.grad = None
    known = {tensor.untyped_storage()._cdata for tensor in [*parameters, *existing]}
    with _Watch(known) as watch:
        step()
    return watch.peak(without={p.grad.untyped_storage()._cdata for p in parameters if p.grad is not None})


def network_tensors(network: nn.Module) -> list[Tensor]:
    """Everything a network holds: parameters and buffers."""
    return [*network.parameters(), *network.buffers()]


def saved_bytes(step: Callable[[], object], existing: Iterable[Tensor] = ()) -> int:
    """Most bytes that autograd keeps at once for the backward passes of a step, each storage counted once.

    Args:
        step: one training step (no optimizer step).
        existing: tensors that exist before the step and do not count: weights, the batch.
    """
    known = {tensor.untyped_storage()._cdata for tensor in existing}
    kept: dict[int, tuple[StorageWeakRef, int]] = {}
    most = 0

    def pack(tensor: Tensor) -> Tensor:
        nonlocal kept, most
        storage = tensor.untyped_storage()
        kept = {key: entry for key, entry in kept.items() if not entry[0].expired()}
        if storage._cdata not in known:
            kept[storage._cdata] = (StorageWeakRef(storage), storage.nbytes())
            most = max(most, sum(size for _, size in kept.values()))
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        step()
    return most
