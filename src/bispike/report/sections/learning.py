"""Learning: loss and accuracy from epoch to epoch."""

from __future__ import annotations

from ...figures import accuracy_curve, layer_loss_curves, layer_loss_names, loss_curve, to_data_uri
from ..html import Html, figure, gallery, tag
from ..registry import section, single_stimuli
from ..run import ReportRun
from ..wording import counted, number, percent


@section("Learning", order=10, applies=single_stimuli)
def learning(run: ReportRun) -> Html:
    """Curves of the log."""
    record = run.record
    metrics = record.metrics
    if not metrics:
        return tag("p", "No epoch has ended yet, so there is nothing to draw.", class_="note")
    first, last = metrics[0], metrics[-1]
    figures = [
        figure(
            to_data_uri(loss_curve(metrics)),
            alt=f"Loss at the top over {counted(len(metrics), 'epoch')}, from "
            f"{number(first.get('loss'), '.3g')} to {number(last.get('loss'), '.3g')}.",
            caption="The loss of the decision at the top. It should fall and level off; a curve that still falls at "
            "the end has not finished learning, one that jumps has too high a learning rate.",
        ),
        figure(
            to_data_uri(accuracy_curve(metrics, guessing=1 / record.network.concept.classes)),
            alt=f"Accuracy over epochs: training ends at {percent(last.get('train_accuracy'))}, "
            f"validation at {percent(last.get('validation'))}.",
            caption="Share of correct decisions on the training samples (measured while the weights still change) "
            "and on "
            "the validation samples. A growing gap between the two means that the network memorises.",
        ),
    ]
    layers = layer_loss_names(metrics)
    if layers:
        figures.append(
            figure(
                to_data_uri(layer_loss_curves(metrics)),
                alt=f"Local loss of {', '.join(layers)} over epochs, relative to the first epoch.",
                caption="Each layer has a loss of its own, which makes the features of its two pathways alike for "
                "the same class and different for others. No error travels between layers, so every curve must "
                "fall on its own. It does not reach 0: the features of a class's stimuli differ."
                + (" “recall” is the error of the recalled stimulus." if "recall" in layers else ""),
            )
        )
    return gallery(*figures)
