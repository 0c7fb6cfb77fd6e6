"""What a sweep leaves behind: for people to look at, or for rules on the rate twin."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from ..functional import dense_spikes, rate_of
from .layer import Activity, RateActivity, Stage


@dataclass(frozen=True)
class SweepRecord:
    """What one stage did in one sweep, for people to look at.

    Attributes:
        name: of the stage.
        spikes: `[T, B, *shape]`.
        mean_drive: `[B, *shape]`.
        rate: `[B, *shape]`.
    """

    name: str
    spikes: Tensor
    mean_drive: Tensor
    rate: Tensor


@dataclass
class RateStep:
    """One stage of a sweep of rates.

    Attributes:
        stage: where.
        below: `[B, *source]` what its synapse received (in a top-down sweep, from above).
        activity: what its population did.
        leaving: `[B, *output]` what leaves upward, after pooling; in a top-down sweep the rates themselves.
    """

    stage: Stage
    below: Tensor
    activity: RateActivity
    leaving: Tensor


def rate_leaving(stage: Stage, activity: Activity) -> Tensor:
    """Time-mean `[B, *output]` of the spikes that leave a stage upward, after pooling."""
    return activity.rate if stage.pool == 1 else rate_of(stage.leave(activity.spikes), like=activity.rate)


def record_of(stage: Stage, activity: Activity) -> SweepRecord:
    return SweepRecord(stage.name, dense_spikes(activity.spikes, like=activity.rate), activity.drive, activity.rate)
