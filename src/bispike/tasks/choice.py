"""Choice of the task of a network by its class."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from ..arguments import checked
from ..data import Split
from ..errors import ConfigurationError
from ..nn import Autoencoder, Classifier, Network, SequenceClassifier, SequenceForecaster
from .forecasting import Forecasting
from .next_symbols import NextSymbols
from .single_stimuli import Classification, Reconstruction
from .task import Task

Kind = TypeVar("Kind", bound=Task)

TASKS: dict[type[Network], Callable[[Any, Split | None], Task]] = {
    Classifier: lambda network, train: Classification(network),
    Autoencoder: lambda network, train: Reconstruction(network),
    SequenceClassifier: lambda network, train: NextSymbols(network),
    SequenceForecaster: Forecasting,
}
"""The task of each class of networks."""


@checked
def of(network: Network, train: Split | None = None) -> Task:
    """The task of a network.

    Args:
        network: on any device; the task measures it on that device.
        train: the part that the network is trained on. Only forecasting uses it, as the unit of the MASE.
    """
    return TASKS[type(network)](network, train)


@checked
def expect(network: Network, kind: type[Kind], purpose: str) -> Kind:
    """The task of a network, which must be of one kind.

    Raises:
        ConfigurationError: the network has another task; the message begins with `purpose`.
    """
    task = of(network)
    if not isinstance(task, kind):
        raise ConfigurationError(f"{purpose}: expected a network for {kind.name}, received one for {task.name}.")
    return task
