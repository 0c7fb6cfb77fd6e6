"""Builders: plain functions from a few numbers to a network, and their registry."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import ConfigurationError, UnknownNameError, unknown_name
from ..nn import Network
from ..spaces import Concept, Quantities, Stimulus
from .assembly import Options
from .autoencoder import GRADED, autoencoder, conv_autoencoder
from .cnn import cnn
from .growth import add_concept
from .mlp import mlp
from .resnet import resnet
from .rnn import TUNED, rnn


@dataclass(frozen=True)
class ModelEntry:
    """A model that the command line knows by name.

    Attributes:
        name, summary: for lists.
        builder: the function.
        sizes: name of the builder's second argument.
        defaults: settings that this name stands for.
    """

    name: str
    summary: str
    builder: Callable[..., Network]
    sizes: str
    defaults: dict[str, Any]


_ENTRIES = (
    ModelEntry("mlp", "dense layers 1024-512-256", mlp, "widths", {"widths": [1024, 512, 256]}),
    ModelEntry("mlp-small", "dense layers 256-128", mlp, "widths", {"widths": [256, 128]}),
    ModelEntry(
        "cnn",
        "five convolutions 128-128-256-256-512 with max pooling, as in the paper",
        cnn,
        "channels",
        {"channels": [128, 128, 256, 256, 512], "pools": [2, 2, 2, 2, 1]},
    ),
    ModelEntry(
        "cnn-small",
        "three convolutions 32-64-64, strides 2-2-1, and a dense layer 256",
        cnn,
        "channels",
        {"channels": [32, 64, 64], "strides": [2, 2, 1], "dense": [256]},
    ),
    ModelEntry(
        "resnet",
        "residual, as ResNet-18: a stem and 8 blocks of two, widths 64-128-256-512",
        resnet,
        "widths",
        {"widths": [64, 128, 256, 512]},
    ),
    ModelEntry(
        "resnet-small",
        "residual, widths 16-32-64; depth=6, 10, 18, ... weight layers",
        resnet,
        "widths",
        {"widths": [16, 32, 64], "depth": 10, "stem_stride": 2},
    ),
    ModelEntry(
        "autoencoder",
        "dense layer 512 to a latent code of 128 and down again, T = 8",
        autoencoder,
        "widths",
        {"widths": [512], **GRADED},
    ),
    ModelEntry(
        "conv-autoencoder",
        "convolutions 32-64, strides 2, to a latent code of 128 and down again, T = 8",
        conv_autoencoder,
        "channels",
        {"channels": [32, 64], **GRADED},
    ),
    ModelEntry("rnn", "recurrent layer of 324 for sequences", rnn, "widths", {"widths": [324], **TUNED}),
)
registry: dict[str, ModelEntry] = {entry.name: entry for entry in _ENTRIES}


def create(
    name: str,
    stimulus: Stimulus | Sequence[int] | int,
    concept: Concept | Sequence[str] | int,
    **settings: Any,
) -> Network:
    """Network by the registry's name; settings override what the name stands for.

    Raises:
        UnknownNameError: no such model.
        ConfigurationError: unknown or wrong settings, listed together.
    """
    if name not in registry:
        raise UnknownNameError("model", name, registry)
    entry = registry[name]
    known = settings_of(name)
    problems = [unknown_name(f"setting of model {name!r}:", key, known) for key in settings if key not in known]
    if problems:
        raise ConfigurationError(problems)
    values = {**entry.defaults, **settings}
    return entry.builder(stimulus, values.pop(entry.sizes), concept, **values)


def settings_of(name: str) -> dict[str, Any]:
    """All settings of a registered model with their defaults."""
    if name not in registry:
        raise UnknownNameError("model", name, registry)
    entry = registry[name]
    own = {
        key: parameter.default
        for key, parameter in inspect.signature(entry.builder).parameters.items()
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY
    }
    shared = Options().plain()
    return {**shared, **own, **entry.defaults}


def _quantities(names: tuple[str, ...], values: dict[str, Any]) -> Quantities:
    """Quantities from a spec, whose values about them are taken out."""
    parts = ("mean", "std", "present", "scale")
    return Quantities(names, **{part: tuple(values.pop(f"quantity_{part}")) for part in parts})


def build(spec: dict[str, Any]) -> Network:
    """Rebuild the network that `Network.spec` describes (weights aside)."""
    values = dict(spec)
    kind = values.pop("model")
    stimulus = Stimulus(
        tuple(values.pop("stimulus_shape")),
        tuple(values.pop("stimulus_mean")),
        tuple(values.pop("stimulus_std")),
    )
    names = tuple(values.pop("concept_names"))
    if kind == "rnn":
        target = Concept(names) if "quantity_mean" not in values else _quantities(names, values)
        return rnn(stimulus, values.pop("widths"), target, **values)
    concept = Concept(names)
    if kind == "mlp":
        return mlp(stimulus, values.pop("widths"), concept, **values)
    if kind == "cnn":
        return cnn(stimulus, values.pop("channels"), concept, **values)
    if kind == "resnet":
        return resnet(stimulus, values.pop("widths"), concept, **values)
    if kind == "autoencoder":
        return autoencoder(stimulus, values.pop("widths"), concept, **values)
    if kind == "conv-autoencoder":
        return conv_autoencoder(stimulus, values.pop("channels"), concept, **values)
    raise UnknownNameError("model", kind, ("mlp", "cnn", "resnet", "autoencoder", "conv-autoencoder", "rnn"))


__all__ = [
    "ModelEntry",
    "Options",
    "add_concept",
    "autoencoder",
    "build",
    "cnn",
    "conv_autoencoder",
    "create",
    "mlp",
    "registry",
    "resnet",
    "rnn",
    "settings_of",
]
