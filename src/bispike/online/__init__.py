"""Online learning: decide on a stream of stimuli, learn when a label arrives, add classes from a few examples."""

from .decision import Decision, StreamAccuracy
from .learner import Learner

__all__ = ["Decision", "Learner", "StreamAccuracy"]
