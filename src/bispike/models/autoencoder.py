"""Autoencoders: a stimulus goes up to a spiking latent code and comes down again from there.

The bottom-up pathway compresses, the top-down pathway with weights of its own expands. Above the latent code stand the
concepts as in every network: the readout tells what a code shows, and the highest top-down synapse recalls the code
that is typical of a concept.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..errors import ConfigurationError
from ..nn import Network
from ..spaces import Concept, Stimulus
from .cnn import cnn
from .mlp import mlp

GRADED: dict[str, Any] = {"time_steps": 8, "threshold": 4.0, "decay": 1.0, "reset": "soft", "excitability": 0.5}
"""Neurons for codes that keep quantities: rates that grow evenly with the drive over two of its deviations to both
sides of its mean, in T = 8 steps (arXiv 2509.20284)."""


def autoencoder(
    stimulus: Stimulus | Sequence[int] | int,
    widths: Sequence[int],
    concept: Concept | Sequence[str] | int,
    *,
    latent: int = 128,
    **options: Any,
) -> Network:
    """Dense autoencoder.

    Args:
        stimulus: what goes up and comes down again.
        widths: neurons of each layer below the latent code, bottom to top; at least one layer.
        concept: what the latent codes are told apart by.
        latent: neurons of the latent code.
        **options: fields of `Options`, over those of `GRADED`.

    Returns:
        Network with `latent` true.
    """
    _check(widths, latent, "widths")
    network = mlp(stimulus, [*widths, latent], concept, **{**GRADED, **options})
    return _marked(network, {"model": "autoencoder", "widths": [int(width) for width in widths], "latent": int(latent)})


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
) -> Network:
    """Convolutional autoencoder: strided convolutions, then a dense latent code.

    Args:
        stimulus: image space.
        channels: of each convolution, bottom to top.
        concept: what the latent codes are told apart by.
        latent: neurons of the latent code.
        strides, kernel, top_down: as for `cnn`.
        **options: fields of `Options`, over those of `GRADED`.

    Returns:
        Network with `latent` true.
    """
    _check(channels, latent, "channels")
    values = {**GRADED, "kernel": kernel, "top_down": top_down, **options}
    network = cnn(stimulus, channels, concept, strides=strides, dense=[latent], **values)
    network.spec = {key: value for key, value in network.spec.items() if key not in ("dense", "pools")}
    return _marked(network, {"model": "conv-autoencoder", "latent": int(latent)})


def _check(sizes: Sequence[int], latent: int, name: str) -> None:
    if not sizes or latent < 1:
        raise ConfigurationError(
            f"{name} and latent: expected one or more layers and a latent code of at least 1 neuron, received "
            f"{list(sizes)} and {latent}."
        )


def _marked(network: Network, spec: dict[str, Any]) -> Network:
    network.latent = True
    network.spec = {**network.spec, **spec}
    return network
