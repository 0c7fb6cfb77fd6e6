"""Errors that pass backward through the rate network, layer by layer, without a tape.

    δ_l = (B_l δ_{l+1}) ⊙ f'(a_l),   dL/dW_l = δ_l r_{l−1}ᵀ

B_l has the shape of the synapse above and replaces its weight in the backward: with B = W this is backpropagation,
with other weights a rule of the feedback alignment family.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from ...nn import Dense, Network, RateStep, Synapse

READOUT = "readout"


def feedback_places(network: Network) -> dict[str, Synapse]:
    """Synapses that pass errors backward, by the name of their layer; the first layer has none."""
    return {**{layer.name: layer.up.synapse for layer in network.layers[1:]}, READOUT: network.readout}


def random_feedback(synapse: Synapse, generator: torch.Generator, *, gain: float = 1.0) -> Tensor:
    """Weights of the shape of a synapse, uniform with standard deviation gain/√fan_in, like its initial weights."""
    bound = gain * (3 / synapse.fan_in) ** 0.5
    weight = torch.empty_like(synapse.weight, device=generator.device)
    return weight.detach().uniform_(-bound, bound, generator=generator)


def broadcast_feedback(
    network: Network, generator: torch.Generator, *, gain: float = 1.0, pooled: bool = False
) -> dict[str, Dense]:
    """Fixed random synapses from the error of the readout to the population of every hidden layer, by layer name.

    With `pooled` they lead to the output of the layer, after its pooling.

    Weights are uniform with standard deviation gain/√K for K concept neurons; they have no gradient.
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
        network: the network of the pass.
        pass: all steps of `Network.bottom_up_rates`.
        error: `[B, K]` at the drive of the readout.
        weights: B by the names of `feedback_places`; for a missing name the weight of the synapse is used.
    """
    grad = network.readout.backward_input(error, weights.get(READOUT))
    for step in reversed(layer_pass):
        layer, activity = step.layer, step.activity
        grad = layer.unpool(grad, activity.rate)
        grad = layer.up.backward(grad * activity.slope, step.below, activity)
        if step is not layer_pass[0]:
            grad = layer.up.synapse.backward_input(grad, weights.get(layer.name))
