"""An interrupted run that tests of several files damage, and its resumption."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from bispike.data import Dataset
from bispike.nn import Network
from bispike.spaces import Concept, Stimulus
from bispike.training import fit

from .conftest import FAST, Dying, Remembering, Stop, tiny_network, tiny_split

SETTINGS = {**FAST, "checkpoint_steps": 3, "keep": "best"}


def interrupted(dataset: Dataset, out: Path, **options: Any) -> None:
    """A run that ended in its second epoch, with checkpoints after 6 and after 9 steps."""
    with pytest.raises(Stop):
        fit(tiny_network(dataset, **options), "bsd", dataset, out=out, **{**SETTINGS, "progress": Dying(11)})


def resumed(dataset: Dataset, out: Path, **options: Any) -> tuple[Network, Remembering]:
    """The network of the resumed run, and what was told on the way."""
    reporter = Remembering()
    run = fit(
        tiny_network(dataset, **options),
        "bsd",
        dataset,
        out=out,
        resume=True,
        **{**SETTINGS, "progress": reporter},
    )
    return run.network, reporter


def small_data() -> Dataset:
    """The data of the run, as the fixture `dataset` makes them."""
    stimulus = Stimulus((1, 4, 4), (0.5,), (0.3,))
    return Dataset("tiny", stimulus, Concept(("a", "b", "c")), tiny_split(120, 0), tiny_split(40, 1))


def copied(source: Path, target: Path) -> Path:
    """A copy of a run in `target/run`."""
    shutil.copytree(source, target / "run")
    return target / "run"
