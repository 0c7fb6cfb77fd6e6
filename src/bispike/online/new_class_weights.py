"""Weights of a new class at both ends of the network, in closed form; no weight of another class changes.

Readout row: the discriminant rows r_c of the templates and the rows w_c of the trained readout score the same classes
on different scales. The new row therefore differs from the mean trained row as its discriminant differs from the mean
discriminant, scaled by the factor s with which the discriminants fit the trained readout's scores best:

    w_new = mean w + s (r_new − mean r)

Top-down column: the weights with which the top-down population of the highest layer receives, through its norm, the
mean bottom-up drive of the class. (Weights set from mean features: Qi, Brown & Lowe, CVPR 2018.)
"""

from __future__ import annotations

import torch
from torch import Tensor

from ..functional import channel_view
from ..nn import Network
from .templates import TemplateMemory

MIN_GAIN = 1e-2
"""Smallest gain |γ| of a norm that is divided by; with a smaller one the drive has no effect on the neuron."""


@torch.no_grad()
def write_readout_row(network: Network, templates: TemplateMemory, label: int, *, trained_classes: int) -> None:
    """Write the readout row of one class.

    Args:
        network: with a one-hot concept code.
        templates: those of the readout's input, with a fixed metric.
        label: label of the class.
        trained_classes: number of classes whose rows were trained; their rows set the scale and do not change.
    """
    readout, trained = network.readout, trained_classes
    assert readout.bias is not None
    rows, offsets = templates.discriminant()
    offsets = offsets - rows @ templates.origin  # scores of x itself, not of x − origin
    means = templates.mean[:trained]
    by_readout = _centred(means @ readout.weight[:trained].T + readout.bias[:trained])
    by_templates = _centred(means @ rows[:trained].T + offsets[:trained])
    factor = (by_readout * by_templates).sum() / by_templates.square().sum().clamp(min=1e-12)
    readout.weight[label] = readout.weight[:trained].mean(0) + factor * (rows[label] - rows[:trained].mean(0))
    readout.bias[label] = readout.bias[:trained].mean() + factor * (offsets[label] - offsets[:trained].mean())


@torch.no_grad()
def write_top_down_column(network: Network, label: int, drive: Tensor) -> None:
    """Write the column of one class in the highest top-down synapse.

    Args:
        network: with a one-hot concept code.
        label: label of the class.
        drive: `[*shape]` mean bottom-up drive of the class in the highest layer.
    """
    pathway = network.layers[-1].down
    raw = drive[None]
    if pathway.norm is not None:
        norm, dims = pathway.norm, raw.dim()
        gain = torch.where(norm.weight.abs() < MIN_GAIN, MIN_GAIN, norm.weight)
        scale = (norm.running_variance + norm.eps).sqrt() / gain
        raw = (raw - channel_view(norm.bias, dims)) * channel_view(scale, dims) + channel_view(norm.running_mean, dims)
    synapse = pathway.synapse
    column = raw.flatten()
    synapse.weight[:, label] = column if synapse.bias is None else column - synapse.bias


def _centred(scores: Tensor) -> Tensor:
    return scores - scores.mean(1, keepdim=True)
