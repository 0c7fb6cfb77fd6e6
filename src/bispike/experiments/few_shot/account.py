"""The account of forgetting: what each class lost, and what the new ones won, from confusion matrices."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from ...arguments import checked
from ...data import Split


@checked
def confusion(decide: Callable[[Tensor], Tensor], split: Split, classes: int, *, batch_size: int = 512) -> Tensor:
    """Counts `[C, C]`: rows the true class, columns the decision.

    Args:
        decide: from stimuli `[B, *shape]` to labels `[B]`.
        split: samples of all classes.
        classes: C.
    """
    counts = torch.zeros(classes * classes, dtype=torch.int64)
    for rows in torch.arange(len(split)).split(batch_size):
        stimuli, labels = split[rows]
        counts += torch.bincount(labels * classes + decide(stimuli), minlength=classes * classes)
    return counts.view(classes, classes)


@checked
def row(
    way: str, seed: int, draw: int, before: Tensor, after: Tensor, *, names: Sequence[str], known: int
) -> dict[str, Any]:
    """One result as plain values; accuracies are shares, 0 to 1.

    Args:
        way: how the new classes were taught.
        seed, draw: which network and which examples.
        before: confusion before the new classes were added (their rows do not count).
        after: confusion with all classes competing.
        names: of all classes, known ones first.
        known: number of known classes.
    """
    recall_before, recall_after = (counts.diagonal() / counts.sum(1) for counts in (before, after))
    old_before, old_after = (_share(counts[:known]) for counts in (before, after))
    return {
        "way": way,
        "seed": seed,
        "draw": draw,
        "old_before": old_before,
        "old_after": old_after,
        "old_loss": old_before - old_after,
        "new": float(after.diagonal()[known:].sum() / after[known:].sum()),
        "classes": {
            name: {"before": float(recall_before[i]) if i < known else None, "after": float(recall_after[i])}
            for i, name in enumerate(names)
        },
        "confusion": after.tolist(),
    }


@checked
def summarise(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """For each way: mean and spread (deviation, n − 1) of the accuracies, and mean recall of each class."""
    ways = list(dict.fromkeys(entry["way"] for entry in rows))
    return [_summary(way, [entry for entry in rows if entry["way"] == way]) for way in ways]


def _summary(way: str, rows: list[dict[str, Any]]) -> dict[str, Any]:
    summary: dict[str, Any] = {"way": way, "runs": len(rows)}
    for key in ("old_before", "old_after", "old_loss", "new"):
        values = [entry[key] for entry in rows]
        summary[key] = statistics.fmean(values)
        summary[f"{key}_spread"] = statistics.stdev(values) if len(values) > 1 else 0.0
    summary["classes"] = {
        name: {moment: _mean([entry["classes"][name][moment] for entry in rows]) for moment in ("before", "after")}
        for name in rows[0]["classes"]
    }
    return summary


def _mean(values: list[float | None]) -> float | None:
    found = [value for value in values if value is not None]
    return statistics.fmean(found) if found else None


def _share(counts: Tensor) -> float:
    return float(counts.diagonal().sum() / counts.sum())
