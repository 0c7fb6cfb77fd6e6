"""Few-shot experiment: train on some classes, add others from a few examples, measure old and new classes.

`bispike study few-shot`; results in docs/results/online.md.
"""

from .account import summarise
from .choices import run_choices, table_of
from .experiment import Protocol, run_experiment

__all__ = ["Protocol", "run_choices", "run_experiment", "summarise", "table_of"]
