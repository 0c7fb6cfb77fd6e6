"""Tiny data, networks and settings: a training of these takes some tenths of a second."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from bispike import models
from bispike.data import Dataset, Split
from bispike.nn import Network
from bispike.spaces import Concept, Stimulus
from bispike.training import TrainConfig
from bispike.training.progress import Progress

CLASSES = 3


def tiny_split(samples: int, seed: int, shape: tuple[int, ...] = (1, 4, 4)) -> Split:
    """Noisy prototypes, one per class; uint8."""
    prototypes = torch.rand(CLASSES, *shape, generator=torch.Generator().manual_seed(7))
    draws = torch.Generator().manual_seed(seed)
    labels = torch.randint(0, CLASSES, (samples,), generator=draws)
    noise = 0.2 * torch.randn(samples, *shape, generator=draws)
    return Split(((prototypes[labels] + noise).clamp(0, 1) * 255).to(torch.uint8), labels)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def dataset() -> Dataset:
    stimulus = Stimulus((1, 4, 4), (0.5,), (0.3,))
    return Dataset("tiny", stimulus, Concept(("a", "b", "c")), tiny_split(120, 0), tiny_split(40, 1))


@pytest.fixture
def network(dataset: Dataset) -> Network:
    return tiny_network(dataset)


def tiny_network(dataset: Dataset, **options: object) -> Network:
    """Two small layers, without norm unless asked for."""
    return models.mlp(dataset.stimulus, [12, 8], dataset.concept, **{"time_steps": 3, "norm": False, **options})


def digits_config(**settings: object) -> TrainConfig:
    """A training on digits of some tenths of a second."""
    values: dict[str, object] = {
        "dataset": "digits",
        "model": "mlp",
        "model_options": {"widths": [16, 12], "time_steps": 2},
        "epochs": 2,
        "batch_size": 64,
        "validation": 0.1,
        "limit": 320,
        "threads": 1,
    }
    return TrainConfig(**{**values, **settings})  # type: ignore[arg-type]


FAST: dict[str, Any] = {"epochs": 3, "batch_size": 16, "lr": 5e-3, "progress": "none", "validation": 0.2}


class Stop(Exception):
    """Ends a training in the middle of a step's bookkeeping, as a kill would."""


class Dying(Progress):
    """Raises after a number of training steps."""

    def __init__(self, steps: int) -> None:
        self.left = steps

    def step(self, loss: float) -> None:
        self.left -= 1
        if self.left == 0:
            raise Stop


class Remembering(Progress):
    """Keeps the notes, and counts the steps."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.steps = 0

    def note(self, message: str) -> None:
        self.notes.append(message)

    def step(self, loss: float) -> None:
        self.steps += 1


def weights(network: Network) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in network.state_dict().items()}


def assert_equal(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> None:
    assert one.keys() == other.keys()
    assert [name for name in one if not torch.equal(one[name], other[name])] == []


@pytest.fixture(scope="session")
def run_of_bsd(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An interrupted run, which tests copy."""
    from .interrupted import interrupted, small_data

    out = tmp_path_factory.mktemp("runs") / "run"
    interrupted(small_data(), out)
    return out
