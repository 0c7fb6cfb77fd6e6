"""What kind of task a network was built for: experiments, reports and verbs ask here and nowhere else."""

from __future__ import annotations

from enum import Enum
from typing import cast

from ..nn import Network, SequenceNetwork


class Kind(Enum):
    """What a network does."""

    CLASSES = "classes of single stimuli"
    AUTOENCODER = "classes and reconstruction of single stimuli"
    TEXT = "the next character of a text"
    SERIES = "values of a series"
    SEQUENCES = "classes of sequences"


ON_SEQUENCES = frozenset({Kind.TEXT, Kind.SERIES, Kind.SEQUENCES})


def kind_of(network: Network) -> Kind:
    """The kind of task of a network."""
    if not network.recurrent:
        return Kind.AUTOENCODER if network.latent else Kind.CLASSES
    if sequence_network(network).continuous:
        return Kind.SERIES
    return Kind.TEXT if sequence_network(network).symbols else Kind.SEQUENCES


def follows_sequences(network: Network) -> bool:
    """Whether a stimulus of the network is a sequence."""
    return kind_of(network) in ON_SEQUENCES


def emits_spikes(network: Network) -> bool:
    """Whether the layers exchange spikes; otherwise they exchange rates."""
    return network.activity == "spikes"


def sequence_network(network: Network) -> SequenceNetwork:
    """The same network, for the type checker: only for networks that follow sequences."""
    return cast(SequenceNetwork, network)
