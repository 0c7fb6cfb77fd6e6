"""Online learning: decide on a stream at once, learn when a label comes, add classes from a few examples."""

from .decision import Decision, Prequential
from .learner import Learner

__all__ = ["Decision", "Learner", "Prequential"]
