"""Firing of a run on sequences: rates from position to position."""

from __future__ import annotations

from ...figures import sequences as drawn
from ...figures import to_data_uri
from ..html import NEEDS_DATA, Html, figure, gallery, tag
from ..registry import section, sequences
from ..run import ReportRun
from ..sequence_measurements import rates_over_positions


@section("Firing", order=30, applies=sequences)
def firing(run: ReportRun) -> Html:
    """Firing over positions."""
    found = run.measure(rates_over_positions)
    if found is None:
        return NEEDS_DATA
    if not found:
        return tag("p", "This rule trains a network of rates, which has no spikes.", class_="note")
    means = ", ".join(f"{name} {100 * float(rates.mean()):.1f}" for name, rates in found.items())
    return gallery(
        figure(
            to_data_uri(drawn.rates_over_positions(found)),
            alt=f"Firing rate over positions; means per 100 time steps: {means}.",
            caption="Mean over units and sequences. A curve that rises to 100 or falls to 0 shows that the recurrent "
            "synapses excite or inhibit too much.",
        )
    )
