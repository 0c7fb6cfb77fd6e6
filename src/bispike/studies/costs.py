"""The cost of the finished runs of a study at inference, saved in the study's folder.

Measured on test stimuli, or on validation stimuli where the run does not use the test data.

A run is measured once: the file has the digest of the weights, so a resumed study measures only new weights.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, fields
from pathlib import Path

import torch

from .. import data
from ..analysis import Operations, inference_operations
from ..config.train_config import TrainConfig
from ..data import Dataset
from ..errors import BispikeError, DamagedError
from ..files import make_folder, read_json, write_json
from ..json_values import is_text, number, record, whole
from ..runs.saved_results import model_digest
from ..seeds import generator
from ..training import load_run
from ..training.evaluation import split_of
from .study import INFERENCE, Outcome

SAMPLES = 256
OPERATIONS = tuple(part.name for part in fields(Operations))
_KNOWN = record(
    {
        "model": is_text,
        "samples": whole(),
        "operations": record(dict.fromkeys(OPERATIONS, number(0)), others=False),
    }
)


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
    known = read_costs(file, digest)
    if known is not None:
        return known
    found = _measure(outcome, loaded)
    write_json(file, {"model": digest, "samples": SAMPLES, "operations": asdict(found)})
    return found


def read_costs(file: Path, digest: str) -> Operations | None:
    """What was measured of the weights with this digest before; None if there is nothing that can be read."""
    try:
        known = read_json(file)
        if known is not None:
            _KNOWN(known, str(file))
    except DamagedError:
        return None
    if known is None or (known["model"], known["samples"]) != (digest, SAMPLES):
        return None
    return Operations(**known["operations"])


def _measure(outcome: Outcome, loaded: dict[str, Dataset]) -> Operations:
    run = load_run(outcome.path)
    # The data that the caller asks for: the settings in the folder of a study from somebody else may name others.
    part = split_of(_dataset(outcome.cell.config, loaded), run.config, "test" if run.config.test else "validation")
    stimuli, _ = part[part.spread_rows(SAMPLES)]
    with torch.random.fork_rng(devices=[]):
        draws = generator(run.config.seed, "operations")
        return inference_operations(run.network, stimuli, own=run.rule.state, generator=draws)


def _dataset(config: TrainConfig, loaded: dict[str, Dataset]) -> Dataset:
    key = repr((config.dataset, config.data_root, config.data_options))
    if key not in loaded:
        loaded[key] = data.load(config.dataset, root=config.data_root, **config.data_options)
    return loaded[key]
