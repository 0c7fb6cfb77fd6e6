"""The two pathways as a memory: pairs, completion of damaged cues, sequences; and what it holds, measured."""

from .associative import AssociativeMemory, Settled
from .baselines import KoskoBAM, ModernHopfield
from .completion import complete
from .curves import (
    Completion,
    CurvePoint,
    capacity,
    capacity_curve,
    replay_accuracy,
    robustness_curve,
    stored_completion,
)
from .sequence_memory import SequenceMemory

__all__ = [
    "AssociativeMemory",
    "Completion",
    "CurvePoint",
    "KoskoBAM",
    "ModernHopfield",
    "SequenceMemory",
    "Settled",
    "capacity",
    "capacity_curve",
    "complete",
    "replay_accuracy",
    "robustness_curve",
    "stored_completion",
]
