"""The neuron of `lif.py` over all time steps in one pass, by the compiled kernels (`native/neuron.cpp`).

`fire_rows` is what a stage needs without a tape: packed spikes and time means, the norm's affine map applied on the way,
membranes in registers. `fire_with_history` and `walk_back` are the two halves of backpropagation through time.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

from . import native
from .spikes import WORD, PackedSpikes

if TYPE_CHECKING:
    from .lif import Neuron


class Fired(NamedTuple):
    """What neurons did over all time steps; `[B, positions, C]` but for the spikes.

    Attributes:
        spikes: packed.
        rate: time-mean of the spikes.
        mean: time-mean of the drive after the affine map.
        slope: d rate / d drive followed through the steps (as `UnrolledSlope`), where it was asked for.
    """

    spikes: PackedSpikes
    rate: Tensor
    mean: Tensor
    slope: Tensor | None


def fire_rows(
    drive: Tensor,
    neuron: Neuron,
    steps: int,
    positions: tuple[int, ...],
    *,
    affine: tuple[Tensor, Tensor] | None = None,
    unrolled: bool = False,
) -> Fired:
    """Run the neurons of a stage.

    Args:
        drive: float32 `[T, B, positions, C]`, or `[B, positions, C]` for a drive that is constant over time.
        neuron: constants.
        steps: T.
        positions: `()` for a dense population, `(height, width)` for maps.
        affine: scale and shift `[C]` of the drive.
        unrolled: whether to follow d rate / d drive.
    """
    drive = drive.contiguous()
    shape = drive.shape[-3:]
    batch, places, channels = shape
    spikes = PackedSpikes.empty(steps, batch, (channels, *positions))
    rate, mean = torch.empty(shape, dtype=torch.float32), torch.empty(shape, dtype=torch.float32)
    slope = torch.empty(shape, dtype=torch.float32) if unrolled else None
    words = spikes.bits.shape[3]
    scale, shift = (None, None) if affine is None else (affine[0].contiguous(), affine[1].contiguous())

    def part(first: int, last: int) -> None:
        native.call(
            "neuron_forward",
            drive.view(-1)[first:],
            batch * places * channels if drive.dim() == 4 else 0,
            channels,
            None if scale is None else scale[first:],
            None if shift is None else shift[first:],
            steps,
            batch * places,
            last - first,
            float(neuron.threshold),
            float(neuron.leak),
            int(neuron.reset == "soft"),
            spikes.bits.view(-1)[first // WORD :],
            batch * places * words,
            words,
            rate.view(-1)[first:],
            mean.view(-1)[first:],
            None if slope is None else slope.view(-1)[first:],
            channels,
            None,
            None,
        )

    native.shared(channels, WORD, part)
    return Fired(spikes, rate, mean, slope)


def fire_with_history(drive: Tensor, neuron: Neuron, steps: int | None) -> tuple[Tensor, Tensor]:
    """Spikes and membranes H[t] before the reset, both `[T, ...]`, of a float32 drive `[T, ...]`, or `[...]` with `steps`."""
    drive = drive.contiguous()
    shape = drive.shape if steps is None else (steps, *drive.shape)
    size = math.prod(shape[1:])
    spikes, history = torch.empty(shape, dtype=torch.float32), torch.empty(shape, dtype=torch.float32)
    native.call(
        "neuron_forward",
        drive,
        size if steps is None else 0,
        0,
        None,
        None,
        shape[0],
        1,
        size,
        float(neuron.threshold),
        float(neuron.leak),
        int(neuron.reset == "soft"),
        *[None, 0, 0, None, None, None, 0],
        history,
        spikes,
    )
    return spikes, history


def walk_back(grad: Tensor, history: Tensor, neuron: Neuron, *, constant: bool) -> Tensor:
    """Gradient of the drive from that of the spikes `[T, ...]`, which is written over; summed over time if `constant`."""
    total = torch.empty_like(history[0]) if constant else None
    native.call(
        "neuron_backward",
        grad,
        history,
        history.shape[0],
        history[0].numel(),
        float(neuron.threshold),
        float(neuron.leak),
        int(neuron.reset == "soft"),
        total,
    )
    return grad if total is None else total
