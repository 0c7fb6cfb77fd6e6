"""bispike: bidirectional spike-based distillation. A network description × a learning rule."""

from . import errors, functional, models, nn, rules
from ._version import __version__
from .spaces import Concept, Stimulus

__all__ = ["Concept", "Stimulus", "__version__", "errors", "functional", "models", "nn", "rules"]
