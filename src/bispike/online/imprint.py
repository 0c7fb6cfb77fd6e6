"""The two ends of a new class, written in closed form from its templates; no weight of another class is touched.

Readout row: the templates' discriminant rows r_c and the trained readout's rows w_c score the same classes on different
scales, so the new row stands to the mean of the old ones as its discriminant does, stretched by the factor s with which
the discriminants fit the old readout's scores best:  w_new = mean w + s (r_new − mean r).

Top-down column: what makes the top-down population of the highest layer receive, through its norm, the drive that the
bottom-up one received on average. (Weights set from a mean of features: Qi, Brown & Lowe, CVPR 2018.)
"""

from __future__ import annotations

import torch
from torch import Tensor

from ..functional import channel_view
from ..nn import Network
from .templates import TemplateMemory

LEAST_GAIN = 1e-2
"""Least |γ| of a norm that is divided by; below, the neuron is deaf to its drive anyway."""


@torch.no_grad()
def write_readout(network: Network, place: TemplateMemory, label: int, *, known: int) -> None:
    """Write the readout's row of one class.

    Args:
        network: with a one-hot concept code.
        place: sealed templates of the readout's input.
        label: of the class.
        known: number of classes that were trained; their rows are the reference and stay.
    """
    readout = network.readout
    assert readout.bias is not None
    rows, offsets = place.discriminant()
    offsets = offsets - rows @ place.origin  # scores of x itself, not of x − origin
    means = place.mean[:known]
    trained = _centred(means @ readout.weight[:known].T + readout.bias[:known])
    by_templates = _centred(means @ rows[:known].T + offsets[:known])
    stretch = (trained * by_templates).sum() / by_templates.square().sum().clamp(min=1e-12)
    readout.weight[label] = readout.weight[:known].mean(0) + stretch * (rows[label] - rows[:known].mean(0))
    readout.bias[label] = readout.bias[:known].mean() + stretch * (offsets[label] - offsets[:known].mean())


@torch.no_grad()
def write_template(network: Network, label: int, drive: Tensor) -> None:
    """Write the column of one class into the highest top-down synapse.

    Args:
        network: with a one-hot concept code.
        label: of the class.
        drive: `[*shape]` mean bottom-up drive of the class in the highest layer.
    """
    pathway = network.layers[-1].down
    raw = drive[None]
    if pathway.norm is not None:
        norm, dims = pathway.norm, raw.dim()
        gain = torch.where(norm.weight.abs() < LEAST_GAIN, LEAST_GAIN, norm.weight)
        scale = (norm.running_variance + norm.eps).sqrt() / gain
        raw = (raw - channel_view(norm.bias, dims)) * channel_view(scale, dims) + channel_view(norm.running_mean, dims)
    synapse = pathway.synapse
    column = raw.flatten()
    synapse.weight[:, label] = column if synapse.bias is None else column - synapse.bias


def _centred(scores: Tensor) -> Tensor:
    return scores - scores.mean(1, keepdim=True)
