"""Which task a network has. This is the only place that looks at the kind of a network."""

from __future__ import annotations

from typing import TypeVar

from ..data import Split
from ..errors import ConfigurationError
from ..nn import Network, SequenceNetwork
from .forecasting import Forecasting
from .next_symbols import NextSymbols
from .single_stimuli import Classification, Reconstruction
from .task import Task

Kind = TypeVar("Kind", bound=Task)


def of(network: Network, train: Split | None = None) -> Task:
    """The task of a network.

    Args:
        network: on any device; the task measures it where it is.
        train: the part that the network is trained on. Only forecasting uses it, as the unit of the MASE.
    """
    if isinstance(network, SequenceNetwork):
        return Forecasting(network, train) if network.continuous else NextSymbols(network)
    return Reconstruction(network) if network.latent else Classification(network)


def expect(network: Network, kind: type[Kind], purpose: str) -> Kind:
    """The task of a network, which must be of one kind.

    Raises:
        ConfigurationError: the network has another task; the message begins with `purpose`.
    """
    task = of(network)
    if not isinstance(task, kind):
        raise ConfigurationError(f"{purpose}: expected a network for {kind.name}, received one for {task.name}.")
    return task
