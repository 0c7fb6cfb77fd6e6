"""What the network does: its decisions, and the affinity of its pathways."""

from __future__ import annotations

from torch import Tensor

from ...analysis import accuracy, frequent_confusions, per_class_accuracy, summarise_affinity
from ...figures import affinity_pair, confusion_heatmap, to_data_uri
from ...runs.record import RunRecord
from ..html import NEEDS_DATA, Html, figure, gallery, join, table, tag
from ..measurements import LayerAffinity, Spiking, all_tested, confusion, sample, spiking
from ..registry import section, single_stimuli
from ..run import ReportRun
from ..wording import number, percent


@section("What it does", order=30, applies=single_stimuli)
def does(run: ReportRun) -> Html:
    """Decisions and affinity."""
    record = run.record
    matrix, counted = record.confusion, "all"
    if matrix is None and not run.without_data:
        matrix = run.need(confusion)
        counted = f"{len(run.need(sample)[1]):,} of the {run.need(all_tested):,}"
    parts = [
        NEEDS_DATA if matrix is None else _confusion(record, matrix, counted),
        None if run.without_data else _affinity(record, run.measure(spiking)),
    ]
    return join(parts)


def _confusion(record: RunRecord, matrix: Tensor, counted: str) -> Html:
    names = record.network.concept.names
    shares = per_class_accuracy(matrix)
    known = [(float(s), name) for s, name in zip(shares, names, strict=True) if s == s]
    mistakes = "; ".join(
        f"“{names[c.true]}” classified as “{names[c.decided]}” ({c.count}×)" for c in frequent_confusions(matrix)
    )
    best, worst = max(known), min(known)
    part = f"{counted} {int(matrix.sum()):,}" if counted == "all" else counted
    return gallery(
        figure(
            to_data_uri(confusion_heatmap(matrix, names)),
            alt=f"Confusion matrix of {len(names)} classes, {percent(accuracy(matrix))} on the diagonal.",
            caption=join(
                [
                    f"Rows: true class; columns: decision. Numbers are counts of {part} test stimuli; "
                    f"{percent(accuracy(matrix))} of them lie on the diagonal, which means correct. "
                    f"Easiest: “{best[1]}” ({percent(best[0], 0)}), hardest: “{worst[1]}” ({percent(worst[0], 0)}). ",
                    f"Most frequent mistakes: {mistakes}." if mistakes else "There are no mistakes among them.",
                ]
            ),
            wide=True,
        )
    )


def _affinity(record: RunRecord, found: Spiking | None) -> Html:
    if found is None or not record.trains_top_down:
        why = "this network has no spikes" if record.trains_top_down else "this rule trains no top-down pathway"
        return tag("p", f"The affinity of the two pathways is not shown: {why}.", class_="note")
    names = record.network.concept.names
    pairs = found.affinities
    return join(
        [
            tag("h4", "Affinity of the two pathways"),
            tag(
                "p",
                "Cosine similarity between the mean bottom-up firing rates of each class (rows) and the top-down "
                "activity "
                "of each class, its template (columns). 1: same pattern, 0: unrelated, −1: opposite. The mean over all "
                "classes is subtracted first. A layer that has learned shows a diagonal.",
            ),
            gallery(*[_affinity_figure(pair, names) for pair in pairs]),
            _affinity_table(pairs),
        ]
    )


def _affinity_figure(pair: LayerAffinity, names: tuple[str, ...]) -> Html:
    after = summarise_affinity(pair.after)
    own, other = number(after.own, "z.2f"), number(after.other, "z.2f")
    before = ""
    if pair.before is not None:
        before = f" (before training {number(summarise_affinity(pair.before).own, 'z.2f')})"
    return figure(
        to_data_uri(affinity_pair(pair.before, pair.after, names, layer=pair.name)),
        alt=f"Class affinity of {pair.name} before and after training; mean on the diagonal {own}{before}.",
        caption=f"{pair.name}: mean cosine with the template of the same class {own}{before}, of other classes "
        f"{other}. Orange cells off the diagonal: classes that are similar for this layer.",
    )


def _affinity_table(pairs: list[LayerAffinity]) -> Html:
    rows = []
    for pair in pairs:
        after = summarise_affinity(pair.after)
        before = None if pair.before is None else summarise_affinity(pair.before)
        rows.append(
            [
                pair.name,
                number(before.own if before else None, "z.2f"),
                number(after.own, "z.2f"),
                number(before.other if before else None, "z.2f"),
                number(after.other, "z.2f"),
                percent(after.matched, 0),
            ]
        )
    head = ["layer", "own, before", "own, after", "other, before", "other, after", "own is most similar"]
    return table(head, rows, numeric=range(1, 6))
