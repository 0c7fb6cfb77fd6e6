"""Quality of recall: similarity of the recalled stimulus of a class to the stimuli of that class.

Each recalled stimulus is correlated with the mean stimulus of every class. Where recall works, the largest correlation
is that with the own class.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ..arguments import checked
from ..errors import expect_shape


@dataclass(frozen=True)
class RecallMatch:
    """Correlation of recalled stimuli with class means.

    Args:
        correlation: `[C, C]` Pearson correlation of the recall of each class (rows) with each class mean.
        own: mean correlation with the own class mean.
        matched: share of classes whose recall resembles its own class mean most.
    """

    correlation: Tensor
    own: float
    matched: float


@checked
def recall_match(recalled: Tensor, means: Tensor) -> RecallMatch:
    """Compare recalled stimuli with class means, both `[C, *shape]`; absent classes (NaN) are left out."""
    if recalled.shape != means.shape:
        raise expect_shape("recalled stimuli", ", ".join(map(str, means.shape)), recalled.shape)
    correlation = _standard_rows(recalled) @ _standard_rows(means).T
    present = (~means.flatten(1).isnan().any(1)).nonzero()[:, 0]
    among = correlation[present][:, present]
    return RecallMatch(
        correlation=correlation,
        own=float(among.diagonal().mean()),
        matched=float((among.argmax(1) == torch.arange(len(present))).float().mean()),
    )


def _standard_rows(values: Tensor) -> Tensor:
    rows = values.detach().double().flatten(1)
    rows = rows - rows.mean(1, keepdim=True)
    return rows / rows.norm(dim=1, keepdim=True).clamp_min(1e-12)
