"""Errors that return through the rate network, layer by layer, without a tape.

    δ_l = (B_l δ_{l+1}) ⊙ f'(a_l),   dL/dW_l = δ_l r_{l−1}ᵀ

B_l has the shape of the synapse above and is used as its transpose would be: with B = W this is backpropagation, with
other weights a member of the feedback alignment family.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from ...nn import Dense, Network, RateStep, Synapse

READOUT = "readout"


def feedback_places(network: Network) -> dict[str, Synapse]:
    """Synapses that errors return through, by the name of the layer that they belong to; the first layer's is none."""
    return {**{layer.name: layer.up.synapse for layer in network.layers[1:]}, READOUT: network.readout}


def random_feedback(synapse: Synapse, generator: torch.Generator, *, gain: float = 1.0) -> Tensor:
    """Weights of a synapse's shape, uniform with standard deviation gain/√fan_in, as its own began."""
    bound = gain * (3 / synapse.fan_in) ** 0.5
    weight = torch.empty_like(synapse.weight, device=generator.device)
    return weight.detach().uniform_(-bound, bound, generator=generator)


def broadcast_feedback(
    network: Network, generator: torch.Generator, *, gain: float = 1.0, pooled: bool = False
) -> dict[str, Dense]:
    """Fixed random synapses from the readout's error to every hidden layer's population, by the layer's name.

    With `pooled` they lead to what leaves the layer, after its pooling.

    Weights are uniform with standard deviation gain/√K for K concept neurons; they take no gradient.
    """
    synapses = {}
    for layer in network.layers:
        shape = layer.output_shape if pooled else layer.feature_shape
        synapse = Dense(network.readout.target, shape, bias=False)
        synapse.initialise(gain, generator)
        synapses[layer.name] = synapse.requires_grad_(requires_grad=False)
    return synapses


def learn_by_feedback(
    network: Network, layer_pass: Sequence[RateStep], error: Tensor, weights: Mapping[str, Tensor]
) -> None:
    """Write the gradients of all hidden layers.

    Args:
        network: that was swept.
        pass: all of `Network.bottom_up_rates`.
        error: `[B, K]` at the readout's drive.
        weights: B by the names of `feedback_places`; a place that is left out uses its synapse's own.
    """
    grad = network.readout.backward_input(error, weights.get(READOUT))
    for step in reversed(layer_pass):
        layer, activity = step.layer, step.activity
        grad = layer.unpool(grad, activity.rate)
        grad = layer.up.backward(grad * activity.slope, step.below, activity)
        if step is not layer_pass[0]:
            grad = layer.up.synapse.backward_input(grad, weights.get(layer.name))
