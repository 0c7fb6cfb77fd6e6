"""Small files that the golden cases train on, made from seeds; nothing here uses the library."""

from __future__ import annotations

import math
import random
from pathlib import Path

import numpy as np

WORDS = ("the", "quick", "brown", "fox", "jumps", "over", "a", "lazy", "dog", "and", "sees", "two", "wet", "cats")


def make(folder: Path) -> dict[str, Path]:
    """Write all files into a folder.

    Returns:
        By the name that cases use: `text`, `series` and `events`.
    """
    return {"text": _text(folder), "series": _series(folder), "events": _events(folder)}


def _text(folder: Path) -> Path:
    draws = random.Random(5)
    path = folder / "prose.txt"
    path.write_text(" ".join(draws.choice(WORDS) for _ in range(700)) + ".", encoding="utf-8")
    return path


def _series(folder: Path) -> Path:
    draws = random.Random(6)
    rows = ["a,b,c"]
    for t in range(400):
        values = (math.sin(t / 5), 2 + math.cos(t / 7), math.sin(t / 11) * math.cos(t / 3))
        rows.append(",".join(f"{value + draws.uniform(-0.1, 0.1):.5f}" for value in values))
    path = folder / "waves.csv"
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path


def _events(folder: Path) -> Path:
    """Recordings of one moving point: it goes to the right in class 0 and downwards in class 1."""
    draws = np.random.default_rng(7)
    recordings, per_recording, side = 60, 48, 6
    sample = np.repeat(np.arange(recordings), per_recording)
    labels = np.arange(recordings) % 2
    t = np.tile(np.linspace(0, 9_999, per_recording), recordings)
    along = np.clip(np.floor(t / 10_000 * side) + draws.integers(-1, 2, len(t)), 0, side - 1).astype(np.int64)
    across = draws.integers(0, side, len(t))
    downwards = labels[sample] == 1
    x, y = np.where(downwards, across, along), np.where(downwards, along, across)
    path = folder / "camera.npz"
    np.savez(path, t=t, x=x, y=y, p=draws.integers(0, 2, len(t)), sample=sample, labels=labels)
    return path
