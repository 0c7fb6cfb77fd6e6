"""Lateral inhibition: in each layer only the neurons with the largest drive fire; in maps, those at each position.

Inhibitory neurons are not simulated: for each sample, the k neurons (channels of a position) with the largest time-mean
drive keep their spikes and the others are silent, in learning and in decisions. The rules of spike-timing-dependent
plasticity share it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from ...functional import dense_spikes, lif
from ...nn import Activity, Layer, StimulusNetwork

LEAST = 6
"""Number of winners of a small layer; with fewer, the change of one neuron affects too many decisions."""


@dataclass
class Contest:
    """One layer of a bottom-up pass with lateral inhibition.

    Attributes:
        layer: the layer.
        before: `[T, B, *source]` spikes that its synapse received.
        activity: activity of its population without inhibition.
        won: `[B, *shape]` 1 for winners, else 0.
        spikes: `[T, B, *shape]` spikes of the winners.
        leaving: `[T, B, *output]` bottom-up spikes after pooling.
    """

    layer: Layer
    before: Tensor
    activity: Activity
    won: Tensor
    spikes: Tensor
    leaving: Tensor


def contests(network: StimulusNetwork, source: Tensor, *, share: float) -> Iterator[Contest]:
    """Bottom-up pass with lateral inhibition, one layer at a time.

    Args:
        network: the network.
        source: what `Network.encode` returned. A constant current drives the first layer directly; its synapses learn
            from the spikes of neurons that the current would drive, so each value has a latency.
        share: share of the neurons (channels) that win, in (0, 1]; see `winner_count`.
    """
    constant = network.constant_input
    before = lif(source, network.neuron, time_steps=network.time_steps) if constant else source
    for layer in network.layers:
        activity = layer.up.forward_spikes(source if constant else before, network.time_steps, constant=constant)
        won = winners(activity.drive, share=share)
        spikes = dense_spikes(activity.spikes, like=won) * won
        leaving = dense_spikes(layer.pool_spikes(spikes), like=won)
        yield Contest(layer, before, activity, won, spikes, leaving)
        before, constant = leaving, False


def winners(drive: Tensor, *, share: float) -> Tensor:
    """Winners `[B, C, ...]`: 1 where a drive is among the largest share of the C drives, else 0."""
    count = winner_count(drive.shape[1], share=share)
    return torch.zeros_like(drive).scatter_(1, drive.topk(count, dim=1).indices, 1.0)


def winner_count(neurons: int, *, share: float) -> int:
    """Number of winners among this many neurons: at least LEAST, or half of a small layer."""
    return max(1, min(LEAST, neurons // 2), round(share * neurons))


@dataclass(frozen=True)
class InhibitedDecision:
    """A `Network.decision`: scores `[B, C]` of the readout at the end of a pass with lateral inhibition.

    Args:
        network: the network that decides; a deep copy of it has a decision of its own.
        share: share of winners in each layer.
    """

    network: StimulusNetwork
    share: float

    def __call__(self, source: Tensor) -> Tensor:
        *_, last = contests(self.network, source, share=self.share)
        return self.network.scores(last.leaving)
