"""Presets: complete settings under a name, with the accuracy that they are expected to reach."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..errors import UnknownNameError
from .config import TrainConfig, from_dict


@dataclass(frozen=True)
class Preset:
    """Settings under a name.

    Args:
        name, summary: for lists.
        values: fields of `TrainConfig`; the others keep their defaults.
        expected: lowest and highest test accuracy (0 to 1) to expect; None if not measured yet.
    """

    name: str
    summary: str
    values: dict[str, Any]
    expected: tuple[float, float] | None = None


_PRESETS = (
    Preset(
        "digits-mlp",
        "digits, 256-128, 30 epochs: the demo, some seconds",
        {
            "dataset": "digits",
            "model": "mlp-small",
            "epochs": 30,
            "batch_size": 32,
            "lr": 2e-3,
            "threads": 1,
            "checkpoint_seconds": 10.0,
        },
        expected=(0.96, 1.0),
    ),
    Preset(
        "mnist-mlp",
        "MNIST, 784-1024-512-256-10, 10 epochs",
        {"dataset": "mnist", "model": "mlp", "epochs": 10, "batch_size": 128, "lr": 1e-3},
        expected=(0.982, 0.987),
    ),
    Preset(
        "fashion-mlp",
        "Fashion-MNIST, 784-1024-512-256-10, 10 epochs",
        {"dataset": "fashion-mnist", "model": "mlp", "epochs": 10, "batch_size": 128, "lr": 1e-3},
        expected=(0.893, 0.903),
    ),
    Preset(
        "fashion-cnn",
        "Fashion-MNIST, convolutions 32-64-64 and 256, 8 epochs",
        {
            "dataset": "fashion-mnist",
            "model": "cnn-small",
            "rule_options": {"slope": "unrolled", "centre": "batch"},
            "epochs": 8,
            "batch_size": 128,
            "lr": 1e-2,
        },
        expected=(0.911, 0.922),
    ),
)
registry: dict[str, Preset] = {preset.name: preset for preset in _PRESETS}


def find(name: str) -> Preset:
    """The preset with this name.

    Raises:
        UnknownNameError: with the nearest name.
    """
    if name not in registry:
        raise UnknownNameError("preset", name, registry)
    return registry[name]


def config(name: str) -> TrainConfig:
    """A preset's settings."""
    return from_dict(find(name).values)


def describe(name: str) -> dict[str, Any]:
    """A preset as plain values: name, summary, values, expected."""
    preset = find(name)
    return {
        "name": preset.name,
        "summary": preset.summary,
        "values": dict(preset.values),
        "expected": None if preset.expected is None else list(preset.expected),
    }
