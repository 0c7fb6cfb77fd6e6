"""What the network sees (rasters) and what it does (decisions, affinity)."""

from __future__ import annotations

from torch import Tensor

from ...analysis import accuracy, frequent_confusions, per_class_accuracy, summarise_affinity
from ...figures import affinity_pair, confusion_heatmap, raster, to_data_uri
from ...runs.record import RunRecord
from ..html import Html, figure, gallery, join, table, tag
from ..measurements import LayerAffinity, LayerPicture, Measurements
from .wording import number, percent

NEEDS_DATA = tag("p", "Needs the data set.", class_="note")


def sees(record: RunRecord, measured: Measurements | None) -> Html:
    """Rasters of both pathways."""
    if measured is None:
        return NEEDS_DATA
    if measured.spiking is None:
        return tag(
            "p",
            "This rule trains a network of rates (ReLU units), which has no spikes and so no raster.",
            class_="note",
        )
    names = record.network.concept.names
    pictures = measured.spiking.pictures
    if record.trains_top_down:
        intro = (
            "Each mark is one spike. Left in blue: the network looks at the stimulus (bottom-up). Right in orange: "
            "it is given only the class and imagines (top-down). The same units are shown on both sides, evenly "
            "spaced samples of each layer."
        )
    else:
        intro = (
            "Each mark is one spike of the bottom-up pathway; units are evenly spaced samples of each layer. The "
            "top-down pathway is left out: this rule does not train it."
        )
    return join([tag("p", intro), gallery(*[_raster(picture, names) for picture in pictures])])


def _raster(picture: LayerPicture, names: tuple[str, ...]) -> Html:
    true, decided = names[picture.true], names[picture.decided]
    right = picture.true == picture.decided
    verdict = "correctly" if right else "wrongly"
    if picture.layers[0].imagined is None:
        look = "Compare with the other stimuli: units that fire for one class only carry the decision."
    elif right:
        look = (
            "Compare row by row: the more the right side repeats the left one, the better the two pathways agree "
            "on this class."
        )
    else:
        look = (
            "A mistake: look for the layer at which the left side stops resembling the right one, which is what "
            "the true class should look like."
        )
    return figure(
        to_data_uri(raster(picture.stimulus, picture.layers, true=true, decided=decided)),
        alt=f"Spikes for a stimulus of class {true}, decided {verdict} as {decided}.",
        caption=f"A stimulus of class “{true}”, {verdict} taken for “{decided}”. {look}",
    )


def does(record: RunRecord, measured: Measurements | None) -> Html:
    """Decisions and affinity."""
    matrix = record.confusion
    counted = "all"
    if matrix is None and measured is not None:
        matrix = measured.confusion
        counted = f"{measured.samples:,} of the {measured.test_size:,}"
    parts = [
        NEEDS_DATA if matrix is None else _confusion(record, matrix, counted),
        _affinity(record, measured) if measured is not None else None,
    ]
    return join(parts)


def _confusion(record: RunRecord, matrix: Tensor, counted: str) -> Html:
    names = record.network.concept.names
    shares = per_class_accuracy(matrix)
    known = [(float(s), name) for s, name in zip(shares, names, strict=True) if s == s]
    mistakes = "; ".join(
        f"“{names[c.true]}” taken for “{names[c.decided]}” ({c.count}×)" for c in frequent_confusions(matrix)
    )
    best, worst = max(known), min(known)
    part = f"{counted} {int(matrix.sum()):,}" if counted == "all" else counted
    return gallery(
        figure(
            to_data_uri(confusion_heatmap(matrix, names)),
            alt=f"Confusion matrix of {len(names)} classes, {percent(accuracy(matrix))} on the diagonal.",
            caption=join(
                [
                    f"Every row is a true class, every column a decision, on {part} test stimuli; numbers are counts, "
                    f"and {percent(accuracy(matrix))} of them lie on the diagonal, which means correct. "
                    f"Easiest: “{best[1]}” ({percent(best[0], 0)}), hardest: “{worst[1]}” ({percent(worst[0], 0)}). ",
                    f"Most frequent mistakes: {mistakes}." if mistakes else "There are no mistakes among them.",
                ]
            ),
            wide=True,
        )
    )


def _affinity(record: RunRecord, measured: Measurements) -> Html:
    if measured.spiking is None or not record.trains_top_down:
        why = "this network has no spikes" if record.trains_top_down else "this rule trains no top-down pathway"
        return tag("p", f"The affinity of the two pathways is not shown: {why}.", class_="note")
    names = record.network.concept.names
    pairs = measured.spiking.affinities
    return join(
        [
            tag("h4", "Affinity of the two pathways"),
            tag(
                "p",
                "How similar is what a layer sees of a class (mean firing rates, rows) to what it imagines for each "
                "class (template, columns)? 1 is the same pattern, 0 unrelated, −1 opposite; what all classes share "
                "is subtracted first. A layer that has learned shows a diagonal.",
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
        caption=f"{pair.name}: mean cosine with the own class's template {own}{before}, with other classes' "
        f"{other}. Orange cells off the diagonal are classes that the layer holds to be alike.",
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
    head = ["layer", "own, before", "own, after", "other, before", "other, after", "own is nearest"]
    return table(head, rows, numeric=range(1, 6))
