"""What the snippets of the documentation need: files of a user, values for placeholders, and small trainings."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import bispike
from tests.docs.pages import ROOT

AFTER_OPTION = {
    "--dataset": {"D": "mnist"},
    "--device": {"cuda": "cpu"},
    "--epochs": {"E": "1"},
    "--preset": {"P": "mnist-mlp"},
    "--rule": {"R": "bptt"},
    "--seed": {"S": "0"},
    "check": {"NAME...": "mnist-mlp"},
}
"""Placeholders that stand for the value of an option, and the GPU, which not every machine has."""
SETTINGS = {"lr=R": "lr=1e-3"}
SMALL: dict[str, Any] = {"epochs": 1, "limit": 100, "progress": None}
"""Settings of every training in a Python snippet, whatever the page asks for."""

Namespace = dict[str, Any]


def filled(words: list[str]) -> list[str]:
    """The words of a command with values in place of placeholders."""
    before = ["", *words]
    return [AFTER_OPTION.get(last, SETTINGS).get(word, word) for last, word in zip(before, words, strict=False)]


def write_files(folder: Path) -> None:
    """A user's files as the pages name them, and the study files of the repository."""
    generator = np.random.default_rng(0)
    (folder / "studies").symlink_to(ROOT / "studies")
    (folder / "FILE.toml").symlink_to(ROOT / "studies" / "sparse.toml")
    images = generator.integers(0, 256, (20, 6, 6), dtype=np.uint8)
    np.savez(folder / "mine.npz", x_train=images, y_train=np.arange(20) % 2)
    for name in ("cats", "dogs"):
        (folder / "photos" / name).mkdir(parents=True)
        for number in range(3):
            Image.fromarray(images[number]).save(folder / "photos" / name / f"{number}.png")
    (folder / "photo.png").write_bytes((folder / "photos" / "cats" / "0.png").read_bytes())
    flowers = "\n".join(f"{a:.1f},{b:.1f},{'ab'[i % 2]}" for i, (a, b) in enumerate(generator.normal(4, 1, (160, 2))))
    for name in ("flowers.csv", "other.csv", "new.csv"):
        (folder / name).write_text(f"length,width,species\n{flowers}\n", encoding="utf-8")
    rows = "\n".join(f"{a:.3f},{b:.3f}" for a, b in generator.normal(size=(80, 2)))
    (folder / "load.csv").write_text(f"DOM,AEP\n{rows}\n", encoding="utf-8")
    (folder / "prose.txt").write_text("the cat sat on the mat. " * 40, encoding="utf-8")
    (folder / "opening.txt").write_text("the cat ", encoding="utf-8")
    events: dict[str, Any] = {name: generator.integers(0, 4, 40) for name in ("x", "y")}
    events |= {"t": np.arange(40) * 100, "p": np.arange(40) % 2, "sample": np.arange(40) // 10}
    np.savez(folder / "events.npz", labels=np.arange(4) % 2, **events)


def shrink_trainings(patch: pytest.MonkeyPatch) -> None:
    """`bispike.fit` trains on few samples for one epoch."""
    module = sys.modules["bispike.training.fit"] if bispike.training else None
    original: Callable[..., Any] = module.fit

    def small(*arguments: Any, **settings: Any) -> Any:
        return original(*arguments, **{**settings, **SMALL})

    patch.setattr(module, "fit", small)


def readme(names: Namespace) -> None:
    """A stimulus, a stream of the known classes, ten examples of a new one, and patterns to be stored."""
    train = bispike.data.load("digits").train
    stimuli = bispike.data.as_float(train.stimuli[:100])
    names["x"] = stimuli[:1]
    names["known"] = list(zip(stimuli.split(50), train.labels[:100].split(50), strict=True))
    names["ten_examples"] = torch.rand(10, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    patterns = torch.rand(3, 884, generator=torch.Generator().manual_seed(1)).round()
    names["stimuli"], names["concepts"] = patterns[:, :784].reshape(3, 1, 28, 28), patterns[:, 784:]
    names["cue"] = names["stimuli"][:1]
    names["mask"] = torch.arange(28) < 14
    names["mask"] = names["mask"][:, None].expand(1, 28, 28)


def reading_bsd(names: Namespace) -> None:
    """What the modules that the page quotes import."""
    for module in (bispike.rules.bsd.rule, bispike.rules.bsd.parts):
        names.update((name, value) for name, value in vars(module).items() if not name.startswith("__"))


PRELUDES: dict[str, Callable[[Namespace], None]] = {"README.md": readme, "docs/reading-bsd.md": reading_bsd}
"""What stands before the Python blocks of a page: names that the page takes as given."""
