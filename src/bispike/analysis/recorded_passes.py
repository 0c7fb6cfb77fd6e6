"""Run both pathways once over a sample of stimuli and keep what the measurements need.

The bottom-up pathway perceives every stimulus, the top-down pathway imagines every class. Spike trains `[T, B, *f]` are
reduced batch by batch to rates `[n, D]` and to the share of equal entries `[n, C]`, so that a large network and a few
hundred stimuli fit in little memory.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ..arguments import checked
from ..errors import ShapeError
from ..nn import StimulusNetwork


@dataclass(frozen=True)
class LayerReading:
    """Activity of one layer in both pathways.

    Args:
        name: name of the layer.
        rates: `[n, D]` spikes per time step of each unit for each stimulus, bottom-up pathway.
        templates: `[C, D]` spikes per time step of each unit for each class, top-down pathway.
        equal: `[n, C]` share of entries (time steps and units) in which the spikes of a stimulus equal those of the
            imagination of a class; None when the network does not spike.
    """

    name: str
    rates: Tensor
    templates: Tensor
    equal: Tensor | None


@checked
def read_layers(network: StimulusNetwork, stimuli: Tensor, *, batch_size: int = 64) -> list[LayerReading]:
    """Observe stimuli `[n, *stimulus.shape]` and imagine every class; one reading per layer, bottom to top.

    Args:
        network: is left unchanged.
        stimuli: at least one.
        batch_size: number of stimuli per pass.

    Raises:
        ShapeError: there is no stimulus.
    """
    if len(stimuli) == 0:
        raise ShapeError("read_layers: expected at least one stimulus, received none.")
    spiking = network.signals.spiking
    device = network.stimulus_mean.device
    with network.inference():
        classes = torch.arange(network.concept.classes, device=device)
        imagined = [_flat(record.spikes) for record in network.imagine(classes)]
        rates: list[list[Tensor]] = [[] for _ in imagined]
        equal: list[list[Tensor]] = [[] for _ in imagined]
        for batch in stimuli.split(batch_size):
            for i, record in enumerate(network.observe(batch.to(device))):
                observed = _flat(record.spikes)
                rates[i].append(observed.mean(0).cpu())
                if spiking:
                    equal[i].append(equal_share(observed, imagined[i]).cpu())
    return [
        LayerReading(
            name=name,
            rates=torch.cat(rates[i]),
            templates=imagined[i].mean(0).cpu(),
            equal=torch.cat(equal[i]) if spiking else None,
        )
        for i, name in enumerate(network.layer_names)
    ]


@checked
def layer_rates(network: StimulusNetwork, stimuli: Tensor, *, batch_size: int = 64) -> dict[str, Tensor]:
    """Rates `[n, D]` of every layer, bottom to top, for stimuli `[n, *stimulus.shape]`.

    Rates are those of inference: spikes per time step, or the activations of a rate network.
    """
    found: dict[str, list[Tensor]] = {name: [] for name in network.layer_names}
    device = network.stimulus_mean.device
    with network.inference():
        for batch in stimuli.split(batch_size):
            for step in network.steps(network.encode(batch.to(device))):
                found[step.layer.name].append(step.activity.rate.flatten(1).cpu())
    return {name: torch.cat(parts) for name, parts in found.items()}


@checked
def equal_share(observed: Tensor, imagined: Tensor) -> Tensor:
    """Share of equal entries of binary trains `[T, B, D]` and `[T, C, D]`, for every pair: `[B, C]`.

    Of 0/1 vectors s and t with n entries, n - sum(s) - sum(t) + 2 s.t entries are equal.
    """
    s = observed.transpose(0, 1).flatten(1)
    t = imagined.transpose(0, 1).flatten(1)
    return (s.shape[1] - s.sum(1)[:, None] - t.sum(1)[None, :] + 2 * s @ t.T) / s.shape[1]


def _flat(spikes: Tensor) -> Tensor:
    return spikes.detach().float().flatten(2)
