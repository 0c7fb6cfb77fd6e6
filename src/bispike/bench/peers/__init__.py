"""Other libraries for spiking networks (peers), at pinned versions, measured on the same work.

Each module has a function `population(neuron)`: a LIF population of that library with the constants of the neuron, in
the fastest form that the library offers for a whole train of drives. Layers, loop over layers, loss and optimizer are
the same for all of them (`network`). Where a library cannot express the neuron exactly, `DIFFERENCE` describes how it
differs.
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
    """A LIF population of a peer: drives `[T, B, ...]` to spikes `[T, B, ...]` from a zero membrane.

    Args:
        library: one of `NAMES`; must be importable.
        neuron: its constants, with a hard reset.

    Raises:
        UnknownNameError: there is no such peer.
    """
    return _adapter(library).population(neuron)


def difference(library: str) -> str:
    """How the neuron of a peer differs from that of bispike; empty if it does not."""
    return _adapter(library).DIFFERENCE


def _adapter(library: str) -> ModuleType:
    if library not in VERSIONS:
        raise UnknownNameError("peer", library, VERSIONS)
    return importlib.import_module(f".{library}", __name__)
