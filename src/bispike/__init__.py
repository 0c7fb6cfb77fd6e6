"""bispike: bidirectional spike-based distillation. A network description × a learning rule.

    data = bispike.data.load("digits")
    network = bispike.models.mlp(data.stimulus, [256, 128], data.concept)
    run = bispike.fit(network, "bsd", data, epochs=30)

Rooms and names are imported when they are first used, so that `import bispike` and `bispike --help` do not wait for
torch. The public names stand three times: in `__all__`, for type checkers, and in the table of `__getattr__`; a test
holds the three equal.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import errors
from ._version import __version__
from .spaces import Concept, Quantities, Stimulus

if TYPE_CHECKING:
    from . import (
        analysis,
        bench,
        config,
        data,
        experiments,
        figures,
        functional,
        memory,
        models,
        nn,
        online,
        report,
        rules,
        runs,
        settings,
        studies,
        tasks,
        training,
    )
    from .config import presets
    from .config.train_config import TrainConfig
    from .runs.run import Run, load_run
    from .training.fit import fit, run_config
else:
    _ROOMS = (
        "analysis",
        "bench",
        "config",
        "data",
        "experiments",
        "figures",
        "functional",
        "memory",
        "models",
        "nn",
        "online",
        "report",
        "rules",
        "runs",
        "settings",
        "studies",
        "tasks",
        "training",
    )
    _MODULES = {"presets": "config.presets"}
    _OBJECTS = {
        "Run": "runs.run",
        "TrainConfig": "config.train_config",
        "fit": "training.fit",
        "load_run": "runs.run",
        "run_config": "training.fit",
    }

    def __getattr__(name: str) -> object:
        """Import a public name when it is first used."""
        import importlib

        if name in _OBJECTS:
            return getattr(importlib.import_module(f".{_OBJECTS[name]}", __name__), name)
        if name in _ROOMS or name in _MODULES:
            return importlib.import_module(f".{_MODULES.get(name, name)}", __name__)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)


__all__ = [
    "Concept",
    "Quantities",
    "Run",
    "Stimulus",
    "TrainConfig",
    "__version__",
    "analysis",
    "bench",
    "config",
    "data",
    "errors",
    "experiments",
    "figures",
    "fit",
    "functional",
    "load_run",
    "memory",
    "models",
    "nn",
    "online",
    "presets",
    "report",
    "rules",
    "run_config",
    "runs",
    "settings",
    "studies",
    "tasks",
    "training",
]
