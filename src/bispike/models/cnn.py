"""Convolutional network: convolution layers with stride or max pooling, then dense layers."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral
from typing import Any

from ..arguments import checked, shown, whole, wholes
from ..errors import ConfigurationError
from ..nn import Classifier, Conv, Dense, Synapse, TransposedConv, UpsampleConv
from ..nn.weight_limit import limited
from ..spaces import Concept, Stimulus
from .assembly import MOST_LAYERS, N, Options, finish
from .registry import Model, register


@checked
@limited
def cnn(
    stimulus: Stimulus | Sequence[int],
    channels: Sequence[int],
    concept: Concept | Sequence[str] | int,
    *,
    strides: Sequence[int] | int = 1,
    pools: Sequence[int] | int = 1,
    kernel: int = 3,
    dense: Sequence[int] = (),
    top_down: str = "upsample",
    **options: Any,
) -> Classifier:
    """Convolutional two-pathway network.

    The five-layer network of the paper is `channels=(128, 128, 256, 256, 512), pools=2`.

    Args:
        stimulus: image space, `[channels, height, width]`.
        channels: channels of each convolution layer, bottom to top.
        concept: the classes.
        strides: stride of each convolution (one number for all, or one per layer).
        pools: side of the max pooling after each layer (one number for all, or one per layer; 1: none).
        kernel: side of the kernels, odd.
        dense: widths of dense layers above the convolutions.
        top_down: `"upsample"` (nearest-neighbour, then a convolution) or `"transposed"` (where pools are 1).
        **options: fields of `Options`.

    Returns:
        Classifier.
    """
    values = {"strides": strides, "pools": pools, "kernel": kernel, "dense": dense, "top_down": top_down}
    return conv_network(Classifier, "cnn", stimulus, channels, concept, options, **values)  # type: ignore[arg-type]


@checked
def conv_network(
    kind: type[N],
    model: str,
    stimulus: Stimulus | Sequence[int],
    channels: Sequence[int],
    concept: Concept | Sequence[str] | int,
    options: dict[str, Any],
    *,
    strides: Sequence[int] | int,
    pools: Sequence[int] | int,
    kernel: int,
    dense: Sequence[int],
    top_down: str,
) -> N:
    """A network of this class from convolutions; arguments as for `cnn`, with the options in a dict."""
    opts = Options.of(options)
    channels = wholes("channels", channels, most=MOST_LAYERS)
    dense = wholes("dense", dense, empty=True, most=MOST_LAYERS)
    stimulus, concept = Stimulus.of(stimulus), Concept.of(concept)
    count = len(channels)
    stride_list, pool_list = _each("strides", strides, count), _each("pools", pools, count)
    problems = []
    if kernel < 1 or kernel % 2 == 0:
        problems.append(f"kernel: expected an odd size, received {kernel}.")
    if top_down not in ("upsample", "transposed"):
        problems.append(f"top_down: expected 'upsample' or 'transposed', received {top_down!r}.")
    if len(opts.source_shape(stimulus)) != 3:
        problems.append(f"stimulus: a cnn expects [channels, height, width], received {list(stimulus.shape)}.")
    elif kernel > largest_kernel(opts.source_shape(stimulus)):
        problems.append(
            f"kernel: expected at most {largest_kernel(opts.source_shape(stimulus))}, which covers the whole stimulus "
            f"{list(stimulus.shape)} from every position, received {kernel}."
        )
    if problems:
        raise ConfigurationError(problems)
    code = opts.concept_code(concept)

    ups: list[Synapse] = []
    outputs = [opts.source_shape(stimulus)]
    for width, stride, pool in zip(channels, stride_list, pool_list, strict=True):
        synapse = Conv(outputs[-1], int(width), kernel=kernel, stride=stride)
        size = tuple(n // pool for n in synapse.target[1:])
        if min(size) < 1:
            raise ConfigurationError(
                f"pools and strides: layer {len(ups) + 1} would shrink {list(synapse.target)} to nothing; "
                f"use fewer layers or smaller pools for a stimulus of {list(stimulus.shape)}."
            )
        ups.append(synapse)
        outputs.append((int(width), *size))
    for width in dense:
        ups.append(Dense(outputs[-1], (int(width),)))
        outputs.append((int(width),))

    above = [*[synapse.target for synapse in ups[1:]], (code.size,)]
    pools_all = [*pool_list, *[1] * len(dense)]
    layers = []
    for i, (up, top, pool) in enumerate(zip(ups, above, pools_all, strict=True)):
        down = _twin(top, up.target, kernel, pool, stride_list[i + 1] if i + 1 < count else 1, top_down)
        layers.append(opts.layer(i + 1, up, down, pool=pool))
    spec = {
        "model": model,
        "channels": [int(c) for c in channels],
        "strides": stride_list,
        "pools": pool_list,
        "kernel": kernel,
        "dense": [int(d) for d in dense],
        "top_down": top_down,
    }
    return finish(
        layers,
        readout=Dense(outputs[-1], (code.size,)),
        stimulus_readout=_twin(ups[0].target, stimulus.shape, kernel, 1, stride_list[0], top_down),
        stimulus=stimulus,
        concept=concept,
        code=code,
        options=opts,
        spec=spec,
        kind=kind,
    )


def largest_kernel(shape: tuple[int, ...]) -> int:
    """The side of the largest kernel that makes sense on a map `[C, H, W]`: 2·side − 1."""
    return 2 * max(shape[1:]) - 1


def _twin(
    source: tuple[int, ...], target: tuple[int, ...], kernel: int, pool: int, stride: int, top_down: str
) -> Synapse:
    """The top-down synapse that leads from `source` back to `target`."""
    if len(source) == 1:
        return Dense(source, target, unpool=pool if len(target) == 3 else 1)
    if top_down == "transposed" and pool == 1:
        return TransposedConv(source, target, kernel=kernel, stride=stride)
    return UpsampleConv(source, target, kernel=kernel)


def _each(name: str, value: Sequence[int] | int, count: int) -> list[int]:
    values = [whole(name, value, 1)] * count if isinstance(value, Integral) else wholes(name, value, empty=True)
    if len(values) != count:
        raise ConfigurationError(
            f"{name}: expected one number of at least 1 for each of {count} layers, received {shown(value)}."
        )
    return values


register(
    Model(
        "cnn",
        "five convolutions 128-128-256-256-512 with max pooling, as in the paper",
        cnn,
        "channels",
        Classifier,
        {"channels": [128, 128, 256, 256, 512], "pools": [2, 2, 2, 2, 1]},
    )
)
register(
    Model(
        "cnn-small",
        "three convolutions 32-64-64, strides 2-2-1, and a dense layer 256",
        cnn,
        "channels",
        Classifier,
        {"channels": [32, 64, 64], "strides": [2, 2, 1], "dense": [256]},
    )
)
