"""Wiring of a synapse: indices of its weights and of the inputs of each output, for the compiled kernels."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from ...arguments import checked


@dataclass(frozen=True)
class Wiring:
    """Memory layout of the weights of a synapse, and the input position of each tap of an output.

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


@checked
def convolution_gather(index: Tensor, *, kernel: int, stride: int, padding: tuple[int, int, int, int]) -> Tensor:
    """Input position of each tap of a convolution, int32 `[kernel², positions_out]`, −1 for none.

    Args:
        index: `[H, W]` index of the input position at each place, −1 for none (an enlarged map repeats or omits
            indices).
        kernel, stride: kernel and stride of the convolution.
        padding: left, right, top, bottom.
    """
    image = F.pad(index[None, None].double() + 1, padding)
    return (F.unfold(image, kernel, stride=stride)[0] - 1).to(torch.int32).contiguous()
