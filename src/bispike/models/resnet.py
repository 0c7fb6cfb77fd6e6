"""Residual network: a stem and blocks of two 3x3 convolutions, each block with a shortcut around it.

    layer i - 1:  W s_{i-2}            the first layer of a block; it has the stride of the block
    layer i:      W s_{i-1} + V s_{i-2}

Every convolution is a layer, so the depth in weight layers is 2 + 2 · blocks: stem, blocks, readout. After He et al.
2016 (ResNet-18 in its form for small images), but with spikes between all layers (see `nn.residual`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..arguments import checked, wholes
from ..arguments import problems as found
from ..errors import ConfigurationError
from ..nn import Classifier, Conv, Dense, IdentityShortcut, Residual, Synapse, UpsampleConv
from ..nn.weight_limit import limited
from ..spaces import Concept, Stimulus
from .assembly import MOST_LAYERS, Options, finish
from .registry import Model, register

Shape = tuple[int, ...]


@checked
@limited
def resnet(
    stimulus: Stimulus | Sequence[int],
    widths: Sequence[int],
    concept: Concept | Sequence[str] | int,
    *,
    depth: int = 18,
    blocks: Sequence[int] = (),
    stem_stride: int = 1,
    shortcut_gain: float = 2.0,
    **options: Any,
) -> Classifier:
    """Residual two-pathway network.

    Args:
        stimulus: image space, `[channels, height, width]`.
        widths: channels of each group of blocks, bottom to top; the stem has those of the first group. Each group
            except the first begins with a stride of 2.
        concept: the classes.
        depth: number of weight layers, even; blocks are divided equally among the groups, the rest to the highest.
        blocks: number of blocks of each group, in place of `depth`; 0 omits a group.
        stem_stride: stride of the stem.
        shortcut_gain: gain of shortcuts without weights, dimensionless; gain of the initial weights of other shortcuts,
            relative to those of the convolutions. At 2 the initial output of a block is nearly its input (the rates
            have a correlation of 0.97); at 1 the correlation is 0.8, and 18 layers learn much more slowly.
        **options: fields of `Options`.

    Returns:
        Classifier.

    Raises:
        ConfigurationError: all wrong settings, listed together.
    """
    opts = Options.of(options)
    stimulus, concept = Stimulus.of(stimulus), Concept.of(concept)
    _check(opts.source_shape(stimulus), widths, depth, blocks, stem_stride, shortcut_gain)
    counts = [int(n) for n in blocks] or _shared_out((depth - 2) // 2, len(widths))
    code = opts.concept_code(concept)

    mains = [Conv(opts.source_shape(stimulus), int(widths[0]), stride=stem_stride)]
    closing = set()  # last layers of the blocks, which receive the shortcut
    for group, (width, count) in enumerate(zip(widths, counts, strict=True)):
        for block in range(count):
            mains.append(Conv(mains[-1].target, int(width), stride=2 if group and not block else 1))
            mains.append(Conv(mains[-1].target, int(width)))
            closing.add(len(mains) - 1)

    layers = []
    shapes = [main.target for main in mains]
    for i, main in enumerate(mains):
        up: Synapse = main
        if i in closing:
            up = _closed(main, shapes[i - 2], shortcut_gain)
        down: Synapse = Dense((code.size,), shapes[i])
        if i + 1 < len(mains):
            down = UpsampleConv(shapes[i + 1], shapes[i])
        if i + 2 in closing:
            shortcut = _downward(shapes[i + 2], shapes[i], shortcut_gain)
            down = Residual(down, shortcut, shapes[i + 2][0], gain=shortcut_gain)
        layers.append(opts.layer(i + 1, up, down))
    return finish(
        layers,
        readout=Dense(shapes[-1], (code.size,)),
        stimulus_readout=UpsampleConv(shapes[0], stimulus.shape),
        stimulus=stimulus,
        concept=concept,
        code=code,
        options=opts,
        spec={
            "model": "resnet",
            "widths": [int(width) for width in widths],
            "blocks": counts,
            "stem_stride": stem_stride,
            "shortcut_gain": shortcut_gain,
        },
        kind=Classifier,
    )


def _closed(main: Synapse, far: Shape, gain: float) -> Residual:
    """The last bottom-up synapse of a block; the spikes of its shortcut are pooled to the resolution of the block."""
    pool = -(-far[1] // main.source[1])
    pooled = (far[0], *main.source[1:])
    shortcut = IdentityShortcut(gain) if pooled == main.target else Conv(pooled, main.target[0], kernel=1, bias=False)
    return Residual(main, shortcut, far[0], pool=pool, gain=gain)


def _downward(far: Shape, target: Shape, gain: float) -> Synapse | IdentityShortcut:
    """The top-down shortcut around a block; it upsamples by the nearest neighbour, as its `main` does."""
    return IdentityShortcut(gain) if far == target else UpsampleConv(far, target, kernel=1, bias=False)


def _shared_out(blocks: int, groups: int) -> list[int]:
    each, left = divmod(blocks, groups)
    return [each + (group >= groups - left) for group in range(groups)]


def _check(
    source: Shape, widths: Sequence[int], depth: int, blocks: Sequence[int], stem_stride: int, gain: float
) -> None:
    problems = found(
        lambda: wholes("widths", widths, most=MOST_LAYERS),
        lambda: wholes("blocks", blocks, 0, empty=True, most=MOST_LAYERS),
    )
    if len(source) != 3:
        problems.append(f"stimulus: a resnet expects [channels, height, width], received {list(source)}.")
    if blocks and len(blocks) != len(widths):
        problems.append(f"blocks: expected a number for each of {len(widths)} widths, received {list(blocks)}.")
    if not problems and (2 * sum(blocks) if blocks else depth - 2) > MOST_LAYERS:
        problems.append(f"depth: expected at most {MOST_LAYERS + 2} weight layers, received {list(blocks) or depth}.")
    if not blocks and (depth < 2 or depth % 2):
        problems.append(f"depth: expected an even number of weight layers (2 + 2 · blocks), received {depth}.")
    if stem_stride < 1 or not 0 < gain < float("inf"):
        problems.append(
            f"stem_stride and shortcut_gain: expected a stride of at least 1 and a gain above 0, received "
            f"{stem_stride} and {gain}."
        )
    if problems:
        raise ConfigurationError(problems)


register(
    Model(
        "resnet",
        "residual, as ResNet-18: a stem and 8 blocks of two, widths 64-128-256-512",
        resnet,
        "widths",
        Classifier,
        {"widths": [64, 128, 256, 512]},
    )
)
register(
    Model(
        "resnet-small",
        "residual, widths 16-32-64; depth=6, 10, 18, ... weight layers",
        resnet,
        "widths",
        Classifier,
        {"widths": [16, 32, 64], "depth": 10, "stem_stride": 2},
    )
)
