"""Synapses: the linear maps of both pathways, each with the closed-form gradient of its own weights.

A synapse maps `[N, *source]` to `[N, *target]`; `write_gradient` uses nothing else of the network. Bottom-up kinds are
`Dense` and `Conv`; the top-down twins are `Dense` (with unpooling), `UpsampleConv` and `TransposedConv`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn import grad as conv_grad

from ..errors import ConfigurationError
from ..functional import JoinedSpikes, PackedSpikes, Received, Wiring, convolution_gather, map_of, rows_of
from ..functional.backends import compiled
from .weight_limit import reserve

Shape = tuple[int, ...]

PATCH = 64
"""Largest fan-in of a convolution that is computed as a product with its patches. With few channels (a first layer)
this is much faster than the convolution of torch and its weight gradient, and the maps are channels-last."""


class Synapse(nn.Module):
    """Base of synapses: a weight, an optional bias, and the shapes of source and target.

    Attributes:
        joins: whether it receives the spikes of the previous layer and those of the layer before that.
        spreads: whether several target neurons share one drive.
        on_maps: whether it computes flat drives and its target has maps.
        flat: whether it computes flat drives, for any shape of its target.
    """

    joins: ClassVar[bool] = False
    spreads: bool = False
    on_maps: bool = False
    flat: ClassVar[bool] = False

    def __init__(self, source: Shape, target: Shape, weight_shape: Shape, channels: int, *, bias: bool) -> None:
        super().__init__()
        self.source, self.target = tuple(source), tuple(target)
        reserve(math.prod(weight_shape) + channels * bias, f"synapse {list(source)} -> {list(target)}")
        self.weight = nn.Parameter(torch.empty(weight_shape))
        self.bias = nn.Parameter(torch.zeros(channels)) if bias else None

    @property
    def fan_in(self) -> int:
        """Number of inputs of one target neuron."""
        return math.prod(self.weight.shape[1:])

    def initialise(self, gain: float, generator: torch.Generator) -> None:
        """Draw uniform weights with standard deviation gain/√fan_in; set biases to zero."""
        bound = gain * math.sqrt(3 / self.fan_in)
        with torch.no_grad():
            self.weight.uniform_(-bound, bound, generator=generator)
            if self.bias is not None:
                self.bias.zero_()

    def forward(self, source: Tensor) -> Tensor:
        """Drive `[N, *target]` of `[N, *source]`."""
        return self.drive(source, self.bias)

    def forward_linear(self, source: Tensor) -> Tensor:
        """`forward` without the bias, for signals that must pass linearly, such as an error."""
        return self.drive(source, None)

    def drive(self, source: Tensor, bias: Tensor | None) -> Tensor:
        """`forward` with a given bias; each kind of synapse defines it."""
        raise NotImplementedError

    def receive(self, near: Any, far: Any) -> Any:
        """Input of this synapse from the output of the previous layer, `near`, and of the layer before that, `far`."""
        return near

    def forward_packed(self, spikes: Received) -> Tensor:
        """`forward` for spikes of all time steps, packed if need be: `[T·B, positions, C]` (`functional.rows_of`)."""
        if not isinstance(spikes, PackedSpikes):
            spikes = packed(spikes)
        drive = compiled.spike_product(spikes, self.weight, self.bias, self.wiring)
        return self.spread_rows(drive) if self.on_maps else drive

    def spread_rows(self, drive: Tensor) -> Tensor:
        """Spread `[N, 1, small]` over the positions of a map target, `[N, positions, C]` (if `spreads`)."""
        raise NotImplementedError

    def forward_taped(self, spikes: Any) -> Tensor:
        """Drive `[T, B, *target]` of spikes `[T, B, *source]`, with an autograd tape."""
        closed = type(self).backward is not Synapse.backward
        if closed and compiled.serves(self.weight) and spikes.dtype == self.weight.dtype:
            drive: Tensor = _SpikeSum.apply(spikes, self.weight, self.bias, self)
            return drive
        return self(spikes.flatten(0, 1)).unflatten(0, spikes.shape[:2])

    def backward(self, grad: Tensor, source: Tensor) -> tuple[Tensor, Tensor]:
        """dL/d source `[N, *source]` and dL/d weight, given dL/d drive `[N, *target]` and the input."""
        raise NotImplementedError

    def backward_input(self, grad: Tensor, weight: Tensor | None = None) -> Tensor:
        """dL/d source `[N, *source]` from dL/d drive `[N, *target]`: the transposed linear map.

        Args:
            grad: `[N, *target]` gradient of the drive.
            weight: weight of the same shape that replaces that of this synapse (feedback alignment); None: its own.
        """
        raise NotImplementedError(f"{type(self).__name__} does not carry signals backwards.")

    @cached_property
    def wiring(self) -> Wiring:
        """Indices of the weights and the inputs of each output, for `forward_packed`."""
        raise AttributeError(f"{type(self).__name__} has no wiring of its own.")  # torch.jit asks for all attributes

    def write_gradient(self, grad: Tensor, source: Tensor, *, bias: bool = True) -> None:
        """Write `.grad` of weight and bias, given dL/d drive `[N, *target]` and the input `[N, *source]`.

        Args:
            bias: False writes the gradient of the weight only, for an input of `forward_linear`.
        """
        weight = self.weight
        found = self.pairing(grad, source, out=weight.grad)
        if found.stride() == weight.stride():
            weight.grad = found
        else:  # a gradient with the memory layout of its parameter: fused optimizers read both element by element
            weight.grad = torch.empty_like(weight).copy_(found)
        if bias and self.bias is not None:
            if self.bias.grad is None:
                self.bias.grad = torch.empty_like(self.bias)
            gathered = self._gathered(grad) if self.spreads else grad.flatten(1) if self.flat else grad
            torch.sum(gathered, (0, *range(2, gathered.dim())), out=self.bias.grad)

    def pairing(self, post: Tensor, pre: Tensor, *, out: Tensor | None = None) -> Tensor:
        """Σ over samples of post ⊗ pre, in the shape of the weight.

        Args:
            post: `[N, *target]` a signal of the target neurons: a gradient of their drive, or spikes in Hebbian rules.
            pre: `[N, *source]` a signal of the source neurons.
            out: tensor that may be overwritten with the result.
        """
        raise NotImplementedError

    def _gathered(self, grad: Tensor) -> Tensor:
        """A signal of the target neurons, summed over those that share a drive."""
        return grad

    def matrix(self) -> Tensor:
        """Weights as an array with the bottom-up layout, to compare the two pathways."""
        raise NotImplementedError

    def extra_repr(self) -> str:
        return f"{list(self.source)} -> {list(self.target)}"


class Dense(Synapse):
    """All-to-all synapse. With `unpool` > 1 each value of a map target is repeated over unpool × unpool positions."""

    flat = True

    def __init__(self, source: Shape, target: Shape, *, bias: bool = True, unpool: int = 1) -> None:
        small = target if unpool == 1 else (target[0], *(-(-n // unpool) for n in target[1:]))
        super().__init__(source, target, (math.prod(small), math.prod(source)), math.prod(small), bias=bias)
        self.small, self.unpool = tuple(small), unpool
        self.spreads, self.on_maps = unpool > 1, len(target) > 1

    def drive(self, source: Tensor, bias: Tensor | None) -> Tensor:
        drive = F.linear(source.flatten(1), self.weight, bias)
        return self._spread(drive) if self.spreads else drive.unflatten(1, self.small)

    def spread_rows(self, drive: Tensor) -> Tensor:
        drive = drive.squeeze(1)
        return rows_of(self._spread(drive) if self.spreads else drive.unflatten(1, self.small))

    @cached_property
    def wiring(self) -> Wiring:
        channels, taps = self.source[0], math.prod(self.source[1:])
        gather = torch.arange(taps, dtype=torch.int32)[:, None] if taps > 1 else None
        return Wiring(self.weight.shape[0], channels, (channels * taps, taps, 1), taps, gather, taps)

    def _spread(self, drive: Tensor) -> Tensor:
        """Spread `[N, small]` over the positions of the target."""
        drive = drive.unflatten(1, self.small)
        drive = drive.repeat_interleave(self.unpool, 2).repeat_interleave(self.unpool, 3)
        return drive[:, :, : self.target[1], : self.target[2]]

    def _gathered(self, grad: Tensor) -> Tensor:
        """Sums `[N, small]` over the positions that share a value: the transpose of `_spread`."""
        if self.unpool > 1:
            height, width = self.small[1] * self.unpool, self.small[2] * self.unpool
            grad = F.pad(grad, (0, width - self.target[2], 0, height - self.target[1]))
            grad = F.avg_pool2d(grad, self.unpool) * self.unpool**2
        return grad.flatten(1)

    def pairing(self, post: Tensor, pre: Tensor, *, out: Tensor | None = None) -> Tensor:
        return torch.mm((self._gathered(post) if self.spreads else post.flatten(1)).T, pre.flatten(1), out=out)

    def backward_input(self, grad: Tensor, weight: Tensor | None = None) -> Tensor:
        weight = self.weight if weight is None else weight
        return (self._gathered(grad) @ weight).unflatten(1, self.source)

    def backward(self, grad: Tensor, source: Tensor) -> tuple[Tensor, Tensor]:
        grad = self._gathered(grad)
        return (grad @ self.weight).view_as(source), grad.T @ source.flatten(1)

    def matrix(self) -> Tensor:
        return self.weight


class Conv(Synapse):
    """Bottom-up convolution with 'same'-like padding and a stride."""

    def __init__(self, source: Shape, channels: int, *, kernel: int = 3, stride: int = 1, bias: bool = True) -> None:
        if len(source) != 3:
            raise ConfigurationError(f"convolution: expected a source [channels, height, width], received {source}.")
        padding = kernel // 2
        size = [(n + 2 * padding - kernel) // stride + 1 for n in source[1:]]
        super().__init__(source, (channels, *size), (channels, source[0], kernel, kernel), channels, bias=bias)
        self.kernel, self.stride, self.padding = kernel, stride, padding

    def drive(self, source: Tensor, bias: Tensor | None) -> Tensor:
        if self.fan_in > PATCH or torch.is_grad_enabled():
            return F.conv2d(source, self.weight, bias, self.stride, self.padding)
        patches = self._patches(source)
        return map_of(patches @ self.weight.flatten(1).T + (0 if bias is None else bias), self.target[1:])

    @cached_property
    def wiring(self) -> Wiring:
        return _map_wiring(self, _positions(self.source), self.kernel, self.stride, (self.padding,) * 4)

    def _patches(self, source: Tensor) -> Tensor:
        """Patches `[N, positions, fan_in]`: the inputs of each output position."""
        return F.unfold(source, self.kernel, padding=self.padding, stride=self.stride).transpose(1, 2)

    def pairing(self, post: Tensor, pre: Tensor, *, out: Tensor | None = None) -> Tensor:
        if self.fan_in > PATCH:
            return conv_grad.conv2d_weight(pre, list(self.weight.shape), post, self.stride, self.padding)
        found = torch.empty_like(self.weight) if out is None else out
        rows, patches = rows_of(post).flatten(0, 1), self._patches(pre).flatten(0, 1)
        torch.mm(rows.T, patches, out=found.view(self.target[0], -1))
        return found

    def backward_input(self, grad: Tensor, weight: Tensor | None = None) -> Tensor:
        weight = self.weight if weight is None else weight
        return conv_grad.conv2d_input([len(grad), *self.source], weight, grad, self.stride, self.padding)

    def backward(self, grad: Tensor, source: Tensor) -> tuple[Tensor, Tensor]:
        sides = [[self.stride] * 2, [self.padding] * 2, [1, 1]]
        below, weight, _ = torch.ops.aten.convolution_backward(
            grad,
            source,
            self.weight,
            None,
            *sides,
            transposed=False,
            output_padding=[0, 0],
            groups=1,
            output_mask=[True, True, False],
        )
        return below, weight

    def matrix(self) -> Tensor:
        return self.weight.flatten(1)


class UpsampleConv(Synapse):
    """Top-down twin of a convolution: nearest-neighbour upsampling to the size of the target, then a convolution."""

    def __init__(self, source: Shape, target: Shape, *, kernel: int = 3, bias: bool = True) -> None:
        super().__init__(source, target, (target[0], source[0], kernel, kernel), target[0], bias=bias)
        if kernel % 2 == 0:
            raise ConfigurationError(f"kernel: expected an odd size for the upsampling convolution, received {kernel}.")
        self.padding = kernel // 2

    def _enlarged(self, source: Tensor) -> Tensor:
        return source if self.source[1:] == self.target[1:] else F.interpolate(source, size=self.target[1:])

    def drive(self, source: Tensor, bias: Tensor | None) -> Tensor:
        return F.conv2d(self._enlarged(source), self.weight, bias, 1, self.padding)

    @cached_property
    def wiring(self) -> Wiring:
        index = self._enlarged(_positions(self.source)[None, None].double())[0, 0].long()
        return _map_wiring(self, index, 2 * self.padding + 1, 1, (self.padding,) * 4)

    def pairing(self, post: Tensor, pre: Tensor, *, out: Tensor | None = None) -> Tensor:
        return conv_grad.conv2d_weight(self._enlarged(pre), list(self.weight.shape), post, 1, self.padding)

    def matrix(self) -> Tensor:
        return self.weight.transpose(0, 1).flip(2, 3).flatten(1)


class TransposedConv(Synapse):
    """Top-down twin of a strided convolution: the transposed convolution, with weights of its own."""

    def __init__(self, source: Shape, target: Shape, *, kernel: int = 3, stride: int = 1, bias: bool = True) -> None:
        super().__init__(source, target, (source[0], target[0], kernel, kernel), target[0], bias=bias)
        self.stride, self.padding = stride, kernel // 2
        reached = [(n - 1) * stride - 2 * self.padding + kernel for n in source[1:]]
        self.extra = tuple(n - r for n, r in zip(target[1:], reached, strict=True))
        if any(e < 0 or e >= max(stride, 1) for e in self.extra):
            raise ConfigurationError(
                f"transposed convolution: cannot lead from {list(source)} to {list(target)} with kernel {kernel} "
                f"and stride {stride}; use the upsampling convolution."
            )

    @property
    def fan_in(self) -> int:
        return self.weight.shape[0] * self.weight.shape[2] * self.weight.shape[3] // self.stride**2 or 1

    def drive(self, source: Tensor, bias: Tensor | None) -> Tensor:
        return F.conv_transpose2d(source, self.weight, bias, self.stride, self.padding, self.extra)

    @cached_property
    def wiring(self) -> Wiring:
        # A convolution with the flipped kernel over the source, its positions set `stride` apart.
        kernel, (height, width) = self.weight.shape[2], self.source[1:]
        index = torch.full(((height - 1) * self.stride + 1, (width - 1) * self.stride + 1), -1)
        index[:: self.stride, :: self.stride] = _positions(self.source)
        edge = kernel - 1 - self.padding
        padding = (edge, edge + self.extra[1], edge, edge + self.extra[0])
        taps, outputs = kernel * kernel, self.target[0]
        return replace(
            _map_wiring(self, index, kernel, 1, padding), strides=(taps, outputs * taps, -1), offset=taps - 1
        )

    def pairing(self, post: Tensor, pre: Tensor, *, out: Tensor | None = None) -> Tensor:
        return conv_grad.conv2d_weight(post, list(self.weight.shape), pre, self.stride, self.padding)

    def matrix(self) -> Tensor:
        return self.weight.flatten(1)


class _SpikeSum(torch.autograd.Function):
    """`Synapse.forward_packed` as a node of a tape: it keeps only the packed spikes of its input."""

    @staticmethod
    def forward(ctx: Any, spikes: Tensor, weight: Tensor, bias: Tensor | None, synapse: Synapse) -> Tensor:
        packed = PackedSpikes.pack(spikes)
        ctx.packed, ctx.synapse = packed, synapse
        return map_of(synapse.forward_packed(packed), synapse.target[1:]).unflatten(0, spikes.shape[:2])

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Any:
        grad = grads[0].flatten(0, 1)
        below, weight = ctx.synapse.backward(grad, ctx.packed.dense().flatten(0, 1))
        gathered = ctx.synapse._gathered(grad)
        bias = None if ctx.synapse.bias is None else gathered.sum([0, *range(2, gathered.dim())])
        return below.unflatten(0, grads[0].shape[:2]), weight, bias, None


def packed(spikes: Received) -> PackedSpikes:
    """Spikes `[T, B, *source]` of one layer, packed."""
    assert not isinstance(spikes, JoinedSpikes)  # spikes of two layers reach a `Residual` only
    return PackedSpikes.pack(spikes) if isinstance(spikes, Tensor) else spikes


def weight_pairs(
    names: Sequence[str], bottom_up: Sequence[Synapse], top_down: Sequence[Synapse]
) -> dict[str, tuple[Tensor, Tensor]]:
    """W and Θ transposed between each pair of neighbouring populations, where their arrays have the same shape."""
    pairs = {}
    for name, up, down in zip(names, bottom_up, top_down, strict=True):
        forward, backward = up.matrix().detach(), down.matrix().detach()
        if isinstance(down, Dense):
            backward = backward.T
        if forward.shape == backward.shape:
            pairs[name] = (forward, backward)
    return pairs


def _positions(shape: Shape) -> Tensor:
    """Index `[H, W]` of each position of a map `[C, H, W]`."""
    return torch.arange(shape[1] * shape[2]).reshape(shape[1], shape[2])


def _map_wiring(
    synapse: Synapse, index: Tensor, kernel: int, stride: int, padding: tuple[int, int, int, int]
) -> Wiring:
    """Wiring of a convolution over the source positions `index`, with a weight `[out, in, kernel, kernel]`."""
    taps = kernel * kernel
    return Wiring(
        synapse.target[0],
        synapse.source[0],
        (synapse.source[0] * taps, taps, 1),
        taps,
        convolution_gather(index, kernel=kernel, stride=stride, padding=padding),
        math.prod(synapse.source[1:]),
        math.prod(synapse.target[1:]),
    )
