"""The rows of a study's table: means over seeds.

The spread is the sample standard deviation over seeds (n - 1 in the denominator); with one seed it is
unknown and stays empty.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from .. import rules
from ..analysis import Operations
from .study import Outcome

AVERAGED = (
    "train_seconds",
    "step_ms",
    "peak_memory_mb",
    "synaptic_operations",
    "energy_nj",
    "energy_nj_nonzero",
)


@dataclass(frozen=True)
class Measured:
    """Measurements of a study after its runs.

    Args:
        costs: operations of one decision, by the name of the cell.
        criteria: which criteria hold, by row; None where they were not measured.
    """

    costs: Mapping[str, Operations] = field(default_factory=dict)
    criteria: Mapping[str, dict[str, bool] | None] = field(default_factory=dict)


@dataclass(frozen=True)
class TableRow:
    """One row of a study over its seeds.

    Args:
        row: the rule, or the value of the setting.
        activity: what the layers emit under its rule, `"spikes"` or `"rates"`.
        metric: name of what is measured on the test split.
        mean, spread: of the metric on the test data over the finished seeds; None where there are none or they did
            not use the test data (mean), or there is only one (spread).
        values: the metric of each tested seed.
        seeds: the finished seeds.
        failed: number of seeds that failed.
        validation, validation_spread, validation_values: the same on the held-out training data.
        train_seconds, step_ms, peak_memory_mb: means over the finished seeds, None where unknown.
        synaptic_operations, energy_nj: of one decision, likewise; energy in nanojoules.
        energy_nj_nonzero: the same where zeros cost nothing.
        spike_rate: mean firing rate of each layer.
        parameters: of the network, None where no seed finished.
        criteria: which criteria hold, by name; None where they were not measured.
        training: optimizer, learning rate, schedule, in words.
    """

    row: str
    activity: str
    metric: str
    mean: float | None
    spread: float | None
    values: list[float]
    seeds: list[int]
    failed: int
    validation: float | None
    validation_spread: float | None
    validation_values: list[float]
    train_seconds: float | None
    step_ms: float | None
    peak_memory_mb: float | None
    synaptic_operations: float | None
    energy_nj: float | None
    energy_nj_nonzero: float | None
    spike_rate: list[float]
    parameters: int | None
    criteria: dict[str, bool] | None
    training: str

    @property
    def firing(self) -> float | None:
        """Share of the neurons that fire per time step, mean over layers, in %; None for networks of rates."""
        known = self.activity == "spikes" and self.spike_rate
        return 100 * statistics.fmean(self.spike_rate) if known else None


def deciding_data(rows: Sequence[TableRow]) -> str:
    """The data that decide between rows: "test", or "validation" where a finished row did not use the test data."""
    return "validation" if any(row.seeds and row.mean is None for row in rows) else "test"


def with_deciding_data(rows: Sequence[TableRow]) -> list[TableRow]:
    """The rows with mean, spread and values of the data that decide between them."""
    if deciding_data(rows) == "test":
        return list(rows)
    return [
        replace(row, mean=row.validation, spread=row.validation_spread, values=row.validation_values) for row in rows
    ]


def aggregate(outcomes: Sequence[Outcome], measured: Measured | None = None) -> list[TableRow]:
    """One table row for each row of the study, in its order."""
    rows: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        rows.setdefault(outcome.cell.row, []).append(outcome)
    return [_table_row(name, members, measured or Measured()) for name, members in rows.items()]


def run_rows(outcomes: Sequence[Outcome], measured: Measured | None = None) -> list[dict[str, Any]]:
    """The summary of each finished run, with its row, its costs and its criteria."""
    known = measured or Measured()
    return [
        {
            **outcome.summary,
            "row": outcome.cell.row,
            "activity": activity_of(outcome),
            **_cost(outcome, known.costs),
            "criteria": known.criteria.get(outcome.cell.row),
        }
        for outcome in outcomes
        if outcome.summary is not None
    ]


def failures(outcomes: Sequence[Outcome]) -> list[dict[str, Any]]:
    """The failed runs with their messages."""
    return [
        {
            "run": str(outcome.path),
            "row": outcome.cell.row,
            "seed": outcome.cell.config.seed,
            "message": outcome.failure,
        }
        for outcome in outcomes
        if outcome.summary is None
    ]


def activity_of(outcome: Outcome) -> str:
    """What the layers emit under the rule of an outcome; empty for an unknown rule."""
    rule = rules.registry.get(outcome.cell.config.rule)
    return rule.signals.name if rule else ""


def training_of(outcome: Outcome) -> str:
    """Optimizer, learning rate and schedule of an outcome, in words."""
    config = outcome.cell.config
    options = "".join(f", {key} {value}" for key, value in config.optimizer_options.items())
    parts = [f"{config.optimizer}{options}", f"lr {config.lr:g}", config.schedule]
    if config.top_down_lr is not None:
        parts.append(f"top-down lr {config.top_down_lr:g}")
    if config.clip_norm is not None:
        parts.append(f"clip {config.clip_norm:g}")
    if config.weight_decay:
        parts.append(f"weight decay {config.weight_decay:g}")
    return ", ".join(parts)


def _cost(outcome: Outcome, costs: Mapping[str, Operations]) -> dict[str, float | None]:
    found = costs.get(outcome.cell.name)
    names = ("synaptic_operations", "energy_nj", "energy_nj_nonzero")
    return {name: None if found is None else getattr(found, name) for name in names}


def _table_row(name: str, members: Sequence[Outcome], measured: Measured) -> TableRow:
    done = [{**member.summary, **_cost(member, measured.costs)} for member in members if member.summary is not None]
    tested, held_out = (
        [float(summary[key]) for summary in done if summary.get(key) is not None] for key in ("test", "validation")
    )
    rates = [summary["spike_rate"] for summary in done]
    return TableRow(
        row=name,
        activity=activity_of(members[0]),
        metric=str(done[0]["metric"]) if done else "",
        mean=_mean(tested),
        spread=_spread(tested),
        values=tested,
        validation=_mean(held_out),
        validation_spread=_spread(held_out),
        validation_values=held_out,
        seeds=[int(summary["seed"]) for summary in done],
        failed=len(members) - len(done),
        spike_rate=[statistics.fmean(layer) for layer in zip(*rates, strict=True)],
        parameters=done[0]["parameters"] if done else None,
        criteria=measured.criteria.get(name),
        training=training_of(members[0]),
        **{key: _mean([summary.get(key) for summary in done]) for key in AVERAGED},
    )


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return statistics.fmean(known) if known else None


def _spread(values: Sequence[float]) -> float | None:
    return statistics.stdev(values) if len(values) > 1 else None
