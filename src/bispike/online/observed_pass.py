"""The bottom-up pass of the stimuli observed last; the learner keeps it until their label or the next stimulus."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from ..functional import Spikes
from ..nn import SpikeStep


@dataclass(frozen=True)
class ObservedPass:
    """One bottom-up pass of B stimuli.

    Attributes:
        stimulus: `[B, *stimulus.shape]`.
        source: the encoded stimulus that the first synapse received.
        layers: one step per layer, from bottom to top.
    """

    stimulus: Tensor
    source: Tensor
    layers: list[SpikeStep]

    @property
    def spikes(self) -> Spikes:
        """Output spikes `[T, B, *f]` of the last layer."""
        last = self.layers[-1]
        return last.layer.pool_spikes(last.activity.spikes)

    @property
    def top_rate(self) -> Tensor:
        """Rate `[B, *f]` of the output spikes of the last layer: the input of the readout."""
        return self.layers[-1].leaving

    def features(self) -> list[Tensor]:
        """Features `[B, D]` of each layer for the templates; a map gives the mean of each channel.

        The feature is the time-mean drive, which carries the information of the input spikes without the quantisation
        of T time steps. The first layer receives no spikes and its drive is linear in the stimulus, so its feature is
        the rate.
        """
        drives = [step.activity.drive for step in self.layers]
        values = [self.layers[0].activity.rate, *drives[1:]]
        return [value.flatten(2).mean(2) if value.dim() > 2 else value for value in values]
