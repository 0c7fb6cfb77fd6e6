"""The notes below a study's table: which settings are equal for all rows, which differ, what the columns mean."""

from __future__ import annotations

from collections.abc import Sequence

from ..config.train_config import SETTINGS, TrainConfig
from .rows import TableRow, deciding_data, failures
from .study import Outcome

SAMPLES = ("limit", "imbalance", "label_noise")  # decide which samples are used for training
ENERGY = (
    "synaptic operations (k ops) and energy (nJ, an estimate) are of one decision: 0.9 pJ for an "
    "addition that a spike causes, 4.6 pJ for a multiplication with addition of a real number (45 nm, Horowitz 2014); "
    "memory traffic is not included."
)
WITHOUT_KERNELS = (
    "runs on the CPU that had no compiled kernels computed the same by torch, in more time: their step ms and train s "
    "cannot be compared with others."
)


def notes_of(outcomes: Sequence[Outcome], rows: Sequence[TableRow]) -> list[str]:
    """Sentences below the table."""
    found = [_shared([outcome.cell.config for outcome in outcomes])]
    found += [f"trained with {training}: {', '.join(names)}." for training, names in _by_training(rows).items()]
    if deciding_data(rows) == "validation":
        found.append("the test data were not used: choose by validation %, then test the chosen row once.")
    if len({row.activity for row in rows}) > 1:
        found.append(
            "rules with activity 'rates' train a rate network of the same shape and weights, without time steps; "
            "those with 'spikes' train the spiking network."
        )
    if any(row.energy_nj is not None for row in rows):
        found.append(ENERGY)
    if any(row.criteria is not None for row in rows):
        found.append("criteria: the numbers of C1 to C5 that were measured to hold; a dot for one that does not.")
    if any(_ran_without_kernels(outcome) for outcome in outcomes):
        found.append(WITHOUT_KERNELS)
    found += [f"failed: {f['row']}, seed {f['seed']}: {f['message']}" for f in failures(outcomes)]
    return found


def _shared(configs: Sequence[TrainConfig]) -> str:
    """What all cells have in common, as far as they do."""
    names = ("dataset", "model", "model_options", "validation", *SAMPLES, "augment", "epochs", "batch_size")
    equal = {name for name in names if all(getattr(c, name) == getattr(configs[0], name) for c in configs)}
    first = configs[0].to_dict()
    listed = [
        f"{name.replace('_', ' ')} {first[name]}"
        for name in names
        if name in equal
        and name != "model_options"
        and first[name] not in (None, "none")
        and not (name in SAMPLES and first[name] == SETTINGS[name].default)
    ]
    more = []
    if {"model", "model_options"} <= equal:
        more.append("network and first weights")
    if {"dataset", "validation", *SAMPLES} <= equal:
        more.append("split and order of the samples")
    same = f"; for one seed also {', '.join(more)}" if more else ""
    return f"equal for all: {', '.join(listed) or 'the seeds'}{same}."


def _ran_without_kernels(outcome: Outcome) -> bool:
    summary = outcome.summary or {}
    return summary.get("native") is False and summary.get("device") == "cpu"


def _by_training(rows: Sequence[TableRow]) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {}
    for row in rows:
        groups.setdefault(row.training, []).append(row.row)
    return groups
