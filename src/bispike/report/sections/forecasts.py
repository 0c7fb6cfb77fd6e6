"""What a run on sequences forecasts: continued texts, or a series beside the truth, with the baselines."""

from __future__ import annotations

from ...experiments.kinds import Kind, kind_of
from ...figures import confusion_heatmap, to_data_uri
from ...figures.sequences import forecast_curves
from ...runs.record import RunRecord
from ..html import NEEDS_DATA, Html, figure, gallery, join, table, tag, text_block
from ..registry import section, sequences
from ..run import ReportRun
from ..sequence_measurements import continued_text, forecast_of_series
from ..wording import number

NAMES = {"mse": "MSE", "mae": "MAE", "mase": "MASE", "smape": "sMAPE %", "bits": "bits per character"}
MOST_SYMBOLS = 40  # of a confusion matrix that can still be read


@section("What it forecasts", order=20, applies=sequences)
def forecasts(run: ReportRun) -> Html:
    """Baselines, then what suits the kind of run, then the confusion matrix."""
    baselines = _baselines(run.record)
    if run.without_data:
        return join([baselines, NEEDS_DATA])
    shown = {Kind.TEXT: _text, Kind.SERIES: _series}.get(kind_of(run.record.network))
    return join([baselines, *(shown(run) if shown else []), _confusion(run.record)])


def _text(run: ReportRun) -> list[Html]:
    """A text as the network continues it."""
    found = run.need(continued_text)
    parts = []
    for temperature, text in found.continued.items():
        how = "the most likely characters" if temperature == 0 else f"drawn at temperature {temperature}"
        parts += [tag("h4", f"Continued text: {how}"), tag("pre", text_block(f"{found.beginning}▸{text}"))]
    return parts


def _series(run: ReportRun) -> list[Html]:
    """Curves beside the truth."""
    found = run.need(forecast_of_series)
    horizon = int(run.record.summary.get("horizon", 1))
    curves = [(curve.name, curve.true, curve.forecast) for curve in found]
    drawn = figure(
        to_data_uri(forecast_curves(curves, horizon=horizon)),
        alt=f"True and forecast values of {', '.join(curve.name for curve in found)} over the beginning of the test "
        "part.",
        caption="Grey: true values. Blue: forecast. A blue curve that only follows the grey one, shifted to the right, "
        "has learned no more than to repeat the last value.",
        wide=True,
    )
    return [gallery(drawn)]


def _confusion(record: RunRecord) -> Html | None:
    """Classes and decisions, unless there are too many or they were not counted."""
    matrix = record.confusion
    if matrix is None or len(matrix) > MOST_SYMBOLS:
        return None
    names = [repr(name)[1:-1] for name in record.network.concept.names]
    what = "characters" if kind_of(record.network) is Kind.TEXT else "classes"
    return gallery(
        figure(
            to_data_uri(confusion_heatmap(matrix, names)),
            alt=f"Confusion matrix of {len(names)} {what}.",
            caption="Rows: true class. Columns: decision.",
            wide=True,
        )
    )


def _baselines(record: RunRecord) -> Html | None:
    """The measures of the network beside those of simple models on the same windows."""
    baselines = record.summary.get("baselines")
    measures = record.summary.get("measures", {}).get("test")
    if not baselines or not measures:
        return None
    keys = [name for name in NAMES if name in measures]
    rows: list[list[object]] = [["this network", *[number(measures[key], ".4f") for key in keys]]]
    rows += [[name, *[number(values.get(key), ".4f") for key in keys]] for name, values in baselines.items()]
    best = min(baselines.items(), key=lambda item: item[1]["mse"])
    verdict = (
        f"“{best[0]}” has a smaller squared error than this network."
        if best[1]["mse"] < measures["mse"]
        else f"The network has a smaller squared error than all of them (next: “{best[0]}”)."
    )
    made = table(["model", *[NAMES[key] for key in keys]], rows, numeric=range(1, len(keys) + 1))
    return join([tag("h4", "Compared with simple models"), made, tag("p", verdict)])
