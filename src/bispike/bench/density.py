"""Set the density of the spikes of a network, so that cost can be measured at the density of trained networks.

The density of a layer increases with a constant that is added to all of its drives; bisection finds the constant.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..functional import Received
from ..nn import Arrivals, Pathway, StimulusNetwork

REACH = 64.0  # largest shift of a drive, in units of the drive
HALVINGS = 24


@torch.no_grad()
def set_density(network: StimulusNetwork, stimulus: Tensor, density: float) -> None:
    """Shift the bottom-up drives of every hidden layer so that a share `density` of its spikes are ones.

    Args:
        network: its bottom-up biases (with a norm: the norm's) are overwritten.
        stimulus: `[B, *shape]` stimuli for which the density holds.
        density: share of ones, between 0 and 1.
    """
    arrivals: Arrivals[Received] = Arrivals(network.layers, "up", network.encode(stimulus))
    constant = network.constant_input
    for layer in network.layers:
        shift = _shift(layer.up)
        low, high = -REACH, REACH
        for _ in range(HALVINGS):
            shift.fill_((low + high) / 2)
            rate = layer.up.forward_spikes(arrivals.source, network.time_steps, constant=constant).rate
            if float(rate.mean()) < density:
                low = (low + high) / 2
            else:
                high = (low + high) / 2
        arrivals.pass_on(
            layer.pool_spikes(layer.up.forward_spikes(arrivals.source, network.time_steps, constant=constant).spikes)
        )
        constant = False


def _shift(pathway: Pathway) -> nn.Parameter:
    """The parameter that is added to the drives."""
    shift = pathway.synapse.bias if pathway.norm is None else pathway.norm.bias
    assert shift is not None
    return shift
