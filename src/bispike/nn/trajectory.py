"""A population step by step: for rules whose teaching signals arrive at every time step.

A trajectory keeps the membranes of all T steps. Signals at the spikes become weight gradients through the neuron's own
eligibility (`functional.eligibility`), the norm and one product of the synapse: no tape, and nothing leaves the layer.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from ..functional import Received, dense_spikes, drive_gradient, lif_with_history
from .layer import Layer, Pathway
from .network import Network


class Trajectory:
    """What one population does in one batch, at every step.

    Args:
        pathway: synapse, norm and population.
        source: spikes `[T, B, *source]`, or with `constant` a current `[B, *source]`.
        time_steps: T.
        constant: whether the source is constant over time.

    Attributes:
        spikes: `[T, B, *shape]`, 0 or 1, in the dtype of the weights.
        membrane: `[T, B, *shape]` H before the reset.
    """

    def __init__(self, pathway: Pathway, source: Received, time_steps: int, *, constant: bool) -> None:
        self.pathway, self.source, self.constant = pathway, source, constant
        with torch.no_grad():
            self.raw_drive = drive = pathway.synapse(source) if constant else pathway.synapse.forward_taped(source)
            self.statistics: tuple[Tensor, Tensor] | None = None
            if pathway.norm is not None:
                self.statistics = pathway.norm.statistics(drive if constant else drive.mean(0), track=True)
                flat = pathway.norm(drive if constant else drive.flatten(0, 1), self.statistics)
                drive = flat if constant else flat.unflatten(0, (time_steps, -1))
            self.spikes, self.membrane = lif_with_history(
                drive, pathway.neuron, time_steps=time_steps if constant else None
            )

    @torch.no_grad()
    def learn(self, signal: Tensor, *, kind: str = "atan") -> None:
        """Write the gradients of the pathway.

        Args:
            signal: `[T, B, *shape]` dL/d spikes of each step, or what stands for it; may be an expanded view.
            kind: one of `functional.PSEUDO_DERIVATIVES`.
        """
        synapse, norm = self.pathway.synapse, self.pathway.norm
        grad = drive_gradient(signal, self.membrane, self.pathway.neuron, kind=kind, summed=self.constant)
        if norm is not None and self.statistics is not None:
            if self.constant:
                grad = norm.learn(grad, self.raw_drive, self.statistics)
            else:
                grad = norm.learn_steps(grad, self.raw_drive, self.statistics)
        source = dense_spikes(self.source, like=grad)
        if self.constant:
            synapse.learn(grad, source)
        else:
            synapse.learn(grad.flatten(0, 1), source.flatten(0, 1))


@dataclass
class SpikeStep:
    """One layer of a bottom-up pass that keeps every time step.

    Attributes:
        layer: where.
        trajectory: what its population did.
        leaving: `[T, B, *output]` spikes that leave upward, after pooling.
    """

    layer: Layer
    trajectory: Trajectory
    leaving: Tensor

    def unpool_signal(self, signal: Tensor) -> Tensor:
        """Signals `[T, B, *output]` at what left, at the population's spikes `[T, B, *shape]`: pooling backwards."""
        if self.layer.pool == 1:
            return signal
        spikes = self.trajectory.spikes
        back = self.layer.unpool(signal.flatten(0, 1), spikes.flatten(0, 1))
        return back.unflatten(0, spikes.shape[:2])


def bottom_up_trajectories(network: Network, source: Tensor) -> Iterator[SpikeStep]:
    """Bottom-up pass, a layer at a time, of what `Network.encode` returned."""
    constant = network.constant_input
    arrivals = network.bottom_up_arrivals(source)
    for layer in network.layers:
        trajectory = Trajectory(layer.up, arrivals.source, network.time_steps, constant=constant)
        spikes = trajectory.spikes
        leaving = spikes if layer.pool == 1 else layer.pool_rates(spikes.flatten(0, 1)).unflatten(0, spikes.shape[:2])
        constant = False
        yield SpikeStep(layer, trajectory, leaving)
        arrivals.pass_on(leaving)
