"""What a pass leaves behind: for people to look at, or for rules on the rate twin."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from ..functional import dense_spikes, rate_of
from .layer import Activity, Layer, RateActivity


@dataclass(frozen=True)
class LayerRecord:
    """What one layer did in one pass, for people to look at.

    Attributes:
        name: of the layer.
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
    """One layer of a pass of rates.

    Attributes:
        layer: where.
        below: `[B, *source]` what its synapse received (in a top-down pass, from above).
        activity: what its population did.
        leaving: `[B, *output]` what leaves upward, after pooling; in a top-down pass the rates themselves.
    """

    layer: Layer
    below: Tensor
    activity: RateActivity
    leaving: Tensor


def rate_leaving(layer: Layer, activity: Activity) -> Tensor:
    """Time-mean `[B, *output]` of the spikes that leave a layer upward, after pooling."""
    return activity.rate if layer.pool == 1 else rate_of(layer.pool_spikes(activity.spikes), like=activity.rate)


def record_of(layer: Layer, activity: Activity) -> LayerRecord:
    return LayerRecord(layer.name, dense_spikes(activity.spikes, like=activity.rate), activity.drive, activity.rate)
