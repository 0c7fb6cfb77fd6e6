"""Wiring of a synapse: where the compiled kernels find its weights and the inputs of each output."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F


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
