"""Loss of spikes: each spike that a layer emits is lost with probability p, independently of all others.

A rate network has no spikes; each of its values is lost with probability p. This is the stronger damage, since a value
is sent once and a spike train has several spikes. What remains is not scaled up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from ..arguments import checked
from ..errors import ConfigurationError
from ..functional import dense_spikes
from ..nn import Activity, Network, Pathway, RateActivity

LOST = (0.05, 0.1, 0.2, 0.3, 0.5)  # probability p, by severity


@checked
@contextmanager
def spike_loss(network: Network, probability: float, *, generator: torch.Generator) -> Iterator[None]:
    """Within the context every layer of the bottom-up pathway loses spikes.

    Args:
        network: is unchanged after the context.
        probability: p, 0 (nothing is lost) to 1 (silence).
        generator: random generator, on the CPU.

    Raises:
        ConfigurationError: p is not in 0..1.
    """
    if not 0 <= probability <= 1:
        raise ConfigurationError(f"probability: expected a number from 0 to 1, received {probability}.")

    def survive(values: Tensor) -> Tensor:
        survives = torch.rand(values.shape, generator=generator) >= probability
        return values * survives.to(values)

    with ExitStack() as lossy:
        for layer in network.layers:
            lossy.enter_context(_lossy(layer.up, survive))
        yield


@contextmanager
def _lossy(pathway: Pathway, survive: Callable[[Tensor], Tensor]) -> Iterator[None]:
    forward_spikes, forward_taped, forward_rates = pathway.forward_spikes, pathway.forward_taped, pathway.forward_rates

    def lossy_forward(*args: Any, **kwargs: Any) -> Activity:
        activity = forward_spikes(*args, **kwargs)
        spikes = survive(dense_spikes(activity.spikes, like=activity.rate))
        return replace(activity, spikes=spikes, rate=spikes.mean(0))

    def lossy_taped(*args: Any, **kwargs: Any) -> Tensor:
        return survive(forward_taped(*args, **kwargs))

    def lossy_rates(*args: Any, **kwargs: Any) -> RateActivity:
        activity = forward_rates(*args, **kwargs)
        return replace(activity, rate=survive(activity.rate))

    methods = {"forward_spikes": lossy_forward, "forward_taped": lossy_taped, "forward_rates": lossy_rates}
    pathway.__dict__.update(methods)
    try:
        yield
    finally:
        for name in methods:
            del pathway.__dict__[name]
