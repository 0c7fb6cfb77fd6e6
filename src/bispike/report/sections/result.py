"""The result of a run in one sentence with numbers."""

from __future__ import annotations

from ...analysis import accuracy_interval
from ...runs.record import RunRecord
from ..html import Html, join, tag
from ..measurements import Measurements
from .wording import SPACE, counted, duration, percent, setting


def result(record: RunRecord, measured: Measurements | None) -> Html:
    """What the network reached; where both pathways learn, also what recall reached."""
    return join([tag("p", _decisions(record, measured), class_="lead"), _recall(measured)])


def _decisions(record: RunRecord, measured: Measurements | None) -> str:
    rule, dataset = setting(record, "rule"), setting(record, "dataset")
    classes = record.network.concept.classes
    test, epochs = record.summary.get("test"), len(record.metrics)
    if test is None and record.summary:
        return (
            f"After {counted(epochs, 'epoch')} of {rule} the network decides "
            f"{percent(record.summary.get('validation'))} of the held-out samples of {dataset} correctly. "
            "It was not tested (test = false)."
        )
    if test is None:
        seen = record.metrics[-1].get("validation") if record.metrics else None
        validation = f"; validation accuracy so far {percent(seen)}" if seen is not None else ""
        return f"This training of {dataset} with {rule} has not ended: {counted(epochs, 'epoch')}{validation}."
    level = f"guessing among {classes} classes: {percent(1 / classes)}"
    tested = "the test stimuli"
    samples = record.summary.get("test_samples") or (measured.test_size if measured is not None else None)
    if samples:
        low, high = accuracy_interval(test, samples)
        tested = f"the {samples:,} test stimuli"
        level = f"95{SPACE}% interval {100 * low:.1f} to {percent(high)}; {level}"
    took = duration(record.summary.get("train_seconds"))
    return (
        f"After {counted(epochs, 'epoch')} of {rule}, trained in {took}, the network decides {percent(test)} "
        f"of {tested} of {dataset} correctly ({level})."
    )


def _recall(measured: Measurements | None) -> Html | None:
    if measured is None or measured.recalled is None:
        return None
    match = measured.recalled.match
    return tag(
        "p",
        f"Asked the other way round, from class to stimulus, {percent(match.matched, 0)} of the recalled stimuli "
        f"resemble the mean of their own class most (mean correlation {match.own:.2f}).",
    )
