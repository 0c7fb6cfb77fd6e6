"""What a bottom-up pass leaves for learning, until the label comes or the next stimulus does."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from ..functional import Spikes
from ..nn import Activity, Layer, rate_leaving


@dataclass(frozen=True)
class RecordedPass:
    """One bottom-up pass of B stimuli.

    Attributes:
        stimulus: `[B, *stimulus.shape]`.
        source: its code, as the first synapse received it.
        layers: for each layer, bottom to top: the layer, the rate of its input, and what its population did.
    """

    stimulus: Tensor
    source: Tensor
    layers: list[tuple[Layer, Tensor, Activity]]

    @property
    def spikes(self) -> Spikes:
        """Spikes `[T, B, *f]` that leave the last layer."""
        layer, _, activity = self.layers[-1]
        return layer.pool_spikes(activity.spikes)

    @property
    def top_rate(self) -> Tensor:
        """Rate `[B, *f]` of what leaves the last layer: the input of the readout."""
        layer, _, activity = self.layers[-1]
        return rate_leaving(layer, activity)

    def features(self) -> list[Tensor]:
        """`[B, D]` a layer, what its templates are made of; maps give the mean of each channel.

        The time-mean drive: what the spikes below say, without the quantisation of T steps. The first layer hears no
        spikes, and its drive is linear in the stimulus, so there it is the rate.
        """
        drives = [activity.drive for _, _, activity in self.layers]
        values = [self.layers[0][2].rate, *drives[1:]]
        return [value.flatten(2).mean(2) if value.dim() > 2 else value for value in values]
