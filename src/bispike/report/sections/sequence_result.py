"""The result of a run on sequences in one sentence with numbers."""

from __future__ import annotations

from ..html import Html, join, tag
from ..registry import section, sequences
from ..run import ReportRun
from ..wording import counted, number, percent


@section(order=0, applies=sequences)
def sequence_result(run: ReportRun) -> Html:
    """The result in one sentence, and the protocol where it matters."""
    record = run.record
    summary = record.summary
    if not summary:
        return tag("p", f"This training has not ended: {counted(len(record.metrics), 'epoch')}.", class_="lead")
    epochs, rule, dataset = counted(len(record.metrics), "epoch"), record.config["rule"], record.config["dataset"]
    measures = summary.get("measures", {}).get("test", {})
    if summary.get("test") is None:
        return tag("p", f"After {epochs} of {rule} on {dataset}; it was not tested (test = false).", class_="lead")
    if summary["metric"] == "accuracy":
        reached = (
            f"After {epochs} of {rule} the network forecasts {percent(summary['test'])} of the characters of the test "
            f"part of {dataset} correctly ({number(measures.get('bits'), '.3f')} bits per character)."
        )
    else:
        reached = (
            f"After {epochs} of {rule} the error on the test part of {dataset} is {number(measures.get('mse'), '.4f')} "
            f"(MSE in standard deviations²; MASE {number(measures.get('mase'), '.3f')})."
        )
    marked = None
    if summary.get("protocol") == "paper":
        marked = tag(
            "p",
            "Protocol “paper”: the whole series scales the data and the test part chose the epoch. Compare these "
            "numbers only with the published table.",
            class_="note",
        )
    return join([tag("p", reached, class_="lead"), marked])
