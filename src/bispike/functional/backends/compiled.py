"""The compiled backend: packed spikes, products without multiplications, all time steps of a neuron in one pass.

For float32 tensors of the CPU. `reference` computes the same with torch, step by step; each function here is tested
against it. A product with spikes is a sum of weights:

    drive[row, o] = bias[o] + Σ over taps k, channels c with a spike at (source(k, row), c) of W[o, c, k]

Two methods (`native/product.cpp`): tables of the sums of four columns each, for any density, or single spikes where few
neurons fired. The measured density of the spike train decides.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import torch
from torch import Tensor

from ..alignment import SILENCE, AlignmentLoss, pair_gradient
from ..neuron import Neuron
from ..spikes import WORD, PackedSpikes, Received, map_of, rows_of
from ..surrogate import MEAN_FIELD_CENTRE, MEAN_FIELD_STEEPNESS
from .interface import Fired, Linear
from .native import kernels, library, usable
from .wiring import Wiring

SPARSE = 0.11
"""Density below which events are cheaper than tables (measured, 1024 -> 512: equal at 0.11; `bispike bench`)."""

_BLOCK = 64  # outputs that a kernel computes at once
_TILE = 2048  # rows whose sums are in memory at once
_LARGEST = 4 * 2**20  # floats of columns that fit a cache; above, tables are faster than events


def serves(tensor: Tensor) -> bool:
    """Whether this backend computes with tensors of this kind (`native.usable`)."""
    return usable(tensor) and library() is not None


@dataclass
class Drives:
    """The drives of a population over all time steps.

    Attributes:
        rows: `[T, B, positions, C]`, or `[B, positions, C]` where the drive is constant over time.
        mean: `[B, *shape]` time-mean.
        positions: `()` for a dense population, `(height, width)` for maps.
        time_steps: T.
    """

    rows: Tensor
    mean: Tensor
    positions: tuple[int, ...]
    time_steps: int


def drive(synapse: Linear, source: Received, time_steps: int, *, constant: bool) -> Drives:
    """Drives of all time steps; see `Backend.drive`."""
    positions = synapse.target[1:]
    if constant:
        assert isinstance(source, Tensor)
        current = synapse(source)
        if not positions:
            return Drives(current.unsqueeze(1), current, positions, time_steps)
        rows = rows_of(current)
        return Drives(rows, map_of(rows, positions), positions, time_steps)
    rows = synapse.forward_packed(source).unflatten(0, (time_steps, -1))
    mean = torch.empty_like(rows[0])
    kernels().mean_over_time(rows.data_ptr(), time_steps, mean.numel(), mean.data_ptr())
    return Drives(rows, map_of(mean, positions) if positions else mean.squeeze(1), positions, time_steps)


def spike_product(spikes: PackedSpikes, weight: Tensor, bias: Tensor | None, wiring: Wiring) -> Tensor:
    """Drives of all time steps.

    Args:
        spikes: input of the synapse.
        weight, bias: float32, contiguous, in the layout of `wiring`.
        wiring: wiring of the synapse.

    Returns:
        float32 `[T·B, positions_out, outputs]`, the layout of `spikes.rows_of`.
    """
    bits = spikes.bits
    images = bits.shape[0] * bits.shape[1]
    made = torch.empty((images, wiring.positions_out, wiring.outputs), dtype=torch.float32)
    lib, fired = kernels(), bits.numel() // bits.shape[3] * spikes.channels
    density = lib.count(bits.data_ptr(), bits.numel()) / max(fired, 1)
    by_events = density < SPARSE and wiring.taps * wiring.inputs * _BLOCK <= _LARGEST
    product = lib.product_events if by_events else lib.product_tables
    train = (spikes.events[0].data_ptr(), spikes.events[1].data_ptr()) if by_events else (bits.data_ptr(),)
    tables = 128 + 32 + min(_TILE, images * wiring.positions_out)  # with their columns and a tile of sums
    floats = (wiring.taps * wiring.inputs if by_events else tables) * _BLOCK
    scratch = torch.empty(torch.get_num_threads() * floats, dtype=torch.float32)
    per_output, per_input, per_tap = wiring.strides
    weight = weight.detach().contiguous()
    arguments: list[int | float | None] = [
        weight.data_ptr() + 4 * wiring.offset,
        *(per_output, per_input, per_tap),
        None if bias is None else bias.data_ptr(),
        *(wiring.outputs, wiring.inputs, wiring.taps),
        *train,
        None if wiring.gather is None else wiring.gather.data_ptr(),
        *(images, wiring.positions_in, wiring.positions_out),
        made.data_ptr(),
        wiring.outputs,
        scratch.data_ptr(),
    ]
    if torch.get_num_threads() == 1:
        product(*arguments)
    else:
        last = len(arguments) - 1
        moves = {0: 4.0 * per_output, 4: 4, last - 2: 4}
        _over_threads(product, arguments, 5, _BLOCK, moves, scratch=(last, 4 * floats))
    return made


def fire(
    drives: Drives, neuron: Neuron, *, affine: tuple[Tensor, Tensor] | None = None, unrolled: bool = False
) -> Fired:
    """Spikes of a population; see `Backend.fire`."""
    rows = drives.rows.contiguous()
    batch, places, channels = rows.shape[-3:]
    words = -(-channels // WORD)
    bits = torch.empty((drives.time_steps, batch, places, words), dtype=torch.int32)
    rate = torch.empty((batch, places, channels), dtype=torch.float32)
    slope = torch.empty_like(rate) if unrolled else None
    scale, shift = (None, None) if affine is None else (affine[0].contiguous(), affine[1].contiguous())
    per_step = batch * places * channels if rows.dim() == 4 else 0
    neuron_forward = kernels().neuron_forward
    arguments: list[int | float | None] = [
        rows.data_ptr(),
        per_step,
        channels,
        None if scale is None else scale.data_ptr(),
        None if shift is None else shift.data_ptr(),
        drives.time_steps,
        batch * places,
        channels,
        neuron.threshold,
        neuron.decay,
        neuron.reset == "soft",
        bits.data_ptr(),
        batch * places * words,
        words,
        rate.data_ptr(),
        None if slope is None else slope.data_ptr(),
        channels,
        *(None, None),
    ]
    if torch.get_num_threads() == 1:
        neuron_forward(*arguments)
    else:
        _over_threads(neuron_forward, arguments, 7, WORD, {0: 4, 3: 4, 4: 4, 11: 4 / WORD, 14: 4, 15: 4})
    spikes = PackedSpikes(bits, channels, drives.positions)
    if not drives.positions:
        return Fired(spikes, rate.squeeze(1), None if slope is None else slope.squeeze(1))
    slope_map = None if slope is None else map_of(slope, drives.positions)
    return Fired(spikes, map_of(rate, drives.positions), slope_map)


def align(
    features: Tensor,
    templates: Tensor,
    labels: Tensor,
    negatives: Tensor,
    loss: AlignmentLoss,
    *,
    centre: Tensor | None,
    prior: Tensor | None,
    batch_mean: Callable[[Tensor], Tensor] | None,
    samples: int,
) -> tuple[Tensor, Tensor, Tensor]:
    """Local loss of a layer with centring, in few passes over the large arrays; see `functional.align_centred`.

    For features X `[B, D]` with centre m, templates P `[C, D]` with centre q, a_k = X_k − m, w_c = (P_c − q)/|P_c − q|
    and the gradient G of the affinities (`alignment.pair_gradient`), the gradient of a row is

        dL/dX_k = Σ_c (G_kc/|a_k|) w_c − s_k (X_k − m) [− v],    s_k = Σ_c G_kc C_kc / |a_k|²

    where v is the mean over the batch if m is. Neither the centred nor the unit rows are stored.
    Cross-entropy uses dot products with the templates themselves: √D and 1 replace |a_k| and |P_c − q|, and s
    is 0. All arguments are float32; `loss` is not MSE.
    """
    unit = templates - prior @ templates if prior is not None else templates
    if loss.normed:
        squares = torch.empty(features.shape[0], dtype=torch.float32)
        address = None if centre is None else centre.data_ptr()
        kernels().centred_squares(features.data_ptr(), address, *features.shape, squares.data_ptr())
        length = (squares + SILENCE**2).sqrt_()[:, None]
        unit_length = (unit.square().sum(1, keepdim=True) + SILENCE**2).sqrt_()
        unit = unit / unit_length
    else:
        length = features.new_full((features.shape[0], 1), math.sqrt(features.shape[1]))
        unit_length = unit.new_ones((unit.shape[0], 1))
    dots = features @ unit.T
    cosine = (dots - unit @ centre if centre is not None else dots).div_(length)
    value, grad = pair_gradient(cosine, labels, negatives, loss, samples)
    shared = grad * cosine if loss.normed else torch.zeros_like(grad)
    weights = (grad / length).contiguous()
    shrink = shared.sum(1).div_(length.squeeze(1).square())
    grad_features = (weights @ unit).addcmul_(features, shrink[:, None], value=-1)
    if centre is not None:
        grad_features.addr_(shrink, centre)
        if batch_mean is not None:
            mean = (shrink @ features - shrink.sum() * centre).div_(features.shape[0])
            grad_features.sub_(weights.mean(0) @ unit - mean)
    grad_templates = weights.T @ features  # with unit rows this is Gᵀ u, without them Gᵀ a / √D
    if centre is not None:
        grad_templates.addr_(weights.sum(0), centre, alpha=-1)
    grad_templates.addcmul_(unit, shared.sum(0)[:, None], value=-1).div_(unit_length)
    if prior is not None:
        grad_templates.sub_(prior[:, None] * grad_templates.sum(0))
    return value, grad_features, grad_templates


def drive_gradient(
    grad: Tensor,
    raw: Tensor,
    neuron: Neuron,
    *,
    affine: tuple[Tensor, Tensor] | None,
    through_rate: bool,
    unrolled: Tensor | None,
    moments: tuple[Tensor, Tensor] | None,
) -> tuple[Tensor, Tensor | None]:
    """Gradient of the time-mean drive after the norm, from dL/d features, with the sums for the backward of the norm.

    Args:
        grad: `[B, D]` gradient of the rates, or of the drives; overwritten.
        raw: `[B, *shape]` time-mean drive before the norm.
        neuron: constants.
        affine: scale and shift `[C]` of the norm.
        through_rate: whether the feature is the rate, so that the gradient includes its slope.
        unrolled: `[B, *shape]` the slope itself; None: the mean-field slope 1 / (1 + (steepness (drive − centre))²).
        moments: mean and inverse deviation `[C]` of the norm, if the sums are needed.

    Returns:
        Gradient `[B, positions, C]`; with `moments` Σ g and Σ g ẑ, `[2, C]`.
    """
    raw = raw.contiguous().unsqueeze(1) if raw.dim() == 2 else rows_of(raw)
    samples, positions, channels = raw.shape
    grad = grad.view_as(raw)
    sums = torch.zeros((2, channels), dtype=torch.float32) if moments is not None else None
    centre, steepness = 0.0, 0.0
    if through_rate and unrolled is None:
        centre, steepness = MEAN_FIELD_CENTRE * neuron.threshold, MEAN_FIELD_STEEPNESS
    slope = rows_of(unrolled) if through_rate and unrolled is not None else None
    scale, shift = affine if affine is not None else (None, None)
    mean, inverse = moments if moments is not None else (None, None)
    kernels().pull_rows(
        grad.data_ptr(),
        samples,
        positions * channels,
        channels,
        raw.data_ptr(),
        None if scale is None else scale.data_ptr(),
        None if shift is None else shift.data_ptr(),
        None if slope is None else slope.data_ptr(),
        centre,
        steepness,
        None if mean is None else mean.data_ptr(),
        None if inverse is None else inverse.data_ptr(),
        None if sums is None else sums.data_ptr(),
    )
    return grad, sums


def through_norm(
    grad: Tensor, raw: Tensor, scale: Tensor, moments: tuple[Tensor, Tensor], means: Tensor | None
) -> Tensor:
    """Backward of batch norm with its sums known: γ/σ (g − mean(g) − ẑ mean(g ẑ)), in place.

    Args:
        grad: `[B, positions, C]` gradient after the norm; overwritten.
        raw: `[B, *shape]` drive before the norm.
        scale: γ/σ, `[C]`.
        moments: μ and 1/σ, `[C]`.
        means: mean(g) and mean(g ẑ), `[2, C]`; None where the statistics are constants: γ/σ g.
    """
    raw = raw.contiguous() if raw.dim() == 2 else rows_of(raw)
    mean, inverse = moments
    tilt = torch.zeros_like(scale) if means is None else -scale * inverse * means[1]
    level = torch.zeros_like(scale) if means is None else -scale * means[0] - tilt * mean
    channels = grad.shape[2]
    kernels().combine_channels(
        grad.data_ptr(),
        raw.data_ptr(),
        scale.data_ptr(),
        tilt.data_ptr(),
        level.data_ptr(),
        grad.numel() // channels,
        channels,
    )
    return grad


def _over_threads(
    kernel: Callable[..., object],
    arguments: Sequence[int | float | None],
    count: int,
    unit: int,
    moves: Mapping[int, float],
    *,
    scratch: tuple[int, int] | None = None,
) -> None:
    """Run a kernel over its channels in contiguous shares, one per thread of torch, each a multiple of `unit`.

    Kernels run without the lock of Python. The shares are independent, so their number does not change the result.

    Args:
        kernel: the kernel.
        arguments: arguments for all channels.
        count: index of the argument that is the number of channels.
        unit: number of channels that must stay together.
        moves: by the number of an argument that is an address: bytes that it moves per channel.
        scratch: the address of memory of which every thread needs a part of its own, and the bytes of a part.
    """
    total = int(arguments[count] or 0)
    threads = max(1, min(torch.get_num_threads(), -(-total // unit)))
    size = -(-total // (unit * threads)) * unit

    def part(number: int) -> None:
        first = number * size
        own = list(arguments)
        own[count] = min(size, total - first)
        for place, bytes_per_channel in moves.items():
            address = own[place]
            own[place] = None if address is None else address + int(first * bytes_per_channel)
        if scratch is not None:
            own[scratch[0]] = (own[scratch[0]] or 0) + number * scratch[1]
        kernel(*own)

    with ThreadPoolExecutor(threads) as pool:
        for done in [pool.submit(part, number) for number in range(-(-total // size))]:
            done.result()
