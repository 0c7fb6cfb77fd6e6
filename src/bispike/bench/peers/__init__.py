"""The libraries that people train spiking networks with today, at pinned versions, on the same work.

Each file gives one thing: `population(neuron)`, a LIF population in that library with our constants, in the cheapest
form that the library offers for a whole train of drives. Layers, loop over layers, loss and optimizer are the same for
all of them (`twin`). Where a library cannot express our neuron exactly, its `DIFFERENCE` says how.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from types import ModuleType

from torch import Tensor

from ...errors import UnknownNameError
from ...functional import Neuron

VERSIONS = {"snntorch": "1.0.0", "spikingjelly": "2.0.0", "norse": "1.1.0"}
NAMES = tuple(VERSIONS)


def create_population(library: str, neuron: Neuron) -> Callable[[Tensor], Tensor]:
    """A LIF population of a peer: drives `[T, B, ...]` to spikes `[T, B, ...]`, from a membrane of zero.

    Args:
        library: one of `NAMES`; must be importable.
        neuron: constants; a hard reset.
    """
    return _adapter(library).population(neuron)


def difference(library: str) -> str:
    """How a peer's neuron differs from ours; empty where it does not."""
    return _adapter(library).DIFFERENCE


def _adapter(library: str) -> ModuleType:
    if library not in VERSIONS:
        raise UnknownNameError("peer", library, VERSIONS)
    return importlib.import_module(f".{library}", __name__)
