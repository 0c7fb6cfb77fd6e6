"""Few-shot experiment: train on some classes, add others from a few examples, count what was won and what was lost.

`python -m bispike.experiments.few_shot --help`; results in docs/results/online.md.
"""

from .account import summarise
from .experiment import Protocol, run_experiment

__all__ = ["Protocol", "run_experiment", "summarise"]
