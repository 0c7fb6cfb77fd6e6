"""What sequences are used for: how predictions are judged, what they are compared with, and text that goes on."""

from .baselines import baselines
from .foretelling import Foretold, foretell
from .sequences import Judged, evaluate_sequences
from .writing import write_on

__all__ = ["Foretold", "Judged", "baselines", "evaluate_sequences", "foretell", "write_on"]
