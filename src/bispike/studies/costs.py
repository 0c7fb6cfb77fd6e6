"""The cost of the finished runs of a study at inference, saved in the study's folder.

Measured on test stimuli, or on validation stimuli where the run does not use the test data.

A run is measured once: the file has the digest of the weights, so a resumed study measures only new weights.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from .. import data
from ..analysis import Operations, inference_operations
from ..config.train_config import TrainConfig
from ..data import Dataset
from ..errors import BispikeError
from ..files import make_folder, write_json
from ..runs.record import model_digest
from ..seeds import generator
from ..training import load_run
from ..training.evaluation import split_of
from .study import INFERENCE, Outcome

SAMPLES = 256


def inference_costs(
    outcomes: Sequence[Outcome], folder: Path, *, note: Callable[[str], None] = lambda message: None
) -> dict[str, Operations]:
    """Operations of one decision of each finished run, by the name of its cell.

    Args:
        outcomes: of the study.
        folder: the study's.
        note: receives the reason if a run cannot be measured; this run is left out.
    """
    loaded: dict[str, Dataset] = {}
    costs = {}
    for outcome in outcomes:
        if outcome.summary is None:
            continue
        try:
            costs[outcome.cell.name] = _measured_once(outcome, folder, loaded)
        except (BispikeError, OSError) as error:
            note(f"{outcome.cell.name}: its operations could not be counted: {error}")
    return costs


def _measured_once(outcome: Outcome, folder: Path, loaded: dict[str, Dataset]) -> Operations:
    file = make_folder(folder / INFERENCE) / f"{outcome.cell.name}.json"
    digest = model_digest(outcome.path)
    known = _read(file)
    if known.get("model") == digest and known.get("samples") == SAMPLES:
        return Operations(**known["operations"])
    found = _measure(outcome.path, loaded)
    write_json(file, {"model": digest, "samples": SAMPLES, "operations": asdict(found)})
    return found


def _read(file: Path) -> dict[str, Any]:
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def _measure(path: Path, loaded: dict[str, Dataset]) -> Operations:
    run = load_run(path)
    part = split_of(_dataset(run.config, loaded), run.config, "test" if run.config.test else "validation")
    stimuli, _ = part[part.spread_rows(SAMPLES)]
    with torch.random.fork_rng(devices=[]):
        draws = generator(run.config.seed, "operations")
        return inference_operations(run.network, stimuli, own=run.rule.state, generator=draws)


def _dataset(config: TrainConfig, loaded: dict[str, Dataset]) -> Dataset:
    key = repr((config.dataset, config.data_root, config.data_options))
    if key not in loaded:
        loaded[key] = data.load(config.dataset, root=config.data_root, **config.data_options)
    return loaded[key]
