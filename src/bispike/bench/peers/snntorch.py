"""snnTorch 1.0.0: `snntorch.Leaky` called step by step, as its users do.

With the reset by the spike of the last step before the integration (its default), Leaky computes
H[t] = β H[t−1] (1 − S[t−1]) + a[t], which is the equation of bispike. The reset is detached and the surrogate is ATan
with α = 2.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from snntorch import Leaky, surrogate
from torch import Tensor

from ...functional import Neuron

DIFFERENCE = "fires at H > threshold"


def population(neuron: Neuron) -> Callable[[Tensor], Tensor]:
    """See `peers.create_population`."""
    cell = Leaky(
        beta=neuron.decay,
        threshold=neuron.threshold,
        reset_mechanism="zero",
        spike_grad=surrogate.atan(alpha=2.0),
    )

    def respond(drive: Tensor) -> Tensor:
        membrane = torch.zeros_like(drive[0])
        spikes = []
        for current in drive.unbind(0):
            spike, membrane = cell(current, membrane)
            spikes.append(spike)
        return torch.stack(spikes)

    return respond
