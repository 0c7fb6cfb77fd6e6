"""Sections of the report on one run, in the order in which they are read."""

from . import sequences
from .analysis import analysis
from .behaviour import does, sees
from .comparison import comparison
from .criteria import criteria
from .health import health
from .learning import learning
from .recall import recalls
from .result import result
from .settings import settings

__all__ = [
    "analysis",
    "comparison",
    "criteria",
    "does",
    "health",
    "learning",
    "recalls",
    "result",
    "sees",
    "sequences",
    "settings",
]
