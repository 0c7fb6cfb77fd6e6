"""bispike: bidirectional spike-based distillation. A network description × a learning rule.

Parts are imported when they are first used, so that `import bispike` and `bispike --help` do not wait for torch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from . import errors
from ._version import __version__
from .spaces import Concept, Stimulus

if TYPE_CHECKING:
    from . import analysis, data, functional, models, nn, online, report, rules, training
    from .config.train_config import TrainConfig
    from .runs.run import Run, load_run
    from .training.fit import fit, run_config

_PARTS = ("analysis", "data", "functional", "models", "nn", "online", "report", "rules", "training")
_FROM_TRAINING = ("Run", "TrainConfig", "fit", "load_run", "run_config")


def __getattr__(name: str) -> Any:
    if name in _PARTS:
        return importlib.import_module(f".{name}", __name__)
    if name in _FROM_TRAINING:
        return getattr(importlib.import_module(".training", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)


__all__ = [
    "Concept",
    "Run",
    "Stimulus",
    "TrainConfig",
    "__version__",
    "analysis",
    "data",
    "errors",
    "fit",
    "functional",
    "load_run",
    "models",
    "nn",
    "online",
    "report",
    "rules",
    "run_config",
    "training",
]
