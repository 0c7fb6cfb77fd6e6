"""Learning of a run on sequences: loss and accuracy or error from epoch to epoch."""

from __future__ import annotations

from ...figures import accuracy_curve, layer_loss_curves, layer_loss_names, loss_curve, to_data_uri
from ...figures.sequences import error_curve
from ..html import Html, figure, gallery, tag
from ..registry import section, sequences
from ..run import ReportRun
from ..wording import counted, number, percent


@section("Learning", order=10, applies=sequences)
def sequence_learning(run: ReportRun) -> Html:
    """Curves of the log."""
    record = run.record
    metrics = record.metrics
    if not metrics:
        return tag("p", "No epoch has ended yet, so there is nothing to draw.", class_="note")
    last = metrics[-1]
    figures = [
        figure(
            to_data_uri(loss_curve(metrics)),
            alt=f"Loss at the top over {counted(len(metrics), 'epoch')}, ending at {number(last.get('loss'), '.3g')}.",
            caption="The loss at the top, a mean over positions.",
        )
    ]
    if "mse" in last:
        figures.append(
            figure(
                to_data_uri(error_curve(metrics)),
                alt=f"Validation error over epochs, ending at {number(last.get('mse'), '.4f')}.",
                caption="Mean squared error on the validation part, the end of the training data.",
            )
        )
    else:
        figures.append(
            figure(
                to_data_uri(accuracy_curve(metrics, guessing=1 / record.network.concept.classes)),
                alt=f"Accuracy over epochs: validation ends at {percent(last.get('validation'))}.",
                caption="Share of correct decisions: characters, or classes of sequences.",
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
