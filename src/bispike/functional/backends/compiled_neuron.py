"""The neuron of `lif.py` over all time steps in one pass, by the compiled kernels (`native/neuron.cpp`).

`fire_rows` is what a layer needs without a tape: packed spikes and rates, the norm's affine map applied on the way,
membranes in registers. `fire_with_history` and `walk_back` are the two halves of backpropagation through time.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from ..neuron import Neuron
from ..spikes import WORD, PackedSpikes
from . import native


class Fired(NamedTuple):
    """What neurons did over all time steps; `[B, positions, C]` but for the spikes.

    Attributes:
        spikes: packed.
        rate: time-mean of the spikes.
        slope: d rate / d drive followed through the steps (as `UnrolledSlope`), where it was asked for.
    """

    spikes: PackedSpikes
    rate: Tensor
    slope: Tensor | None


def fire_rows(
    drive: Tensor,
    neuron: Neuron,
    time_steps: int,
    positions: tuple[int, ...],
    *,
    affine: tuple[Tensor, Tensor] | None = None,
    unrolled: bool = False,
) -> Fired:
    """Run the neurons of a layer.

    Args:
        drive: float32 `[T, B, positions, C]`, or `[B, positions, C]` for a drive that is constant over time.
        neuron: constants.
        time_steps: T.
        positions: `()` for a dense population, `(height, width)` for maps.
        affine: scale and shift `[C]` of the drive.
        unrolled: whether to follow d rate / d drive.
    """
    drive = drive.contiguous()
    shape = drive.shape[-3:]
    batch, places, channels = shape
    spikes = PackedSpikes.empty(time_steps, batch, (channels, *positions))
    rate = torch.empty(shape, dtype=torch.float32)
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
            time_steps,
            batch * places,
            last - first,
            float(neuron.threshold),
            float(neuron.decay),
            int(neuron.reset == "soft"),
            spikes.bits.view(-1)[first // WORD :],
            batch * places * words,
            words,
            rate.view(-1)[first:],
            None if slope is None else slope.view(-1)[first:],
            channels,
            None,
            None,
        )

    native.shared(channels, WORD, part)
    return Fired(spikes, rate, slope)


def mean_drive(drive: Tensor) -> Tensor:
    """`[B, positions, C]` time-mean of a float32 drive `[T, B, positions, C]`."""
    mean = torch.empty_like(drive[0])
    native.call("mean_over_time", drive, drive.shape[0], mean.numel(), mean)
    return mean


def fire_with_history(drive: Tensor, neuron: Neuron, time_steps: int | None) -> tuple[Tensor, Tensor]:
    """Spikes and membranes H[t] before the reset, both `[T, ...]`.

    The drive is float32 `[T, ...]`, or `[...]` with `time_steps` if it is constant. Elements are taken in the order in
    which they lie in memory, and the results lie in the same one.
    """
    drive = _whole(drive)
    total = drive.shape[0] if time_steps is None else time_steps
    size = drive.numel() if time_steps is not None else drive.numel() // total
    history = torch.empty_like(drive) if time_steps is None else _stacked(drive, time_steps)
    spikes = torch.empty_like(history)
    native.call(
        "neuron_forward",
        drive,
        size if time_steps is None else 0,
        0,
        None,
        None,
        total,
        1,
        size,
        float(neuron.threshold),
        float(neuron.decay),
        int(neuron.reset == "soft"),
        *[None, 0, 0, None, None, 0],
        history,
        spikes,
    )
    return spikes, history


def walk_back(grad: Tensor, history: Tensor, neuron: Neuron, *, constant: bool) -> Tensor:
    """Gradient of the drive from that of the spikes `[T, ...]`; summed over time if `constant`.

    `grad` is left as it is: autograd may have given it to somebody else too.
    """
    grad = torch.empty_like(history).copy_(grad)
    total = torch.empty_like(history[0]) if constant else None
    native.call(
        "neuron_backward",
        grad,
        history,
        history.shape[0],
        history[0].numel(),
        float(neuron.threshold),
        float(neuron.decay),
        int(neuron.reset == "soft"),
        total,
    )
    return grad if total is None else total


def _whole(values: Tensor) -> Tensor:
    """Without gaps in memory: as it is if contiguous but for the order of its axes, a copy otherwise."""
    return values if values.is_contiguous() or _dense_maps(values) else values.contiguous()


def _dense_maps(values: Tensor) -> bool:
    """Whether `[T, B, C, H, W]` or `[B, C, H, W]` lies channels-last without gaps, the time axis outermost."""
    if values.dim() < 4:
        return False
    return values.movedim(-3, -1).is_contiguous()


def _stacked(drive: Tensor, time_steps: int) -> Tensor:
    """Room for `[steps, *drive]`, each step laid out as `drive` is."""
    if drive.is_contiguous():
        return torch.empty((time_steps, *drive.shape), dtype=drive.dtype)
    return torch.empty((time_steps, *drive.movedim(-3, -1).shape), dtype=drive.dtype).movedim(-1, -3)
