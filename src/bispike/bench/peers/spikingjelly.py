"""SpikingJelly 2.0.0: `neuron.LIFNode` in multi-step mode, its fastest form.

With τ = 1/(1 − β) and an input that does not decay, LIFNode computes H[t] = V[t−1] − V[t−1]/τ + a[t] = β V[t−1] + a[t],
fires at H ≥ threshold and resets to 0 with the reset detached; the surrogate is ATan with α = 2.
"""

from __future__ import annotations

from collections.abc import Callable

from spikingjelly.activation_based import neuron as nodes
from spikingjelly.activation_based import surrogate
from torch import Tensor

from ...functional import Neuron

DIFFERENCE = ""


def population(neuron: Neuron) -> Callable[[Tensor], Tensor]:
    """See `peers.create_population`."""
    node = nodes.LIFNode(
        tau=1 / (1 - neuron.decay),
        decay_input=False,
        v_threshold=neuron.threshold,
        v_reset=0.0,
        surrogate_function=surrogate.ATan(alpha=2.0),
        detach_reset=True,
        step_mode="m",
    )

    def respond(drive: Tensor) -> Tensor:
        node.reset()
        return node(drive)

    return respond
