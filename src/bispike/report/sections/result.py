"""The result of a run in one sentence with numbers."""

from __future__ import annotations

from ...analysis import accuracy_interval
from ..html import Html, join, tag
from ..measurements import all_tested, recalled
from ..registry import section, single_stimuli
from ..run import ReportRun
from ..wording import SPACE, counted, duration, percent, setting


@section(order=0, applies=single_stimuli)
def result(run: ReportRun) -> Html:
    """What the network reached; where both pathways learn, also what recall reached."""
    return join([tag("p", _decisions(run), class_="lead"), _recall(run)])


def _decisions(run: ReportRun) -> str:
    record = run.record
    rule, dataset = setting(record, "rule"), setting(record, "dataset")
    classes = record.network.concept.classes
    test, epochs = record.summary.get("test"), len(record.metrics)
    if test is None and record.summary:
        return (
            f"After {counted(epochs, 'epoch')} of {rule} the network decides "
            f"{percent(record.summary.get('validation'))} of the validation samples of {dataset} correctly. "
            "It was not tested (test = false)."
        )
    if test is None:
        seen = record.metrics[-1].get("validation") if record.metrics else None
        validation = f"; validation accuracy so far {percent(seen)}" if seen is not None else ""
        return f"This training of {dataset} with {rule} has not ended: {counted(epochs, 'epoch')}{validation}."
    level = f"guessing among {classes} classes: {percent(1 / classes)}"
    tested = "the test stimuli"
    samples = record.summary.get("test_samples") or run.measure(all_tested)
    if samples:
        low, high = accuracy_interval(test, samples)
        tested = f"the {samples:,} test stimuli"
        level = f"95{SPACE}% interval {100 * low:.1f} to {percent(high)}; {level}"
    took = duration(record.summary.get("train_seconds"))
    return (
        f"After {counted(epochs, 'epoch')} of {rule}, trained in {took}, the network decides {percent(test)} "
        f"of {tested} of {dataset} correctly ({level})."
    )


def _recall(run: ReportRun) -> Html | None:
    found = run.measure(recalled)
    if found is None:
        return None
    match = found.match
    return tag(
        "p",
        f"From class to stimulus: {percent(match.matched, 0)} of the recalled stimuli resemble the mean of their own "
        "class "
        f"more than any other class mean (mean correlation {match.own:.2f}).",
    )
