"""Health: firing rates, idle units, agreement of the pathways, angle of their weights."""

from __future__ import annotations

import math

from ...figures import PATHWAYS, agreement_levels, angle_curves, firing_rates, idle_units, to_data_uri
from ...runs.record import RunRecord
from ..html import Html, figure, gallery, join, table, tag
from ..measurements import Measurements, Spiking, angle_history
from .wording import percent


def health(record: RunRecord, measured: Measurements | None) -> Html:
    """What spikes do, and how far the two pathways are alike."""
    figures: list[Html] = []
    notes: list[str] = []
    numbers = None
    if measured is None:
        notes.append("Firing and agreement need the data set.")
    elif measured.spiking is None:
        notes.append("A network of rates has no firing to examine.")
    else:
        pathways = PATHWAYS if record.trains_top_down else PATHWAYS[:1]
        figures += _firing(measured.spiking, pathways)
        numbers = _numbers(measured.spiking)
    if record.trains_top_down:
        angles = _angles(record)
        figures += [angles] if angles is not None else []
    else:
        notes.append(
            "Agreement of the two pathways and the angle between their weights are left out: this rule trains no "
            "top-down pathway."
        )
    return join([*[tag("p", note, class_="note") for note in notes], gallery(*figures), numbers])


def _firing(spiking: Spiking, pathways: tuple[str, ...]) -> list[Html]:
    layers = ", ".join(
        f"{layer.name} {100 * layer.bottom_up.rate:.0f} bottom-up"
        + (f" and {100 * layer.top_down.rate:.0f} top-down" if len(pathways) > 1 else "")
        for layer in spiking.health
    )
    twice = " Top-down counts are over one imagination a class, so more units stay silent there."
    figures = [
        figure(
            to_data_uri(firing_rates(spiking.health, pathways=pathways)),
            alt=f"Spikes per 100 time steps: {layers}.",
            caption="Bars: mean over units. Thin lines: where the middle 80 % of the units lie. Few spikes cost "
            "little energy; a rate near 0 or 100 says that a layer has fallen silent or fires blindly.",
        ),
        figure(
            to_data_uri(idle_units(spiking.health, pathways=pathways)),
            alt="Units that never and units that always spike, in percent of each layer.",
            caption="Units that never spike (filled) or spike at every step for everything (hatched) carry no "
            "information; the numbers are never / always in percent." + (twice if len(pathways) > 1 else ""),
        ),
    ]
    if spiking.agreements:
        levels = ", ".join(f"{a.name} {percent(a.own, 0)} (chance {percent(a.chance, 0)})" for a in spiking.agreements)
        figures.append(
            figure(
                to_data_uri(agreement_levels(spiking.agreements)),
                alt=f"Equal spikes of the two pathways: {levels}.",
                caption="Share of units and time steps in which looking at a stimulus and imagining its class give "
                "the same (spike or no spike). Read it against the upright marks: units that fire rarely agree by "
                "chance alone. What counts is how far the filled dot lies to the right of chance and of the hollow "
                "dot, the imagination of other classes.",
            )
        )
    return figures


def _angles(record: RunRecord) -> Html | None:
    angles, spreads = angle_history(record)
    angles = {name: points for name, points in angles.items() if any(math.isfinite(v) for _, v in points)}
    if not angles:
        return None
    last = ", ".join(f"{name} {points[-1][1]:.0f}°" for name, points in angles.items())
    return figure(
        to_data_uri(angle_curves(angles, spreads)),
        alt=f"Angle between W and the transposed top-down weights at the end: {last}.",
        caption="Backpropagation needs top-down weights that mirror the bottom-up ones (0°). Here both are "
        "independent and start unrelated, near 90° (grey band: two standard deviations of random weights, where "
        "it is widest). Lines that leave the band show pathways that have come to mirror each other in part; lines "
        "near 90° show that learning works without it. A line is named after the lower of the two populations "
        f"that its weights join. At the end: {last}.",
    )


def _numbers(spiking: Spiking) -> Html:
    levels = {a.name: a for a in spiking.agreements}
    head = ["layer", "rate ↑", "never ↑", "always ↑"]
    if levels:
        head += ["rate ↓", "never ↓", "always ↓", "agree", "other class", "chance"]
    rows = []
    for layer in spiking.health:
        up, down = layer.bottom_up, layer.top_down
        row = [layer.name, f"{up.rate:.3f}", percent(up.dead), percent(up.saturated)]
        if levels:
            level = levels[layer.name]
            row += [f"{down.rate:.3f}", percent(down.dead), percent(down.saturated)]
            row += [percent(v) for v in (level.own, level.other, level.chance)]
        rows.append(row)
    arrows = "↑ bottom-up, ↓ top-down" if levels else "↑ bottom-up"
    legend = tag("p", f"{arrows}; rates in spikes per unit and time step.", class_="note")
    return join([table(head, rows, numeric=range(1, len(head))), legend])
