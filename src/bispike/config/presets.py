"""Presets: complete settings under a name, with the accuracy that they are expected to reach."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ..arguments import checked
from ..errors import UnknownNameError
from .train_config import TrainConfig, from_dict


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


def _graded(threshold: float) -> dict[str, Any]:
    """Neurons whose rate grows evenly with the drive, up to the threshold; with a higher one spikes are rare."""
    return {"reset": "soft", "decay": 1.0, "threshold": threshold}


CLASSIFYING: dict[str, Any] = {
    "loss": "cross-entropy",
    "temperature": 0.3,
    "template": "drive",
    "slope": "unrolled",
}
"""Alignment in which templates are classifiers of the rates (what it gains: docs/findings/loss-and-contrast.md)."""
DENSE: dict[str, Any] = {"model": "mlp", "rule_options": CLASSIFYING, "epochs": 10, "batch_size": 128, "lr": 1e-3}
CONVOLUTIONS: dict[str, Any] = {
    "model": "cnn-small",
    "model_options": _graded(3.0),
    "rule_options": {**CLASSIFYING, "centre": "batch", "pool": 4},
    "batch_size": 128,
    "lr": 1e-2,
}
AUTOENCODING: dict[str, Any] = {
    "model": "autoencoder",
    "epochs": 5,
    "batch_size": 128,
    "lr": 4e-3,
    "top_down_lr": 1.6e-2,
}
"""Autoencoders: the top-down pathway learns faster than the bottom-up one, whose code it has to follow."""
RECURRENT: dict[str, Any] = {
    "model": "rnn",
    "model_options": {"excitability": -0.2},
    "rule_options": {
        **CLASSIFYING,
        "centre": "none",
        "contrast": "classes",
        "prior": "running",
        "centre_samples": 100_000,
    },
    "batch_size": 64,
}
"""Recurrent networks; negatives as often as they occur, since the frequencies of symbols differ widely."""
SERIES = (
    ("metr-la-week", 12, 3, 10, 3e-3),
    ("exchange-rate", 12, 3, 5, 1e-3),
    ("pjm-load", 24, 6, 3, 1e-2),
    ("mackey-glass", 32, 1, 60, 1e-2),
)
"""Data set, window, horizon, epochs and learning rate of presets on series."""
PUBLISHED: dict[str, Any] = {
    "rule_options": {
        "feature": "drive",
        "contrast": "batch",
        "strength": 0.6,
        "reduction": "mean",
        "centre": "none",
    },
    "batch_size": 128,
    "optimizer": "adamw",
    "clip_norm": 1.0,
}
"""What is known of the paper's training, with means for what it does not say (arXiv 2509.20284; λ 0.6, T 4, θ 0.6)."""
CELLS = (
    ("mnist", "mnist", "MNIST", "crop"),
    ("fashion", "fashion-mnist", "Fashion-MNIST", "crop-flip"),
    ("svhn", "svhn", "SVHN", "crop"),
    ("cifar10", "cifar10", "CIFAR-10", "crop-flip"),
    ("cifar100", "cifar100", "CIFAR-100", "crop-flip"),
    ("tiny-imagenet", "tiny-imagenet", "Tiny-ImageNet", "crop-flip"),
)
"""Data sets of the paper: prefix of the preset, name, title, augmentation of the best preset."""


def _cell(short: str, dataset: str, title: str, augment: str) -> Iterator[Preset]:
    """The paper's dense and convolutional nets on one data set, and the latter with our settings.

    The widths of the dense net are not published; Tiny-ImageNet has none.
    """
    if short != "tiny-imagenet":
        width = 256 if short in ("mnist", "fashion") else 1024
        dense = {"model": "mlp", "model_options": {"widths": [width] * 5}, "epochs": 30}
        yield Preset(
            f"{short}-mlp-paper",
            f"{title}, six dense layers as in the paper",
            {**PUBLISHED, "dataset": dataset, **dense},
        )
    yield Preset(
        f"{short}-cnn-paper",
        f"{title}, the paper's five convolutions",
        {**PUBLISHED, "dataset": dataset, "model": "cnn", "epochs": 100},
    )
    yield Preset(
        f"{short}-cnn-best",
        f"{title}, the paper's network with bispike's settings; needs a GPU",
        {**CONVOLUTIONS, "dataset": dataset, "model": "cnn", "epochs": 60, "lr": 5e-3, "augment": augment},
    )


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
        {**DENSE, "dataset": "mnist", "model_options": _graded(2.0)},
        expected=(0.982, 0.987),
    ),
    Preset(
        "fashion-mlp",
        "Fashion-MNIST, 784-1024-512-256-10, 10 epochs",
        {**DENSE, "dataset": "fashion-mnist", "model_options": _graded(2.0)},
        expected=(0.895, 0.907),
    ),
    Preset(
        "fashion-mlp-sparse",
        "the same with at most a tenth of the neurons firing in a time step",
        {**DENSE, "dataset": "fashion-mnist", "model_options": _graded(4.0)},
        expected=(0.895, 0.905),
    ),
    Preset(
        "fashion-cnn",
        "Fashion-MNIST, convolutions 32-64-64 and 256, 8 epochs",
        {**CONVOLUTIONS, "dataset": "fashion-mnist", "epochs": 8},
        expected=(0.914, 0.925),
    ),
    Preset(
        "cifar10-cnn",
        "CIFAR-10, convolutions 32-64-64 and 256, 10 epochs",
        {**CONVOLUTIONS, "dataset": "cifar10", "epochs": 10},
        expected=(0.742, 0.763),
    ),
    Preset(
        "mnist-autoencoder",
        "MNIST to a spiking latent code of 128 and back, T = 8, 5 epochs",
        {**AUTOENCODING, "dataset": "mnist"},
    ),
    Preset(
        "fashion-autoencoder",
        "the same on Fashion-MNIST",
        {**AUTOENCODING, "dataset": "fashion-mnist"},
    ),
    Preset(
        "mnist-conv-autoencoder",
        "MNIST through convolutions 32-64 to a latent code of 128 and back",
        {**AUTOENCODING, "dataset": "mnist", "model": "conv-autoencoder"},
    ),
    Preset(
        "mnist-completion",
        "the autoencoder with cues: up to three quarters of each stimulus are hidden",
        {**AUTOENCODING, "dataset": "mnist", "rule_options": {"occlusion": 0.75}},
    ),
    Preset(
        "shakespeare-rnn",
        "next characters of tinyshakespeare, 324 recurrent units, windows of 32, 5 epochs",
        {**RECURRENT, "dataset": "tinyshakespeare", "epochs": 5, "lr": 2e-2, "top_down_lr": 4e-2},
        expected=(0.455, 0.475),
    ),
    Preset(
        "python-docs-rnn",
        "next characters of the installed Python's documentation, 324 recurrent units, 5 epochs",
        {**RECURRENT, "dataset": "python-docs", "epochs": 5, "lr": 2e-2, "top_down_lr": 4e-2},
    ),
    *(
        Preset(f"{dataset}-rnn", f"{dataset}, {horizon} ahead from windows of {window}", values)
        for dataset, window, horizon, epochs, lr in SERIES
        for values in [
            {
                **RECURRENT,
                "dataset": dataset,
                "data_options": {"window": window, "horizon": horizon},
                "epochs": epochs,
                "lr": lr,
                "validation": 0.1,
                "keep": "best",
            }
        ]
    ),
    *(preset for cell in CELLS for preset in _cell(*cell)),
)
registry: dict[str, Preset] = {preset.name: preset for preset in _PRESETS}


@checked
def find(name: str) -> Preset:
    """The preset with this name.

    Raises:
        UnknownNameError: with the nearest name.
    """
    if name not in registry:
        raise UnknownNameError("preset", name, registry)
    return registry[name]


@checked
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
