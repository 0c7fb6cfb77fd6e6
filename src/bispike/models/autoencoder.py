"""Autoencoders: the bottom-up pathway encodes a stimulus as a spiking latent code, and the top-down pathway decodes it.

The two pathways have separate weights. The concepts are above the latent code, as in every network: the readout
classifies a code, and the highest top-down synapse recalls the typical code of a concept.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..arguments import checked
from ..errors import ConfigurationError
from ..nn import Autoencoder
from ..nn.weight_limit import limited
from ..spaces import Concept, Stimulus
from .cnn import conv_network
from .mlp import dense_network
from .registry import Model, register

GRADED: dict[str, Any] = {"time_steps": 8, "threshold": 4.0, "decay": 1.0, "reset": "soft", "excitability": 0.5}
"""Constants of neurons for codes of quantities: the rate grows linearly with the drive, from two deviations below the
mean of the drive to two above, in T = 8 time steps (arXiv 2509.20284)."""


@checked
@limited
def autoencoder(
    stimulus: Stimulus | Sequence[int] | int,
    widths: Sequence[int],
    concept: Concept | Sequence[str] | int,
    *,
    latent: int = 128,
    **options: Any,
) -> Autoencoder:
    """Dense autoencoder.

    Args:
        stimulus: what is encoded and reconstructed.
        widths: neurons of each layer below the latent code, bottom to top; at least one layer.
        concept: classes of the latent codes.
        latent: neurons of the latent code.
        **options: fields of `Options`; they override `GRADED`.

    Returns:
        Autoencoder.
    """
    _check(widths, latent, "widths")
    spec = {"model": "autoencoder", "widths": [int(width) for width in widths], "latent": int(latent)}
    return dense_network(Autoencoder, stimulus, [*widths, latent], concept, {**GRADED, **options}, spec)


@checked
@limited
def conv_autoencoder(
    stimulus: Stimulus | Sequence[int],
    channels: Sequence[int],
    concept: Concept | Sequence[str] | int,
    *,
    latent: int = 128,
    strides: Sequence[int] | int = 2,
    kernel: int = 3,
    top_down: str = "transposed",
    **options: Any,
) -> Autoencoder:
    """Convolutional autoencoder: strided convolutions, then a dense latent code.

    Args:
        stimulus: image space, `[channels, height, width]`.
        channels: channels of each convolution, bottom to top.
        concept: classes of the latent codes.
        latent: neurons of the latent code.
        strides, kernel, top_down: as for `cnn`.
        **options: fields of `Options`; they override `GRADED`.

    Returns:
        Autoencoder.
    """
    _check(channels, latent, "channels")
    network = conv_network(
        Autoencoder,
        "conv-autoencoder",
        stimulus,
        channels,
        concept,
        {**GRADED, **options},
        strides=strides,
        pools=1,
        kernel=kernel,
        dense=[latent],
        top_down=top_down,
    )
    fixed = ("dense", "pools")
    network.spec = {key: value for key, value in network.spec.items() if key not in fixed} | {"latent": int(latent)}
    return network


def _check(sizes: Sequence[int], latent: int, name: str) -> None:
    if not sizes or latent < 1:
        raise ConfigurationError(
            f"{name} and latent: expected one or more layers and a latent code of at least 1 neuron, received "
            f"{list(sizes)} and {latent}."
        )


register(
    Model(
        "autoencoder",
        "dense layer 512 to a latent code of 128 and down again, T = 8",
        autoencoder,
        "widths",
        Autoencoder,
        {"widths": [512], **GRADED},
    )
)
register(
    Model(
        "conv-autoencoder",
        "convolutions 32-64, strides 2, to a latent code of 128 and down again, T = 8",
        conv_autoencoder,
        "channels",
        Autoencoder,
        {"channels": [32, 64], **GRADED},
    )
)
