"""The tables of an analysis, for a terminal and for the report alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..arguments import checked


@dataclass(frozen=True)
class AnalysisTable:
    """One table: its title, its cells as texts, and how to read it. The first column has names."""

    title: str
    head: list[str]
    rows: list[list[str]]
    reading: str


@checked
def analysis_tables(found: Mapping[str, Any]) -> list[AnalysisTable]:
    """The tables of what `analyse_run` returned; a part that the rule does not have is left out."""
    similar = [_agreement(found["agreement"])] if found["agreement"] else []
    return [*similar, _angles(found["update_angle"]), _probes(found["probe"]), _robustness(found)]


def _agreement(levels: Sequence[Mapping[str, Any]]) -> AnalysisTable:
    rows = [
        [v["name"], _percent(v["own"]), _percent(v["other"]), _percent(v["chance"]), _signed(v["margin"], v["error"])]
        for v in levels
    ]
    return AnalysisTable(
        "Hamming similarity of the two pathways' spikes (%)",
        ["layer", "own class", "other classes", "chance", "own - other"],
        rows,
        "Share of equal entries. Chance: independent spikes with the same rates of each unit. The difference is paired "
        "by stimulus and shown with its standard error.",
    )


def _angles(found: Mapping[str, Any]) -> AnalysisTable:
    before = {angle["name"]: angle for angle in found["initial"] or []}
    rows = [
        [
            angle["name"],
            _degrees(before.get(angle["name"])),
            _degrees(angle),
            "" if angle["spread"] is None else f"90 ± {angle['spread']:.2f}",
        ]
        for angle in found["trained"]
    ]
    return AnalysisTable(
        f"Angle of the weight change to the gradient of {found['reference']} (degrees)",
        ["place", "before training", "after training", "random"],
        rows,
        f"Mean over {found['batches']} batches of {found['batch_size']} with its standard error. 0 is gradient "
        "descent; below 90 the loss still falls. Empty where the rule changes no weights.",
    )


def _probes(found: Mapping[str, Any]) -> AnalysisTable:
    untrained = found["untrained"] or {}
    rows = [["input", _percent(found["input"]), _percent(found["input"])]]
    rows += [[name, _percent(untrained.get(name)), _percent(share)] for name, share in found["trained"].items()]
    return AnalysisTable(
        "Linear separability (% of test stimuli that a linear probe classifies correctly)",
        ["place", "random network", "trained"],
        rows,
        f"Ridge regression on {found['train']} training stimuli, tested on {found['test']}.",
    )


def _robustness(found: Mapping[str, Any]) -> AnalysisTable:
    robust = found["robustness"]
    loss = robust["spike_loss"]
    rows = [
        [kind, _percent(robust["clean"]), *map(_percent, shares)]
        for kind, shares in robust["corruptions"].items()
        if shares is not None
    ]
    name = "spike loss" if found["activity"] == "spikes" else "value loss"
    rows.append([name, _percent(robust["clean"]), *map(_percent, loss["accuracy"])])
    levels = ", ".join(f"{p:g}" for p in loss["probability"])
    return AnalysisTable(
        "Robustness: accuracy (%) by severity of the damage",
        ["damage", "none", "1", "2", "3", "4", "5"],
        rows,
        f"On {found['samples']} test stimuli. In the last row each {name.split()[0]} that a layer emits is lost with "
        f"probability {levels}.",
    )


def _percent(share: float | None) -> str:
    return "" if share is None else f"{100 * share:.1f}"


def _signed(value: float, error: float | None) -> str:
    return f"{100 * value:+.2f}" + ("" if error is None or error != error else f" ± {100 * error:.2f}")


def _degrees(angle: Mapping[str, Any] | None) -> str:
    if angle is None or angle["degrees"] is None:
        return ""
    return f"{angle['degrees']:.1f}" + ("" if angle["error"] is None else f" ± {angle['error']:.1f}")
