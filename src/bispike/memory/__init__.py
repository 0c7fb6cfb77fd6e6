"""The two pathways as an associative memory: pairs, completion of damaged cues, sequences, and its capacity."""

from .associative import AssociativeMemory
from .baselines import KoskoBAM, ModernHopfield
from .completion import complete
from .completion_quality import CompletionQuality, stored_completion
from .curves import CurvePoint, capacity, capacity_curve, replay_accuracy, robustness_curve
from .result import CompletionResult
from .sequence_memory import SequenceMemory

__all__ = [
    "AssociativeMemory",
    "CompletionQuality",
    "CompletionResult",
    "CurvePoint",
    "KoskoBAM",
    "ModernHopfield",
    "SequenceMemory",
    "capacity",
    "capacity_curve",
    "complete",
    "replay_accuracy",
    "robustness_curve",
    "stored_completion",
]
