"""What kind of task a network was built for: experiments, reports and verbs ask here and nowhere else."""

from __future__ import annotations

from enum import Enum

from .. import tasks
from ..arguments import checked
from ..nn import Autoencoder, Classifier, Network, SequenceForecaster, SequenceNetwork, StimulusNetwork
from ..tasks import Classification
from ..tasks.sequences import SequenceTask


class Kind(Enum):
    """What a network does."""

    CLASSES = "classes of single stimuli"
    AUTOENCODER = "classes and reconstruction of single stimuli"
    TEXT = "the next character of a text"
    SERIES = "values of a series"
    SEQUENCES = "classes of sequences"


KINDS: dict[type[Network], Kind] = {
    Classifier: Kind.CLASSES,
    Autoencoder: Kind.AUTOENCODER,
    SequenceForecaster: Kind.SERIES,
}
"""The kind of each class of networks whose stimuli are always of one sort."""


@checked
def kind_of(network: Network) -> Kind:
    """The kind of task of a network."""
    known = KINDS.get(type(network))
    return known or (Kind.TEXT if sequence_network(network).symbols else Kind.SEQUENCES)


@checked
def sequence_network(network: Network) -> SequenceNetwork:
    """The same network, which must follow sequences.

    Raises:
        ConfigurationError: it takes single stimuli.
    """
    return tasks.expect(network, SequenceTask, "network").network


@checked
def stimulus_network(network: Network) -> StimulusNetwork:
    """The same network, which must take single stimuli.

    Raises:
        ConfigurationError: it follows sequences.
    """
    return tasks.expect(network, Classification, "network").network
