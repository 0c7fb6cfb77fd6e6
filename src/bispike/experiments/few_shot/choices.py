"""The experiment for several choices of new classes: JSON files, figures and tables. `bispike study few-shot`."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from ... import data
from ...arguments import checked
from ...figures.files import write_picture
from ...files import write_json
from ...runs.marker import RESULTS, claim
from ...training.environment import deterministic
from .account import summarise
from .experiment import Protocol, run_experiment
from .figure import forgetting
from .parts import file_name


@checked
def run_choices(
    dataset: str,
    choices: Sequence[tuple[str, ...]],
    protocol: Protocol,
    *,
    out: Path,
    data_root: str | Path | None = None,
    note: Callable[[str], None] = lambda message: None,
) -> list[dict[str, Any]]:
    """Run the experiment for each choice of new classes, on one thread.

    Args:
        dataset: name of the data set.
        choices: names of the new classes.
        protocol: settings.
        out: folder for the trained networks and, for each choice, a JSON file and a figure.
        data_root: folder where data sets lie.
        note: receives a line as each part begins or ends.

    Returns:
        For each choice "new", "protocol", "summary" (see `summarise`), "rows" and "files".

    Raises:
        UserError: the data set cannot be read, or has no such classes.
    """
    loaded = data.load(dataset, root=data_root)
    stems = [f"{protocol.split}-{file_name(new)}" for new in choices]
    claim(out, RESULTS, [f"{stem}{end}" for stem in stems for end in (".json", ".png")])
    found = []
    for new, name in zip(choices, stems, strict=True):
        with deterministic(torch.device("cpu"), threads=1):
            rows = run_experiment(loaded, new, protocol, out=out, note=note)
        stem = out / name
        summary = summarise(rows)
        one = {"new": list(new), "protocol": dataclasses.asdict(protocol), "summary": summary, "rows": rows}
        write_json(stem.with_name(f"{name}.json"), one)
        picture = write_picture(stem.with_name(f"{name}.png"), forgetting(summary, new, shots=protocol.shots))
        found.append({**one, "files": {"json": str(stem.with_name(f"{name}.json")), "picture": str(picture)}})
    return found


@checked
def table_of(summaries: Sequence[Mapping[str, Any]], new: Sequence[str]) -> tuple[list[str], list[list[str]]]:
    """Head and rows of the table: accuracies in % with their spread; "before" and "after" are of the old classes."""
    rows = [
        [
            entry["way"],
            str(entry["runs"]),
            *(_percent(entry, key) for key in ("new", "old_before", "old_after", "old_loss")),
            *(f"{100 * entry['classes'][name]['after']:.1f}" for name in new),
        ]
        for entry in summaries
    ]
    return ["way", "runs", "new", "before", "after", "lost", *new], rows


def _percent(entry: Mapping[str, Any], key: str) -> str:
    return f"{100 * entry[key]:.1f} ({100 * entry[key + '_spread']:.1f})"
