"""The product of a synapse with packed spikes: sums of weights, without a multiplication.

    drive[row, o] = bias[o] + Σ over taps k, channels c with a spike at (source(k, row), c) of W[o, c, k]

Two compiled ways (`native/product.cpp`): from tables of the sums of four columns each, whatever the density, or by the
events alone where few neurons fired. The choice is made by the measured density of the train.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from ..spikes import PackedSpikes
from . import native

SPARSE = 0.11
"""Density below which events are cheaper than tables (measured, 1024 -> 512: equal at 0.11; `bispike bench`)."""

_BLOCK = 64  # outputs that a kernel works on at once
_TILE = 2048  # rows whose sums are held at once
_LARGEST = 4 * 2**20  # floats of columns that still fit a cache; beyond, events lose to tables


@dataclass(frozen=True)
class Wiring:
    """How the weights of a synapse lie in memory and which input position each tap of an output reads.

    Args:
        outputs, inputs: channels on either side.
        strides: elements between neighbouring outputs, inputs and taps of the weight.
        taps: positions of the kernel (1 for an all-to-all synapse).
        gather: int32 `[taps, positions_out]` input position, −1 for none; None: tap 0 reads its own position.
        positions_in, positions_out: positions of the maps on either side (1 for a dense population).
        offset: element of the weight that belongs to output 0, input 0, tap 0.
    """

    outputs: int
    inputs: int
    strides: tuple[int, int, int]
    taps: int = 1
    gather: Tensor | None = None
    positions_in: int = 1
    positions_out: int = 1
    offset: int = 0


def spike_product(spikes: PackedSpikes, weight: Tensor, bias: Tensor | None, wiring: Wiring) -> Tensor:
    """Drives of all time steps.

    Args:
        spikes: what feeds the synapse.
        weight, bias: float32, contiguous; laid out as `wiring` says.
        wiring: of the synapse.

    Returns:
        float32 `[T·B, positions_out, outputs]`, the layout of `spikes.rows_of`.
    """
    images = spikes.bits.shape[0] * spikes.bits.shape[1]
    drive = torch.empty((images, wiring.positions_out, wiring.outputs), dtype=torch.float32)
    by_events = spikes.density < SPARSE and wiring.taps * wiring.inputs * _BLOCK <= _LARGEST
    train = spikes.events if by_events else (spikes.bits,)
    tables = 128 + 32 + min(_TILE, images * wiring.positions_out)  # with their columns and a tile of sums
    floats = (wiring.taps * wiring.inputs if by_events else tables) * _BLOCK
    flat, (per_output, per_input, per_tap) = weight.detach().view(-1), wiring.strides

    def block(first: int, last: int) -> None:
        native.call(
            "product_events" if by_events else "product_tables",
            flat[wiring.offset + first * per_output :],
            per_output,
            per_input,
            per_tap,
            None if bias is None else bias.detach()[first:],
            last - first,
            wiring.inputs,
            wiring.taps,
            *train,
            wiring.gather,
            images,
            wiring.positions_in,
            wiring.positions_out,
            drive.view(-1)[first:],
            wiring.outputs,
            torch.empty(floats, dtype=torch.float32),
        )

    native.shared(wiring.outputs, _BLOCK, block)
    return drive


def convolution_gather(index: Tensor, *, kernel: int, stride: int, padding: tuple[int, int, int, int]) -> Tensor:
    """int32 `[kernel², positions_out]`: which input position each tap of a convolution reads, −1 for none.

    Args:
        index: `[H, W]` number of the input position that stands at each place, −1 for none (a map that was enlarged
            repeats or leaves out numbers).
        kernel, stride: of the convolution.
        padding: left, right, top, bottom.
    """
    image = F.pad(index[None, None].double() + 1, padding)
    return (F.unfold(image, kernel, stride=stride)[0] - 1).to(torch.int32).contiguous()
