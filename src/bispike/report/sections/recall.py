"""What the network recalls: of a class, of a stimulus that went up an autoencoder, of a cue."""

from __future__ import annotations

from ...figures import recall_gallery, to_data_uri
from ...figures.recall import completion_figure, image_rows
from ...runs.record import RunRecord
from ..html import Html, figure, gallery, join, tag
from ..measurements import PASSES, Measurements, Reconstructed
from .behaviour import NEEDS_DATA
from .wording import number, percent

RECALL_ROWS = 5  # classes in one picture of recalled stimuli


def recalls(record: RunRecord, measured: Measurements | None) -> Html:
    """Recalled stimuli beside class means and examples."""
    if measured is None:
        return NEEDS_DATA
    if measured.recalled is None:
        return tag(
            "p",
            "Nothing to show: this rule trains no top-down pathway, so a class calls up noise.",
            class_="note",
        )
    recalled = measured.recalled
    rows = recalled.rows
    figures = []
    for start in range(0, len(rows), RECALL_ROWS):
        part = rows[start : start + RECALL_ROWS]
        figures.append(
            figure(
                to_data_uri(recall_gallery(part, low=recalled.low, high=recalled.high)),
                alt=f"Recalled stimuli of the classes {', '.join(row.name for row in part)}, beside class means and "
                "examples.",
                caption="First column: what the network calls up when it is given only the class. Second: the mean "
                "of the class's stimuli. The others: single stimuli. A class has one recalled stimulus, so at best "
                "it is the typical one."
                if start == 0
                else "As before, for further classes.",
            )
        )
    shown = len(rows)
    classes = record.network.concept.classes
    limited = f" The first {shown} of {classes} classes are shown." if shown < classes else ""
    summary = (
        f"Correlation of the recalled stimulus with the mean of its own class: {recalled.match.own:.2f} on average; "
        f"for {percent(recalled.match.matched, 0)} of the classes the own mean is the most similar of all.{limited}"
    )
    parts = [tag("p", summary), gallery(*figures)]
    return join([*parts, _reconstructed(measured.reconstructed)] if measured.reconstructed else parts)


def _reconstructed(found: Reconstructed) -> Html:
    """Stimuli beside what came down of them, and completed cues."""
    names = ", ".join(found.names)
    figures = [
        figure(
            to_data_uri(image_rows([("went up", found.stimuli), ("came down", found.reconstructed)])),
            alt=f"Stimuli of the classes {names}, and below each what came down of it.",
            caption="Above: test stimuli as they went up. Below: what the top-down pathway makes of the spikes of the "
            f"latent code alone. Mean squared error {number(found.error, '.4f')} on the test stimuli looked at here.",
            wide=True,
        )
    ]
    if found.cues is not None:
        shown = found.names[: len(found.cues)]
        figures.append(
            figure(
                to_data_uri(completion_figure(found.cues, found.passes, found.stimuli[: len(found.cues)], names=shown)),
                alt=f"Cues of the classes {', '.join(shown)} with the lower half hidden, completed in {PASSES} passes, "
                "beside the originals.",
                caption="The lower half of a test stimulus is hidden. What goes up comes down as a whole, fills in the "
                "hidden half and goes up again.",
                wide=True,
            )
        )
    return join([tag("h4", "What comes down again"), gallery(*figures)])
