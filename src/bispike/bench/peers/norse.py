"""Norse 1.1.0: `lif_box_feed_forward_step`, its LIF without a synaptic current, over `unbind(0)`.

One Euler step is H = v + dt/τ (a − v). At dt/τ = 1 − β, membranes are (1 − β) times those of bispike, so the
threshold is scaled by the same factor and the spikes are equal. The loop over time is written here: the sequence
modules of the library index the drives step by step, which makes the backward pass quadratic in T. Its reset function
is replaced by a detached one.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from norse.torch.functional.lif_box import LIFBoxFeedForwardState, LIFBoxParameters, lif_box_feed_forward_step
from torch import Tensor

from ...functional import Neuron

DIFFERENCE = "fires at H > threshold; SuperSpike surrogate, as it has no ATan"


def population(neuron: Neuron) -> Callable[[Tensor], Tensor]:
    """See `peers.create_population`."""
    share = 1 - neuron.decay
    constants = LIFBoxParameters(
        tau_mem_inv=torch.tensor(share),
        v_leak=torch.tensor(0.0),
        v_th=torch.tensor(share * neuron.threshold),
        v_reset=torch.tensor(0.0),
        reset_method=_detached_reset,
    )

    def respond(drive: Tensor) -> Tensor:
        state = LIFBoxFeedForwardState(v=torch.zeros_like(drive[0]))
        spikes = []
        for current in drive.unbind(0):
            spike, state = lif_box_feed_forward_step(current, state, constants, dt=1.0)
            spikes.append(spike)
        return torch.stack(spikes)

    return respond


def _detached_reset(spike: Tensor, membrane: Tensor, reset: Tensor, threshold: Tensor) -> Tensor:
    return (1 - spike.detach()) * membrane
