"""What a bottom-up sweep leaves for learning, until the label comes or the next stimulus does."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from ..functional import Spikes
from ..nn import Activity, Stage, rate_leaving


@dataclass(frozen=True)
class Sweep:
    """One bottom-up sweep of B stimuli.

    Attributes:
        stimulus: `[B, *stimulus.shape]`.
        source: its code, as the first synapse received it.
        stages: for each stage, bottom to top: the stage, the rate of its input, and what its population did.
    """

    stimulus: Tensor
    source: Tensor
    stages: list[tuple[Stage, Tensor, Activity]]

    @property
    def spikes(self) -> Spikes:
        """Spikes `[T, B, *f]` that leave the last stage."""
        stage, _, activity = self.stages[-1]
        return stage.leave(activity.spikes)

    @property
    def top_rate(self) -> Tensor:
        """Rate `[B, *f]` of what leaves the last stage: the input of the readout."""
        stage, _, activity = self.stages[-1]
        return rate_leaving(stage, activity)

    def features(self) -> list[Tensor]:
        """`[B, D]` a stage, what its templates are made of; maps give the mean of each channel.

        The time-mean drive: what the spikes below say, without the quantisation of T steps. The first stage hears no
        spikes, and its drive is linear in the stimulus, so there it is the rate.
        """
        drives = [activity.drive for _, _, activity in self.stages]
        values = [self.stages[0][2].rate, *drives[1:]]
        return [value.flatten(2).mean(2) if value.dim() > 2 else value for value in values]
