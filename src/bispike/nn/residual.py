"""Shortcuts: a layer that receives the spikes of the layer below and those of the layer two below.

    drive = W s_{i-1} + V s_{i-2} = [W V] [s_{i-1}; s_{i-2}]

The two spike trains are the channels of one source, so a layer with a shortcut is an ordinary layer: its drive is
linear in 0/1 spikes, the time-mean drive is [W V] applied to their rates, W and V learn from the same dL/d drive, and
the norm follows the sum. No sum of real numbers leaves a layer, unlike the residual stream of He et al. 2016. V is a
fixed multiple of the identity where shapes agree, and a 1x1 convolution otherwise. The top-down pathway has its own
shortcuts, from the layer two above.

`passes.Arrivals` computes the input of each layer of a pass.
"""

from __future__ import annotations

from typing import Any, TypeVar, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..functional import JoinedSpikes, PackedSpikes, Received, Spikes, dense_spikes, pool_spikes, rows_of
from .synapse import Synapse

S = TypeVar("S")


class IdentityShortcut(nn.Module):
    """A shortcut without weights: drive `gain · s`.

    Args:
        gain: fixed weight of each spike, dimensionless.
    """

    gain: Tensor

    def __init__(self, gain: float) -> None:
        super().__init__()
        self.register_buffer("gain", torch.tensor(float(gain)), persistent=False)

    def drive(self, source: Tensor, bias: Tensor | None) -> Tensor:
        """Drive `[N, *shape]` of `[N, *shape]`."""
        return source * self.gain if bias is None else source * self.gain + bias

    def forward_packed(self, spikes: Spikes) -> Tensor:
        """Drive `[T·B, positions, C]` of packed spikes."""
        return rows_of(dense_spikes(spikes, like=self.gain).flatten(0, 1)).mul_(self.gain)

    def write_gradient(self, grad: Tensor, source: Tensor) -> None:
        """Do nothing: there is no weight to learn."""

    def initialise(self, gain: float, generator: torch.Generator) -> None:
        """Do nothing: there is no weight to draw."""


class Residual(Synapse):
    """[W V]: a synapse and a shortcut that lead to the same population.

    Args:
        main: W, from the layer below (in the top-down pathway, above). Weight and bias of this synapse are those of W.
        shortcut: V, from maps of `main`'s resolution, without a bias.
        channels: channels of the population from which V leads.
        pool: side of the max pooling of its spikes to the resolution of the source of `main` (1: none).
        gain: gain of the initial weights of V, relative to those of W.
    """

    joins = True

    def __init__(
        self, main: Synapse, shortcut: Synapse | IdentityShortcut, channels: int, *, pool: int = 1, gain: float = 1.0
    ) -> None:
        nn.Module.__init__(self)  # no weight of its own
        self.main, self.shortcut, self.pool, self.gain = main, shortcut, pool, gain
        self.source = (main.source[0] + channels, *main.source[1:])
        self.target = main.target

    @property
    def weight(self) -> nn.Parameter:  # type: ignore[override]
        """The weight W."""
        return self.main.weight

    @property
    def bias(self) -> nn.Parameter | None:  # type: ignore[override]
        """The bias of the population."""
        return self.main.bias

    def receive(self, near: Any, far: Any) -> Any:
        """Both inputs as the channels of one source; a maximum of spikes is a spike."""
        if isinstance(far, PackedSpikes) or far.dim() > len(self.source) + 1:
            return JoinedSpikes(near, pool_spikes(far, self.pool, ceil=True) if self.pool > 1 else far)
        return torch.cat([near, F.max_pool2d(far, self.pool, ceil_mode=True) if self.pool > 1 else far], 1)

    def parts(self, source: Received) -> Any:
        """The input of W and the input of V, from `[..., *source]`."""
        if isinstance(source, JoinedSpikes):
            return source.near, source.far
        channels = self.main.source[0]
        return cast(Tensor, source).split([channels, self.source[0] - channels], -len(self.source))

    def drive(self, source: Tensor, bias: Tensor | None) -> Tensor:
        near, far = self.parts(source)
        return self.main.drive(near, bias) + self.shortcut.drive(far, None)

    def forward_packed(self, spikes: Received) -> Tensor:
        near, far = self.parts(spikes)
        return self.main.forward_packed(near).add_(self.shortcut.forward_packed(far))

    def forward_taped(self, spikes: Received) -> Tensor:
        near, far = self.parts(spikes)
        drive = self.main.forward_taped(near)
        if isinstance(self.shortcut, IdentityShortcut):
            return torch.addcmul(drive, far, self.shortcut.gain)
        return drive + self.shortcut.forward_taped(far)

    def write_gradient(self, grad: Tensor, source: Tensor, *, bias: bool = True) -> None:
        near, far = self.parts(source)
        self.main.write_gradient(grad, near, bias=bias)
        self.shortcut.write_gradient(grad, far)

    def initialise(self, gain: float, generator: torch.Generator) -> None:
        self.main.initialise(gain, generator)
        self.shortcut.initialise(gain * self.gain, generator)

    def matrix(self) -> Tensor:
        return self.main.matrix()
