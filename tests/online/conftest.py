"""A separable toy problem with a class more than the network knows at first, and small networks for it."""

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor

from bispike import models
from bispike.nn import Network
from bispike.online import Learner
from bispike.rules import BSD

CLASSES, KNOWN, WIDTH = 5, 4, 12
NAMES = ("ant", "bee", "cat", "dog")


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def clouds(count: int, *, seed: int, classes: int = CLASSES) -> tuple[Tensor, Tensor]:
    """Gaussian clouds around distinct corners; stimuli `[N, WIDTH]` and labels `[N]`."""
    centres = torch.randn(CLASSES, WIDTH, generator=torch.Generator().manual_seed(7))
    labels = torch.arange(count) % classes
    noise = torch.randn(count, WIDTH, generator=torch.Generator().manual_seed(seed))
    return centres[labels] + 0.4 * noise, labels


def small(**options: object) -> Network:
    return models.mlp(WIDTH, [28, 20], NAMES, **{"time_steps": 4, **options})


def trained(**options: object) -> Network:
    """A network that BSD taught the known classes, in batches."""
    net = small(**options)
    rule, (stimuli, labels) = BSD(net), clouds(320, seed=3, classes=KNOWN)
    optimizer = torch.optim.Adam(rule.parameters(), lr=5e-3)
    for rows in torch.arange(320).repeat(6).split(40):
        rule.compute_gradients(stimuli[rows], labels[rows])
        optimizer.step()
    return net


def consolidated(network: Network) -> Learner:
    """A learner that has seen 200 samples of the known classes with its layers frozen."""
    learner = Learner(network)
    stimuli, labels = clouds(200, seed=1, classes=KNOWN)
    learner.consolidate(zip(stimuli.split(16), labels.split(16), strict=True))
    return learner


def teach_new(learner: Learner, *, shots: int = 10) -> int:
    """Add the class `emu` and teach it; returns its label."""
    label = learner.add_class("emu")
    stimuli, labels = clouds(CLASSES * shots, seed=2)
    learner.run((x, label) for x in stimuli[labels == CLASSES - 1])
    return label
