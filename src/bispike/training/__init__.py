"""Training: the loop, its settings, checkpoints that resume bit for bit, and the runs that it leaves."""

from ..config.resolve import validate
from ..config.train_config import TrainConfig, read_config, write_config
from ..runs.run import Run, load_run
from ..runs.saved_results import read_summary
from .distributed import ProcessLost
from .fit import fit, run_config
from .interrupt import TrainingInterrupted
from .measures import evaluate

__all__ = [
    "ProcessLost",
    "Run",
    "TrainConfig",
    "TrainingInterrupted",
    "evaluate",
    "fit",
    "load_run",
    "read_config",
    "read_summary",
    "run_config",
    "validate",
    "write_config",
]
