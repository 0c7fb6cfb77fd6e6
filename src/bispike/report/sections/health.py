"""Health: firing rates, idle units, agreement of the pathways, angle of their weights."""

from __future__ import annotations

import math

from ...figures import PATHWAYS, agreement_levels, angle_curves, firing_rates, idle_units, to_data_uri
from ...runs.record import RunRecord
from ..html import Html, figure, gallery, join, table, tag
from ..measurements import Spiking, angle_history, spiking
from ..registry import section, single_stimuli
from ..run import ReportRun
from ..wording import percent


@section("Health", order=50, applies=single_stimuli)
def health(run: ReportRun) -> Html:
    """How units fire, and how similar the two pathways are."""
    record, found = run.record, run.measure(spiking)
    figures: list[Html] = []
    notes: list[str] = []
    numbers = None
    if run.without_data:
        notes.append("Firing and agreement need the data set.")
    elif found is None:
        notes.append("A network of rates has no spikes.")
    else:
        pathways = PATHWAYS if record.trains_top_down else PATHWAYS[:1]
        figures += _firing(found, pathways)
        numbers = _numbers(found)
    if record.trains_top_down:
        angles = _angles(record)
        figures += [angles] if angles is not None else []
    else:
        notes.append(
            "Agreement of the two pathways and the angle between their weights are left out: this rule trains no "
            "top-down pathway."
        )
    return join([*[tag("p", note, class_="note") for note in notes], gallery(*figures), numbers])


def _firing(found: Spiking, pathways: tuple[str, ...]) -> list[Html]:
    layers = ", ".join(
        f"{layer.name} {100 * layer.bottom_up.rate:.0f} bottom-up"
        + (f" and {100 * layer.top_down.rate:.0f} top-down" if len(pathways) > 1 else "")
        for layer in found.health
    )
    twice = " Top-down units are counted over one template per class, so more of them stay silent."
    figures = [
        figure(
            to_data_uri(firing_rates(found.health, pathways=pathways)),
            alt=f"Spikes per 100 time steps: {layers}.",
            caption="Bars: mean over units. Thin lines: where the middle 80 % of the units lie. Few spikes cost "
            "little energy; at a rate near 0 or 100 a layer carries almost no information.",
        ),
        figure(
            to_data_uri(idle_units(found.health, pathways=pathways)),
            alt="Units that never and units that always spike, in percent of each layer.",
            caption="Units that never spike (filled) or spike at every time step for every stimulus (hatched) carry no "
            "information; the numbers are never / always in percent." + (twice if len(pathways) > 1 else ""),
        ),
    ]
    if found.agreements:
        levels = ", ".join(f"{a.name} {percent(a.own, 0)} (chance {percent(a.chance, 0)})" for a in found.agreements)
        figures.append(
            figure(
                to_data_uri(agreement_levels(found.agreements)),
                alt=f"Equal spikes of the two pathways: {levels}.",
                caption="Share of units and time steps in which the bottom-up pass of a stimulus and the top-down "
                "pass of its "
                "class are equal (spike or no spike). Compare with the vertical marks: units that rarely fire agree by "
                "chance. The filled dot should lie to the right of chance and of the hollow dot, the templates of "
                "other "
                "classes.",
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
        "independent and start near 90° (grey band: two standard deviations of random weights, at its widest). Lines "
        "that leave the band show pathways that mirror each other in part; lines near 90° show that learning works "
        "without it. The name of a line is the lower of the two populations that its weights connect. "
        f"At the end: {last}.",
    )


def _numbers(found: Spiking) -> Html:
    levels = {a.name: a for a in found.agreements}
    head = ["layer", "rate ↑", "never ↑", "always ↑"]
    if levels:
        head += ["rate ↓", "never ↓", "always ↓", "agree", "other class", "chance"]
    rows = []
    for layer in found.health:
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
