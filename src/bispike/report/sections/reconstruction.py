"""What an autoencoder reconstructs: stimuli from their latent code, and stimuli of which a part is hidden."""

from __future__ import annotations

from ...figures import to_data_uri
from ...figures.recall import completion_figure, image_rows
from ..html import NEEDS_DATA, Html, figure, gallery
from ..measurements import PASSES, reconstructed
from ..registry import autoencoders, section
from ..run import ReportRun
from ..wording import number


@section("What it reconstructs", order=45, applies=autoencoders)
def reconstructs(run: ReportRun) -> Html:
    """Stimuli beside their reconstructions, and completed cues."""
    found = run.measure(reconstructed)
    if found is None:
        return NEEDS_DATA
    names = ", ".join(found.names)
    figures = [
        figure(
            to_data_uri(image_rows([("stimulus", found.stimuli), ("reconstruction", found.reconstructed)])),
            alt=f"Stimuli of the classes {names}, and below each its reconstruction.",
            caption="Above: test stimuli. Below: what the top-down pathway reconstructs from the spikes of the "
            "latent code "
            f"alone. Mean squared error {number(found.error, '.4f')} on the test stimuli of this report.",
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
                caption="The lower half of a test stimulus is hidden. After each bottom-up and top-down pass the "
                "reconstruction "
                "fills in the hidden half.",
                wide=True,
            )
        )
    return gallery(*figures)
