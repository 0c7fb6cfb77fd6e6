"""Small networks in float64 and batches for them, for oracles of gradients."""

from __future__ import annotations

import torch
from torch import Tensor

from bispike import models
from bispike.nn import Network


def rate_network(*, conv: bool = False, norm: bool = False, depth: int = 3) -> Network:
    """Up to three layers; the convolutional ones have a pool and a stride."""
    if conv:
        channels, dense = [3, 4][:depth], [5][: max(0, depth - 2)]
        net = models.cnn(
            (1, 8, 8), channels, 3, pools=[2, 1][:depth], strides=[1, 2][:depth], dense=dense, norm=norm, gain=1.5
        )
    else:
        net = models.mlp((1, 8, 8), [7, 6, 5][:depth], 3, norm=norm, gain=1.5)
    return exact(net)


def exact(net: Network) -> Network:
    """The network in float64, its norms with the statistics of the batch: running ones move from step to step."""
    for layer in net.layers:
        if layer.up.norm is not None:
            layer.up.norm.least = 2
    return net.double()


def batch(samples: int = 6) -> tuple[Tensor, Tensor]:
    """Stimuli `[N, 1, 8, 8]` and labels `[N]` of three classes."""
    stimuli = torch.rand(samples, 1, 8, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    return stimuli, torch.arange(samples) % 3
