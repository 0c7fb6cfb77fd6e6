"""Packed spike trains with one bit per spike: the output of a layer, the only stored values of its time steps.

32 channels are packed in one word; maps are channels-last, so that one word holds 32 channels of one position. A
maximum of spikes is an OR, a rate is a count, and a product with spikes needs no multiplication (`spike_product.py`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor
from torch.nn import functional as F

from ..arguments import checked
from .backends.native import kernels

WORD = 32


@dataclass(frozen=True)
class PackedSpikes:
    """Spikes of a population over all time steps.

    Args:
        bits: int32 `[T, B, positions, words]`; bit c % 32 of word c // 32 is channel c.
        channels: C.
        positions: `()` for a dense population, `(height, width)` for maps.
    """

    bits: Tensor
    channels: int
    positions: tuple[int, ...] = ()

    @classmethod
    def empty(cls, time_steps: int, batch: int, shape: tuple[int, ...]) -> PackedSpikes:
        """Uninitialised spikes of `[steps, batch, *shape]`."""
        words = -(-shape[0] // WORD)
        bits = torch.empty((time_steps, batch, math.prod(shape[1:]), words), dtype=torch.int32)
        return cls(bits, shape[0], tuple(shape[1:]))

    @classmethod
    def pack(cls, spikes: Tensor) -> PackedSpikes:
        """Pack `[T, B, C, *positions]` float32 zeros and ones."""
        made = cls.empty(spikes.shape[0], spikes.shape[1], tuple(spikes.shape[2:]))
        rows = rows_of(spikes.flatten(0, 1))
        kernels().pack(rows.data_ptr(), rows.shape[0] * rows.shape[1], made.channels, made.bits.data_ptr())
        return made

    @property
    def shape(self) -> torch.Size:
        """Shape `[T, B, C, *positions]`."""
        return torch.Size((*self.bits.shape[:2], self.channels, *self.positions))

    @property
    def rows(self) -> int:
        """Number of rows: time steps times samples times positions."""
        return self.bits[..., 0].numel()

    def dense(self) -> Tensor:
        """Unpack to float32 `[T, B, C, *positions]`; maps are channels-last in memory."""
        values = torch.empty(
            (self.bits.shape[0] * self.bits.shape[1], self.bits.shape[2], self.channels), dtype=torch.float32
        )
        kernels().unpack(self.bits.data_ptr(), self.rows, self.channels, values.data_ptr())
        return map_of(values, self.positions).unflatten(0, self.bits.shape[:2])

    def rate(self) -> Tensor:
        """Rate, float32 `[B, C, *positions]`: share of the time steps in which each neuron fired."""
        time_steps, batch, positions, _ = self.bits.shape
        values = torch.empty((batch, positions, self.channels), dtype=torch.float32)
        kernels().rate(self.bits.data_ptr(), time_steps, batch * positions, self.channels, values.data_ptr())
        return map_of(values, self.positions)

    def pool(self, side: int, *, ceil: bool = False) -> PackedSpikes:
        """Max pooling over side × side positions; an incomplete window is dropped, or padded with `ceil`."""
        height, width = self.positions
        below, right = -height % side, -width % side
        if ceil and (below or right):
            bits = F.pad(self.bits.unflatten(2, (height, width)), (0, 0, 0, right, 0, below)).flatten(2, 3)
            return PackedSpikes(bits, self.channels, (height + below, width + right)).pool(side)
        time_steps, batch = self.bits.shape[:2]
        made = PackedSpikes.empty(time_steps, batch, (self.channels, height // side, width // side))
        images = time_steps * batch
        words = self.bits.shape[3]
        kernels().pool(self.bits.data_ptr(), images, height, width, words, side, made.bits.data_ptr())
        return made

    @cached_property
    def count(self) -> int:
        """Number of spikes."""
        return int(kernels().count(self.bits.data_ptr(), self.bits.numel()))

    @property
    def density(self) -> float:
        """Share of ones, in [0, 1]."""
        return self.count / max(self.rows * self.channels, 1)

    @cached_property
    def events(self) -> tuple[Tensor, Tensor]:
        """Start of each row in the list of spikes, int32 `[rows + 1]`, and the list of channels that fired."""
        starts = torch.empty(self.rows + 1, dtype=torch.int32)
        fired = torch.empty(max(self.count, 1), dtype=torch.int32)
        kernels().list_events(self.bits.data_ptr(), self.rows, self.bits.shape[3], starts.data_ptr(), fired.data_ptr())
        return starts, fired


Spikes = Tensor | PackedSpikes
"""A spike train `[T, B, *shape]`: zeros and ones of any dtype, or packed."""


@dataclass(frozen=True)
class JoinedSpikes:
    """Two trains of maps of one size as one: the channels of `near`, then those of `far`. Nothing is copied."""

    near: Spikes
    far: Spikes


Received = Spikes | JoinedSpikes
"""Input of a synapse: spikes of one layer, or of two layers as one train."""


@checked
def rows_of(values: Tensor) -> Tensor:
    """Rows of `[N, C, *positions]`: contiguous `[N, positions, C]`, a view if maps are channels-last."""
    if values.dim() == 2:
        return values.contiguous().unsqueeze(1)
    return values.flatten(2).transpose(1, 2).contiguous()


@checked
def map_of(rows: Tensor, positions: tuple[int, ...]) -> Tensor:
    """View of rows `[N, positions, C]` as `[N, C, *positions]`."""
    if not positions:
        return rows.squeeze(1)
    return rows.unflatten(1, positions).permute(0, 3, 1, 2)


@checked
def dense_spikes(spikes: Received, *, like: Tensor) -> Tensor:
    """A spike train `[T, B, *shape]` as a tensor of the dtype of `like`."""
    if isinstance(spikes, JoinedSpikes):
        return torch.cat([dense_spikes(part, like=like) for part in (spikes.near, spikes.far)], 2)
    return (spikes.dense() if isinstance(spikes, PackedSpikes) else spikes).to(like.dtype)


@checked
def rate_of(spikes: Received, *, like: Tensor) -> Tensor:
    """Rate `[B, *shape]` of a spike train, in the dtype of `like`."""
    if isinstance(spikes, JoinedSpikes):
        return torch.cat([rate_of(part, like=like) for part in (spikes.near, spikes.far)], 1)
    if isinstance(spikes, PackedSpikes):
        return spikes.rate()
    return spikes.mean(0) if spikes.dtype == like.dtype else spikes.sum(0, dtype=like.dtype).div_(spikes.shape[0])


@checked
def pool_spikes(spikes: Spikes, side: int, *, ceil: bool = False) -> Spikes:
    """Max pooling of maps `[T, B, C, H, W]` over side × side positions; `ceil` as for `PackedSpikes.pool`."""
    if isinstance(spikes, PackedSpikes):
        return spikes.pool(side, ceil=ceil)
    values = spikes.flatten(0, 1)
    values = values if values.is_floating_point() else values.float()
    return F.max_pool2d(values, side, ceil_mode=ceil).to(spikes.dtype).unflatten(0, spikes.shape[:2])
