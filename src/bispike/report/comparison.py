"""Several runs compared."""

from __future__ import annotations

from collections.abc import Mapping

from ..figures import to_data_uri, validation_curves
from ..runs.record import RunRecord
from .html import Html, figure, gallery, join, table, tag
from .wording import duration, metric_text, number, rates, setting

HEAD = (
    "run",
    "data set",
    "model",
    "rule",
    "seed",
    "test",
    "validation",
    "training",
    "step",
    "memory",
    "spike rates",
)


def comparison(records: Mapping[str, RunRecord], anchors: Mapping[str, str]) -> Html:
    """One row per run, and the validation accuracy of all over epochs.

    Args:
        records: runs by the name under which they appear.
        anchors: for each name, the place of its sections on the page.
    """
    rows = [_row(name, record, anchors[name]) for name, record in records.items()]
    made = table(HEAD, rows, numeric=range(4, 11))
    curves = {
        name: [(int(m["epoch"]), float(m["validation"])) for m in record.metrics if m.get("validation") is not None]
        for name, record in records.items()
        if record.summary.get("metric", "accuracy") == "accuracy"
    }
    curves = {name: points for name, points in curves.items() if points}
    if not curves:
        return made
    return join(
        [
            made,
            gallery(
                figure(
                    to_data_uri(validation_curves(curves)),
                    alt=f"Validation accuracy over epochs of the runs {', '.join(curves)}.",
                    caption="Share of correct decisions on validation samples. Compare where the curves end and how "
                    "fast they rise; differences no larger than the fluctuation between epochs mean nothing.",
                    wide=True,
                )
            ),
        ]
    )


def _row(name: str, record: RunRecord, anchor: str) -> list[object]:
    summary = record.summary
    return [
        tag("a", name, href=f"#{anchor}"),
        *[setting(record, key) for key in ("dataset", "model", "rule", "seed")],
        metric_text(summary, "test"),
        metric_text(summary, "validation"),
        duration(summary.get("train_seconds")),
        number(summary.get("step_ms"), ".2f", "ms"),
        number(summary.get("peak_memory_mb"), ".0f", "MB"),
        rates(summary.get("spike_rate")),
    ]
