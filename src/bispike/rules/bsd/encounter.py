"""Where the two pathways meet."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from ...nn import Activity, Layer


@dataclass
class Encounter:
    """One layer, reached by both passes.

    Attributes:
        layer: where.
        below: `[B, *source]` rate that the bottom-up synapse received, and `up` what its population did.
        above: `[C, *source]` rate that the top-down synapse received, and `down` what its population did.
    """

    layer: Layer
    below: Tensor
    up: Activity
    above: Tensor
    down: Activity
