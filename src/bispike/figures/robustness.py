"""Robustness of several runs: accuracy by kind of damage, and by the share of spikes that is lost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from matplotlib.figure import Figure

from .canvas import MARKERS, SERIES, canvas, label_text, styled

DASHES = ("-", "--", ":", "-.")


class Row(Protocol):
    """What is drawn of a row: shares of 1."""

    @property
    def name(self) -> str: ...
    @property
    def clean(self) -> float: ...
    @property
    def corruptions(self) -> Mapping[str, float]: ...
    @property
    def spike_loss(self) -> Sequence[float]: ...


@styled
def robustness_of_rows(rows: Sequence[Row], *, losses: Sequence[float], split: str) -> Figure:
    """One mark and one line per row: for each kind of damage (mean over severities), over the share of lost spikes.

    Args:
        rows: at least one.
        losses: probabilities of `spike_loss`.
        split: which data, in words.
    """
    kinds = list(dict.fromkeys(kind for row in rows for kind in row.corruptions))
    figure = canvas(width=7.8, height=3.3 + 0.2 * ((len(rows) - 1) // 4))
    left, right = figure.subplots(1, 2, sharey=True)
    for i, row in enumerate(rows):
        colour, marker = SERIES[i % len(SERIES)], MARKERS[i % len(MARKERS)]
        known = [(place, row.corruptions[kind]) for place, kind in enumerate(kinds, 1) if kind in row.corruptions]
        aside = 0.5 * (i - (len(rows) - 1) / 2) / len(rows)
        places, shares = zip((0, row.clean), *known, strict=True)
        left.plot([place + aside for place in places], [100 * share for share in shares], marker, color=colour)
        right.plot(
            [0, *(100 * p for p in losses)],
            [100 * share for share in (row.clean, *row.spike_loss)],
            color=colour,
            marker=marker,
            linestyle=DASHES[i // len(SERIES) % len(DASHES)],
            label=label_text(row.name, 24),
        )
    left.set_xticks(range(len(kinds) + 1), ["none", *(kind.replace("gaussian-", "") for kind in kinds)])
    left.set_xlabel("damage of the stimulus (mean over five severities)")
    left.set_ylabel(f"{split} accuracy (%)")
    left.set_title("Damaged stimuli")
    left.set_ylim(bottom=0)
    right.set_xlabel("spikes or values lost in every layer (%)")
    right.set_title("Lost spikes")
    figure.legend(loc="outside lower center", ncols=min(4, len(rows)))
    return figure
