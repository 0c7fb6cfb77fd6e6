"""Tiny networks and batches that the tests of several folders build: one place for each, so that a new kind of network
is tested everywhere at once."""

from __future__ import annotations

from typing import Any, Protocol, TypeVar

import torch
from torch import Tensor

from bispike import Stimulus, models
from bispike.nn import Classifier, Network

N = TypeVar("N", bound=Network)


class Builder(Protocol):
    """Makes a network from the options of its model."""

    def __call__(self, **options: Any) -> Classifier: ...


# Maps are never square and channels never one number twice, so that no axis can take the place of another unseen.
WIRINGS: dict[str, Builder] = {
    "dense": lambda **options: models.mlp(Stimulus((2, 5, 3), (0.4, 0.3), (0.3, 0.5)), [9, 7, 6], 3, **options),
    "convolutions": lambda **options: models.cnn(
        Stimulus((2, 7, 5), (0.4, 0.3), (0.3, 0.5)), [3, 5], 3, strides=[1, 2], dense=[6], **options
    ),
    "pooling": lambda **options: models.cnn((1, 9, 7), [4, 3, 5], 3, pools=[2, 1, 2], **options),
    "transposed": lambda **options: models.cnn(
        (1, 8, 6), [4, 3], 3, strides=[1, 2], dense=[5], top_down="transposed", **options
    ),
    "wide kernel": lambda **options: models.cnn((3, 6, 7), [8, 4], 2, kernel=5, pools=[1, 2], **options),
    "residual": lambda **options: models.resnet((1, 7, 5), [4, 6], 3, blocks=[1, 2], **options),
}


def stimuli(net: Network, samples: int = 4, *, seed: int = 0) -> Tensor:
    """Stimuli `[N, *shape]` in [0, 1], float64."""
    return torch.rand(samples, *net.stimulus.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def shaken(net: N, *, seed: int = 3) -> N:
    """The network in float64 with biases and norms away from zeros and ones, so that none can be left out unseen."""
    net = net.double()
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, value in [*net.named_parameters(), *net.named_buffers()]:
            if value.dim() != 1:
                continue
            noise = torch.rand(value.shape, generator=generator, dtype=torch.float64)
            if name.endswith(("running_variance", "norm.weight")):
                value.copy_(0.5 + noise)
            elif name.endswith(("bias", "running_mean")):
                value.copy_((noise - 0.5) * 0.6)
    return net


def exact(net: N) -> N:
    """The network in float64, its norms with the statistics of the batch: running ones move from step to step."""
    for layer in net.layers:
        if layer.up.norm is not None:
            layer.up.norm.least = 2
    return net.double()


def rate_network(*, conv: bool = False, norm: bool = False, depth: int = 3) -> Classifier:
    """Up to three layers in float64; the convolutional ones have a pool and a stride."""
    if conv:
        channels, dense = [3, 4][:depth], [5][: max(0, depth - 2)]
        net = models.cnn(
            (1, 8, 8), channels, 3, pools=[2, 1][:depth], strides=[1, 2][:depth], dense=dense, norm=norm, gain=1.5
        )
    else:
        net = models.mlp((1, 8, 8), [7, 6, 5][:depth], 3, norm=norm, gain=1.5)
    return exact(net)


def batch(samples: int = 6) -> tuple[Tensor, Tensor]:
    """Stimuli `[N, 1, 8, 8]` in float64 and labels `[N]` of three classes, for `rate_network`."""
    images = torch.rand(samples, 1, 8, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    return images, torch.arange(samples) % 3
