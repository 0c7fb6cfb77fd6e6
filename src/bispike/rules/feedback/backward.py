"""Errors that return through the rate network, stage by stage, without a tape.

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
    """Synapses that errors return through, by the name of the stage that they belong to; the first stage's is none."""
    return {**{stage.name: stage.up.synapse for stage in network.hidden[1:]}, READOUT: network.readout}


def random_feedback(synapse: Synapse, generator: torch.Generator, *, gain: float = 1.0) -> Tensor:
    """Weights of a synapse's shape, uniform with standard deviation gain/√fan_in, as its own began."""
    bound = gain * (3 / synapse.fan_in) ** 0.5
    weight = torch.empty_like(synapse.weight, device=generator.device)
    return weight.detach().uniform_(-bound, bound, generator=generator)


def broadcast_feedback(
    network: Network, generator: torch.Generator, *, gain: float = 1.0, pooled: bool = False
) -> dict[str, Dense]:
    """Fixed random synapses from the readout's error to every hidden stage's population, by the stage's name.

    With `pooled` they lead to what leaves the stage, after its pooling.

    Weights are uniform with standard deviation gain/√K for K concept neurons; they take no gradient.
    """
    synapses = {}
    for stage in network.hidden:
        shape = stage.output_shape if pooled else stage.feature_shape
        synapse = Dense(network.readout.target, shape, bias=False)
        synapse.initialise(gain, generator)
        synapses[stage.name] = synapse.requires_grad_(requires_grad=False)
    return synapses


def learn_by_feedback(
    network: Network, sweep: Sequence[RateStep], error: Tensor, weights: Mapping[str, Tensor]
) -> None:
    """Write the gradients of all hidden stages.

    Args:
        network: that was swept.
        sweep: all of `Network.sweep_rates`.
        error: `[B, K]` at the readout's drive.
        weights: B by the names of `feedback_places`; a place that is left out uses its synapse's own.
    """
    grad = network.readout.carry_back(error, weights.get(READOUT))
    for step in reversed(sweep):
        stage, activity = step.stage, step.activity
        grad = stage.return_values(grad, activity.rate)
        grad = stage.up.learn(grad * activity.slope, step.below, activity)
        if step is not sweep[0]:
            grad = stage.up.synapse.carry_back(grad, weights.get(stage.name))
