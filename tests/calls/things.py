"""What bad calls are made of: tiny networks and data, and the description of a call."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import torch

from bispike import data, models, rules


@dataclass(frozen=True)
class Call:
    """A public function with good arguments.

    Args:
        name: of the function.
        function: what is called.
        good: its arguments.
        kinds: by argument a key of `values.WRONG`; with "?" behind it None is right too.
    """

    name: str
    function: Callable[..., Any]
    good: dict[str, Any]
    kinds: dict[str, str] = field(default_factory=dict)


@cache
def dataset() -> data.Dataset:
    images = torch.rand(60, 4, 4, generator=torch.Generator().manual_seed(0))
    return data.from_arrays(images, torch.arange(60) % 3)


@cache
def network() -> Any:
    return models.mlp(dataset().stimulus, [6, 5], dataset().concept)


@cache
def autoencoder() -> Any:
    return models.autoencoder(dataset().stimulus, [6], dataset().concept, latent=4)


@cache
def sequences() -> Any:
    return models.rnn(5, [6], 5)


def stimuli() -> torch.Tensor:
    return dataset().train[:3][0]


def labels() -> torch.Tensor:
    return dataset().train[:3][1]


@cache
def rule() -> Any:
    return rules.create("bsd", network())


def rates(rows: int = 8, columns: int = 4) -> torch.Tensor:
    return torch.rand(rows, columns, generator=torch.Generator().manual_seed(1))
