"""Check a data set before it is trained on: what it holds, and what is wrong or suspicious.

Problems stop training; notes are for the reader (classes of very different size, test stimuli that also occur
in the training part).
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import torch

from ..errors import DataError
from . import catalogue as catalog
from . import storage
from .dataset import Dataset, Split
from .download import matches
from .sequence_dataset import SequenceDataset

UNEVEN = 10
"""Ratio of the largest to the smallest class from which a note is given."""


def check(
    path_or_name: str | os.PathLike[str], *, root: str | os.PathLike[str] | None = None, **options: Any
) -> dict[str, Any]:
    """A report on a data set; nothing is downloaded.

    Returns:
        `name`, `ok`, `problems` and `notes`; where it could be read also `shape`, `dtype`, `classes`,
        `class_names`, `train` and `test` (`count`, `per_class`), `value_range`, `mean`, `std`, `fingerprint`;
        for published sets `path` and `checksums` (file name to "matches" or "differs").

    Raises:
        UserError: neither a name nor a path, or wrong options.
    """
    path = catalog.as_path(path_or_name)
    report: dict[str, Any] = {"name": str(path_or_name), "ok": False, "problems": [], "notes": []}
    if path is None:
        report |= _checksums(str(path_or_name), root)
        differing = [name for name, verdict in report["checksums"].items() if verdict == "differs"]
        report["problems"] += [f"{name} differs from the published checksum." for name in differing]
    else:
        report["path"] = str(path)
    try:
        data = catalog.load(path_or_name, root=root, download=False, **options)
    except DataError as error:
        report["problems"] += str(error).splitlines()
        return report
    report |= describe(data)
    report["notes"] = [*data.notes, *_suspicions(data)]
    report["ok"] = not report["problems"]
    return report


def describe(data: Dataset) -> dict[str, Any]:
    """What a data set holds, as plain values."""
    classes = data.concept.classes
    low, high = torch.aminmax(data.train.stimuli)
    return {
        "name": data.name,
        "task": data.task,
        "shape": list(data.stimulus.shape),
        "dtype": str(data.train.stimuli.dtype).removeprefix("torch."),
        "classes": classes,
        "class_names": list(data.concept.names),
        "train": {"count": len(data.train), "per_class": data.train.counts(classes)},
        "test": {"count": len(data.test), "per_class": data.test.counts(classes)},
        "value_range": [low.item(), high.item()],
        "mean": list(data.stimulus.mean),
        "std": list(data.stimulus.std),
        "fingerprint": data.fingerprint,
    }


def _checksums(name: str, root: str | os.PathLike[str] | None) -> dict[str, Any]:
    found = catalog.entry(name)
    place: Path | None = None if found.embedded else storage.find(found, root)
    if place is None:
        return {"path": None, "checksums": {}}
    home = place.parent if place.is_file() else place
    there = [file for file in found.files if (home / file.name).is_file()]
    verdicts = {file.name: "matches" if matches(home / file.name, file.checksum) else "differs" for file in there}
    return {"path": str(place), "checksums": verdicts}


def _suspicions(data: Dataset) -> list[str]:
    if isinstance(data, SequenceDataset):
        return []
    notes = []
    counts = data.train.counts(data.concept.classes)
    if max(counts) > UNEVEN * min(counts):
        rare, common = (data.concept.names[counts.index(edge(counts))] for edge in (min, max))
        notes.append(f"classes of very different size: {max(counts)} of {common!r}, {min(counts)} of {rare!r}.")
    absent = [name for name, n in zip(data.concept.names, data.test.counts(len(counts)), strict=True) if n == 0]
    if absent:
        notes.append(f"the test part has no stimulus of class {', '.join(absent[:5])}.")
    shared = len(_rows(data.train) & _rows(data.test))
    if shared:
        notes.append(f"{shared} different test stimuli also occur in the training part.")
    return notes


def _rows(split: Split) -> set[int]:
    return {hash(row.tobytes()) for row in split.stimuli.cpu().numpy()}
