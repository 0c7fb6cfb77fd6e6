"""What the network sees: rasters of both pathways."""

from __future__ import annotations

from ...figures import raster, to_data_uri
from ..html import NEEDS_DATA, Html, figure, gallery, join, tag
from ..measurements import LayerPicture, spiking
from ..registry import section, single_stimuli
from ..run import ReportRun


@section("What it sees", order=20, applies=single_stimuli)
def sees(run: ReportRun) -> Html:
    """Rasters of both pathways."""
    if run.without_data:
        return NEEDS_DATA
    found, record = run.measure(spiking), run.record
    if found is None:
        return tag(
            "p",
            "This rule trains a network of rates (ReLU units), which has no spikes.",
            class_="note",
        )
    names = record.network.concept.names
    if record.trains_top_down:
        intro = (
            "Each mark is one spike. Left, blue: the network receives the stimulus (bottom-up). Right, orange: it "
            "receives only the class (top-down). Both sides show the same units, an evenly spaced sample of each layer."
        )
    else:
        intro = (
            "Each mark is one spike of the bottom-up pathway; the units are an evenly spaced sample of each layer. The "
            "top-down pathway is left out: this rule does not train it."
        )
    return join([tag("p", intro), gallery(*[_raster(picture, names) for picture in found.pictures])])


def _raster(picture: LayerPicture, names: tuple[str, ...]) -> Html:
    true, decided = names[picture.true], names[picture.decided]
    right = picture.true == picture.decided
    verdict = "correctly" if right else "wrongly"
    if picture.layers[0].imagined is None:
        look = "Compare with the other stimuli: units that fire for a single class carry the decision."
    elif right:
        look = "Compare row by row: the more alike the two sides are, the better the two pathways agree on this class."
    else:
        look = (
            "A mistake: look for the first layer at which the left side differs from the right side, which shows the "
            "activity expected for the true class."
        )
    return figure(
        to_data_uri(raster(picture.stimulus, picture.layers, true=true, decided=decided)),
        alt=f"Spikes for a stimulus of class {true}, decided {verdict} as {decided}.",
        caption=f"A stimulus of class “{true}”, {verdict} classified as “{decided}”. {look}",
    )
