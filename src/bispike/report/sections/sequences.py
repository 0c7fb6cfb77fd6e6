"""Sections of a run on sequences: how it learned, what it forecasts, how it fires, what memory it takes."""

from __future__ import annotations

from ...figures import accuracy_curve, confusion_heatmap, layer_loss_curves, layer_loss_names, loss_curve, to_data_uri
from ...figures.sequences import error_curve, forecast_curves, memory_over_lengths, rates_over_positions
from ...runs.record import RunRecord
from ..forecasts import SEQUENCES, SequenceMeasurements
from ..html import Html, figure, gallery, join, table, tag
from .behaviour import NEEDS_DATA
from .wording import counted, number, percent

NAMES = {"mse": "MSE", "mae": "MAE", "mase": "MASE", "smape": "sMAPE %", "bits": "bits a character"}
MOST_SYMBOLS = 40  # of a confusion matrix that can still be read


def summary_of(record: RunRecord) -> Html:
    """The result in one sentence, and the protocol where it matters."""
    summary = record.summary
    if not summary:
        return tag("p", f"This training has not ended: {counted(len(record.metrics), 'epoch')}.", class_="lead")
    epochs, rule, dataset = counted(len(record.metrics), "epoch"), record.config["rule"], record.config["dataset"]
    measures = summary.get("measures", {}).get("test", {})
    if summary.get("test") is None:
        return tag("p", f"After {epochs} of {rule} on {dataset}; the test part was not looked at.", class_="lead")
    if summary["metric"] == "accuracy":
        said = (
            f"After {epochs} of {rule} the network forecasts {percent(summary['test'])} of the characters of the test "
            f"part of {dataset} rightly ({number(measures.get('bits'), '.3f')} bits a character)."
        )
    else:
        said = (
            f"After {epochs} of {rule} the error on the test part of {dataset} is {number(measures.get('mse'), '.4f')} "
            f"(MSE in deviations²), {number(measures.get('mase'), '.3f')} times a usual step (MASE)."
        )
    marked = None
    if summary.get("protocol") == "paper":
        marked = tag(
            "p",
            "Protocol “paper”: the whole series scales the data and the test part chose the epoch. Compare these "
            "numbers with the published table and with nothing else.",
            class_="note",
        )
    return join([tag("p", said, class_="lead"), marked])


def learning(record: RunRecord) -> Html:
    """Curves of the log."""
    metrics = record.metrics
    if not metrics:
        return tag("p", "No epoch has ended yet, so there is nothing to draw.", class_="note")
    last = metrics[-1]
    figures = [
        figure(
            to_data_uri(loss_curve(metrics)),
            alt=f"Loss at the top over {counted(len(metrics), 'epoch')}, ending at {number(last.get('loss'), '.3g')}.",
            caption="The loss of what is said at the top, a mean over positions.",
        )
    ]
    if "mse" in last:
        figures.append(
            figure(
                to_data_uri(error_curve(metrics)),
                alt=f"Validation error over epochs, ending at {number(last.get('mse'), '.4f')}.",
                caption="Mean squared error on the held-out end of the training part.",
            )
        )
    else:
        figures.append(
            figure(
                to_data_uri(accuracy_curve(metrics, guessing=1 / record.network.concept.classes)),
                alt=f"Accuracy over epochs: validation ends at {percent(last.get('validation'))}.",
                caption="Share of right decisions: characters forecast, or recordings named.",
            )
        )
    if layer_loss_names(metrics):
        figures.append(
            figure(
                to_data_uri(layer_loss_curves(metrics)),
                alt="Local losses over epochs, relative to the first epoch.",
                caption="Each layer has a loss of its own at each position; no error travels between them.",
            )
        )
    return gallery(*figures)


def forecasts(record: RunRecord, found: SequenceMeasurements | None) -> Html:
    """Texts that were written on, or curves beside the truth, with the baselines."""
    parts: list[Html | None] = [_baselines(record)]
    if found is None:
        return join([*parts, NEEDS_DATA])
    if found.curves:
        horizon = int(record.summary.get("horizon", 1))
        curves = [(curve.name, curve.true, curve.forecast) for curve in found.curves]
        names = ", ".join(curve.name for curve in found.curves)
        parts.append(
            gallery(
                figure(
                    to_data_uri(forecast_curves(curves, horizon=horizon)),
                    alt=f"True and forecast values of {names} over the beginning of the test part.",
                    caption="Grey: what came. Blue: what the network had said. A blue curve that only follows the grey "
                    "one, shifted to the right, has learned no more than the last value.",
                    wide=True,
                )
            )
        )
    for temperature, written in found.written.items():
        how = "the likeliest characters" if temperature == 0 else f"drawn at temperature {temperature}"
        parts += [
            tag("h4", f"Written on: {how}"),
            tag("pre", f"{found.beginning}▸{written}"),
        ]
    matrix = record.confusion
    if matrix is not None and len(matrix) <= MOST_SYMBOLS:
        names_of = [repr(name)[1:-1] for name in record.network.concept.names]
        of = "characters" if found.written else "classes"
        parts.append(
            gallery(
                figure(
                    to_data_uri(confusion_heatmap(matrix, names_of)),
                    alt=f"Confusion matrix of {len(names_of)} {of}.",
                    caption="Rows: what came. Columns: what was said of it.",
                    wide=True,
                )
            )
        )
    return join(parts)


def _baselines(record: RunRecord) -> Html | None:
    """The network's measures beside those of simple models of the same windows."""
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
    return join([tag("h4", "Beside simple models"), made, tag("p", verdict)])


def firing(found: SequenceMeasurements | None) -> Html:
    """Firing over positions."""
    if found is None:
        return NEEDS_DATA
    if not found.rates:
        return tag("p", "This rule trains a network of rates, which has no spikes.", class_="note")
    means = ", ".join(f"{name} {100 * float(rates.mean()):.1f}" for name, rates in found.rates.items())
    return gallery(
        figure(
            to_data_uri(rates_over_positions(found.rates)),
            alt=f"Firing rate over positions; means per 100 time steps: {means}.",
            caption="Mean over units and sequences. The first positions have little to remember; a curve that rises to "
            "100 or falls to 0 says that the recurrent synapses have lost their balance.",
        )
    )


def memory(found: SequenceMeasurements | None) -> Html:
    """Memory of a step against the length of the sequences."""
    if found is None:
        return NEEDS_DATA
    lengths = list(next(iter(found.memory.values())))
    rows: list[list[object]] = []
    for rule, sizes in found.memory.items():
        growth = number(sizes[lengths[-1]] / sizes[lengths[0]], ".2f")
        rows.append([rule, *[number(sizes[length] / 2**20, ".1f") for length in lengths], f"{growth} ×"])
    header = ["rule", *[f"{length} positions, MiB" for length in lengths], f"{lengths[-1]} against {lengths[0]}"]
    said = "; ".join(f"{row[0]} takes {row[-1]} as much at {lengths[-1]} as at {lengths[0]} positions" for row in rows)
    drawn = figure(
        to_data_uri(memory_over_lengths(found.memory)),
        alt=f"Memory of a training step against the length of the sequences: {said}.",
        caption=f"Tensors alive at once beyond weights, gradients and the batch, for {SEQUENCES} random sequences "
        "in new networks of this shape. A rule that goes back through the positions keeps all of them.",
    )
    return join([gallery(drawn), table(header, rows, numeric=range(1, len(header)))])
