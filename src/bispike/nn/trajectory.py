"""Trajectory of a population at every time step, for rules whose teaching signals differ between time steps.

A trajectory keeps the membrane potentials of all T time steps. It computes weight gradients from signals at the spikes,
through the eligibility of the neuron (`functional.eligibility`), the norm and one product of the synapse. It needs no
tape, and nothing leaves the layer.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ..functional import Received, dense_spikes, drive_gradient, lif_with_history
from .norm import Statistics
from .pathway import Pathway


class Trajectory:
    """Activity of one population in one batch, at every time step.

    Args:
        pathway: synapse, norm and population.
        source: spikes `[T, B, *source]`, or with `constant` a current `[B, *source]`.
        time_steps: T.
        constant: whether the source is constant over time.

    Attributes:
        spikes: `[T, B, *shape]`, 0 or 1, in the dtype of the weights.
        membrane: `[T, B, *shape]` membrane potential H before the reset.
    """

    def __init__(self, pathway: Pathway, source: Received, time_steps: int, *, constant: bool) -> None:
        self.pathway, self.source, self.constant = pathway, source, constant
        with torch.no_grad():
            self.raw_drive = drive = pathway.synapse(source) if constant else pathway.synapse.forward_taped(source)
            self.statistics: Statistics | None = None
            if pathway.norm is not None:
                self.statistics = pathway.norm.statistics(drive if constant else drive.mean(0), track=True)
                flat = pathway.norm(drive if constant else drive.flatten(0, 1), self.statistics)
                drive = flat if constant else flat.unflatten(0, (time_steps, -1))
            self.spikes, self.membrane = lif_with_history(
                drive, pathway.neuron, time_steps=time_steps if constant else None
            )

    @torch.no_grad()
    def backward(self, signal: Tensor, *, kind: str = "atan") -> None:
        """Write the gradients of the pathway.

        Args:
            signal: `[T, B, *shape]` dL/d spikes of each time step, or a substitute; may be an expanded view.
            kind: one of `functional.PSEUDO_DERIVATIVES`.
        """
        synapse, norm = self.pathway.synapse, self.pathway.norm
        grad = drive_gradient(signal, self.membrane, self.pathway.neuron, kind=kind, summed=self.constant)
        if norm is not None and self.statistics is not None:
            if self.constant:
                grad = norm.backward(grad, self.raw_drive, self.statistics)
            else:
                grad = norm.backward_steps(grad, self.raw_drive, self.statistics)
        source = dense_spikes(self.source, like=grad)
        if self.constant:
            synapse.write_gradient(grad, source)
        else:
            synapse.write_gradient(grad.flatten(0, 1), source.flatten(0, 1))
