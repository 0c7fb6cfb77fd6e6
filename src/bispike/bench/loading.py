"""Time and memory of loading data: MNIST, a folder of PNG images, a table of 100 MB, arrays.

`python -m bispike.bench.loading` writes a table. Each source is loaded in a process of its own, on one thread and,
where the system allows it, one processor core. Seconds are processor time. Memory is what the process needed at most,
beyond what it needed with pandas imported and a small data set loaded, as a multiple of the data: of the file (or all
files of a folder) or of the stimuli, whichever is larger.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

SOURCES = ("mnist", "png", "csv", "npz")
TARGETS = {"mnist": 0.5, "png": 8.0}
"""Seconds that loading may take."""
MEMORY_TARGET = 2.5


def make_png(folder: Path, scale: float) -> Path:
    """10,000 colour images of 64x64 pixels in ten classes."""
    from PIL import Image

    draws = np.random.default_rng(0)
    for name in range(10):
        (folder / str(name)).mkdir(parents=True)
        for k in range(max(2, int(1000 * scale))):
            blocks = draws.integers(0, 200, (8, 8, 3), dtype=np.uint8).repeat(8, 0).repeat(8, 1)
            noise = draws.integers(0, 20, blocks.shape, dtype=np.uint8)
            Image.fromarray(blocks + noise).save(folder / str(name) / f"{k}.png")
    return folder


def make_csv(folder: Path, scale: float) -> Path:
    """A table of 100 MB: 20 columns of numbers and a class."""
    draws = np.random.default_rng(0)
    rows = max(20, int(578_000 * scale))
    values = draws.normal(size=(rows, 20))
    path = folder / "table.csv"
    with path.open("w", encoding="utf-8") as file:
        file.write(",".join(f"x{i}" for i in range(20)) + ",class\n")
        for row, label in zip(values, np.arange(rows) % 3, strict=True):
            file.write(",".join(f"{value:.5f}" for value in row) + f",c{label}\n")
    return path


def make_npz(folder: Path, scale: float) -> Path:
    """60,000 images of 28x28 pixels in uint8."""
    count = max(20, int(60_000 * scale))
    images = np.random.default_rng(0).integers(0, 256, (count, 28, 28), dtype=np.uint8)
    np.savez(folder / "arrays.npz", x=images, y=np.arange(count) % 10)
    return folder / "arrays.npz"


MAKERS = {"png": make_png, "csv": make_csv, "npz": make_npz}


def load_once(source: str) -> dict[str, float]:
    """Load a data set in this process: seconds of processor time, MB of data, and MB that were needed at most.

    Data are the file (or all files of a folder) or the stimuli, whichever is larger. Memory counts from what the
    process needed at most with pandas imported and a small data set loaded.
    """
    import pandas  # noqa: F401 - part of the baseline

    from .. import data

    data.load("digits")
    before, began = _peak(), time.process_time()
    loaded = data.load(source, download=False)
    seconds = time.process_time() - began
    stimuli = sum(part.stimuli.numel() * part.stimuli.element_size() for part in (loaded.train, loaded.test))
    return {"seconds": seconds, "data": max(stimuli, _on_disk(Path(source))) / 1e6, "peak": _peak() - before}


def measure(name: str, *, scale: float = 1.0) -> dict[str, float]:
    """Make a source, and load it in a process of its own.

    Args:
        name: one of `SOURCES`.
        scale: share of the full number of stimuli.
    """
    with tempfile.TemporaryDirectory() as folder:
        source = str(MAKERS[name](Path(folder), scale)) if name in MAKERS else name
        call = [sys.executable, "-m", "bispike.bench.loading", "--load", source]
        found = subprocess.run(call, check=True, capture_output=True, text=True)
    values = json.loads(found.stdout)
    assert isinstance(values, dict)
    return values


def _on_disk(source: Path) -> int:
    """Bytes of a file, or of all files of a folder; 0 for a published name."""
    files = source.rglob("*") if source.is_dir() else [source]
    return sum(file.stat().st_size for file in files if file.is_file())


def _peak() -> float:
    """MB that this process has needed at most."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def main() -> None:
    """Measure each source, or load one in this process (`--load`)."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sources", nargs="*", default=list(SOURCES), help="of " + ", ".join(SOURCES))
    parser.add_argument("--load", help="load this data set in this process")
    parser.add_argument("--scale", type=float, default=1.0, help="share of the full number of stimuli")
    given = parser.parse_args()
    if given.load is not None:
        import torch

        torch.set_num_threads(1)
        if hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
        print(json.dumps(load_once(given.load)))
        return
    print(f"{'source':8}{'seconds':>10}{'target':>10}{'data MB':>10}{'peak/data':>10}{'target':>10}")
    for name in given.sources:
        found = measure(name, scale=given.scale)
        target = TARGETS.get(name, "")
        ratio = found["peak"] / found["data"]
        print(f"{name:8}{found['seconds']:10.2f}{target:>10}{found['data']:10.1f}{ratio:10.2f}{MEMORY_TARGET:10}")


if __name__ == "__main__":
    main()
