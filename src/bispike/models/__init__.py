"""Models: functions that build a network from a few numbers, and their registry."""

from .assembly import Options
from .autoencoder import autoencoder, conv_autoencoder
from .cnn import cnn
from .growth import add_concept
from .mlp import mlp
from .registry import Model, build, create, find, register, registry, settings_of
from .resnet import resnet
from .rnn import rnn

__all__ = [
    "Model",
    "Options",
    "add_concept",
    "autoencoder",
    "build",
    "cnn",
    "conv_autoencoder",
    "create",
    "find",
    "mlp",
    "register",
    "registry",
    "resnet",
    "rnn",
    "settings_of",
]
