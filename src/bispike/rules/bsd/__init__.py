"""Bidirectional spike-based distillation: the rule (`rule.py`), its parts, sequences and autoencoders."""

from .autoencoder import BSDAutoencoder
from .options import BSDAutoencoderOptions, BSDOptions, BSDSequenceOptions
from .rule import BSD
from .sequences import BSDForecasts, BSDSequences

__all__ = [
    "BSD",
    "BSDAutoencoder",
    "BSDAutoencoderOptions",
    "BSDForecasts",
    "BSDOptions",
    "BSDSequenceOptions",
    "BSDSequences",
]
