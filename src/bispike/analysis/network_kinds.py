"""Questions about the kind of a network, one function each; the measurements call these and ask nothing themselves.

A network emits spikes, or rates under a rule for rate networks. It tells classes apart, reconstructs its stimulus
(autoencoder), or follows a sequence (recurrent network).
"""

from __future__ import annotations

import math

from torch import Tensor

from ..nn import Network, SequenceNetwork


def is_spiking(network: Network) -> bool:
    """Whether the layers emit spikes; otherwise they emit rates."""
    return network.activity == "spikes"


def is_autoencoder(network: Network) -> bool:
    """Whether the network reconstructs stimuli from a latent code."""
    return network.latent


def as_sequence_network(network: Network) -> SequenceNetwork | None:
    """The network if it follows sequences, else None."""
    return network if isinstance(network, SequenceNetwork) else None


def largest_rate(network: Network) -> float:
    """Largest possible rate of a neuron: 1 spike per time step, or infinity in a rate network."""
    return 1.0 if is_spiking(network) else math.inf


def input_steps(network: Network) -> int:
    """Number of time steps in which the input of the first synapse differs; 1 for a constant input and for rates."""
    return 1 if network.constant_input or not is_spiking(network) else network.time_steps


def description(network: Network) -> str:
    """The kind in words, such as `"spiking, T = 4"` or `"rates"`."""
    return f"spiking, T = {network.time_steps}" if is_spiking(network) else "rates"


def rates_of_layers(network: Network, source: Tensor) -> list[Tensor]:
    """Rates `[B, *shape]` of each layer, bottom to top, for a stimulus that `Network.encode` returned."""
    if is_spiking(network):
        return [activity.rate for _, _, activity in network.bottom_up_pass(source)]
    return [step.activity.rate for step in network.bottom_up_rates(source)]


def positions_of_layers(network: SequenceNetwork, source: Tensor) -> list[tuple[Tensor, Tensor]]:
    """Input `[P·B, D + H]` and rates `[P·B, H]` of each layer, bottom to top, at all positions of `[P, B, D]`."""
    if is_spiking(network):
        passed = network.bottom_up_positions(source, network.rest(source.shape[1]))
        return [(received, activity.rate) for _, received, activity in passed]
    return [(received, activity.rate) for received, activity in network.rates_positions(source)]
