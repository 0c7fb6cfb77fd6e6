"""Settings: how the run was made, with what, and how to repeat it."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

from ...runs.record import RunRecord
from ..html import Html, facts, join, tag
from ..registry import section
from ..run import ReportRun
from ..wording import duration, flat, metric_text, number, rates

INCIDENTAL = ("data_root",)  # the place of the data does not describe the run


@section("Settings", order=90)
def settings(run: ReportRun) -> Html:
    """Tables of settings, results and versions, and the command that repeats the run."""
    record = run.record
    config = {key: value for key, value in record.config.items() if key not in INCIDENTAL}
    versions = record.summary.get("versions")
    tables = [
        tag("div", tag("h4", "Result"), facts(_results(record))),
        tag("div", tag("h4", "Settings"), facts(flat(config))),
    ]
    if isinstance(versions, Mapping):
        tables.append(tag("div", tag("h4", "Versions"), facts(flat(versions))))
    parts: list[object] = [
        tag("p", f"Rule “{record.config.get('rule')}”: {record.rule_summary}."),
        tag("div", *tables, class_="tables"),
    ]
    command = f"bispike train --config {shlex.quote(str(record.path / 'config.toml'))} --out {_again(record)}"
    parts += [tag("h4", "Repeat this run"), tag("pre", command)]
    return join(parts)


def _again(record: RunRecord) -> str:
    return shlex.quote(str(record.path.with_name(record.name + "-again")))


def _results(record: RunRecord) -> list[tuple[str, str]]:
    summary = record.summary
    if not summary:
        return [("state", "the training has not ended")]
    early = [("ended early", str(summary["ended"]))] if summary.get("ended") else []
    errors = summary.get("reconstruction") or {}
    rebuilt = [(f"reconstruction MSE, {part}", number(error, ".5f")) for part, error in errors.items()]
    return [
        *early,
        *_metrics(summary),
        *rebuilt,
        ("parameters", number(summary.get("parameters"), ",")),
        ("training time", duration(summary.get("train_seconds"))),
        ("median step", number(summary.get("step_ms"), ".2f", "ms")),
        ("peak memory", number(summary.get("peak_memory_mb"), ".0f", "MB")),
        ("spike rates, bottom to top", rates(summary.get("spike_rate"))),
        ("device", str(summary.get("device", "–"))),
    ]


def _metrics(summary: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The metric of the test and of the validation part."""
    metric = str(summary.get("metric", "accuracy"))
    return [(f"{part} {metric}", metric_text(summary, part)) for part in ("test", "validation")]
