"""Everything that a report says about one run beyond its log, measured on a few hundred test stimuli.

The same stimuli go through the trained network and through the network as it was before training.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ..analysis import (
    Agreement,
    LayerFiring,
    RecallMatch,
    agreement,
    class_affinity,
    class_means,
    confusion_matrix,
    firing_health,
    pathway_angles,
    read_layers,
    recall_match,
)
from ..data import Dataset
from ..experiments.untrained import settled
from ..figures import Raster, Recollection
from ..functional.cues import half_cue
from ..memory import complete
from ..nn import Autoencoder, Network
from ..runs.record import RunRecord

SAMPLES = 400  # stimuli of the analyses
SHOWN_STIMULI = 4  # with a raster
SHOWN_UNITS = 24  # of each layer in a raster
SHOWN_CLASSES = 20  # in the gallery of recalled stimuli
SHOWN_EXAMPLES = 3  # of each class in the gallery
SHOWN_PAIRS = 10  # stimuli beside what came down of them
SHOWN_CUES = 3  # completed
PASSES = 3  # up and down, to complete one
BATCH = 64


@dataclass(frozen=True)
class LayerPicture:
    """Raster of one stimulus: what it is, what was decided, the spikes of every layer."""

    stimulus: Tensor
    true: int
    decided: int
    layers: list[Raster]


@dataclass(frozen=True)
class LayerAffinity:
    """Centred class affinity of one layer; `before` is None when the initial weights were not kept."""

    name: str
    before: Tensor | None
    after: Tensor


@dataclass(frozen=True)
class Spiking:
    """What needs both spiking pathways."""

    pictures: list[LayerPicture]
    affinities: list[LayerAffinity]
    health: list[LayerFiring]
    agreements: list[Agreement]


@dataclass(frozen=True)
class Recalled:
    """What the classes call up; values are drawn from `low` (black) to `high` (white)."""

    rows: list[Recollection]
    match: RecallMatch
    low: float
    high: float


@dataclass(frozen=True)
class Reconstructed:
    """What comes down of what went up an autoencoder.

    Args:
        names: of the classes of the stimuli.
        stimuli, reconstructed: `[N, *shape]`.
        error: mean squared, of all the samples.
        cues: the first stimuli with their lower half hidden; None if the stimuli are not images.
        passes: what stands there after each pass up and down.
    """

    names: list[str]
    stimuli: Tensor
    reconstructed: Tensor
    error: float
    cues: Tensor | None
    passes: Sequence[Tensor]


@dataclass(frozen=True)
class Measurements:
    """All measurements of one run; a part is None where the network or the rule does not have it."""

    samples: int
    test_size: int
    confusion: Tensor
    spiking: Spiking | None
    recalled: Recalled | None
    reconstructed: Reconstructed | None


def measure(record: RunRecord, data: Dataset, *, samples: int = SAMPLES) -> Measurements:
    """Run the analyses of a report on `samples` test stimuli, with the class proportions of all."""
    network = record.network
    chosen = data.test.spread_rows(samples)
    stimuli, labels = data.test[chosen]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)  # stochastic stimulus codes: the same report from the same run
        decisions = torch.cat([network.perceive(part).cpu() for part in stimuli.split(BATCH)])
        spiking = None
        if network.signals.spiking:
            spiking = _spiking(record, stimuli, labels, decisions)
        recalled = _recalled(network, stimuli, labels) if record.trains_top_down else None
        reconstructed = _reconstructed(network, stimuli, labels) if isinstance(network, Autoencoder) else None
    return Measurements(
        samples=len(labels),
        test_size=len(data.test),
        confusion=confusion_matrix(labels, decisions, network.concept.classes),
        spiking=spiking,
        recalled=recalled,
        reconstructed=reconstructed,
    )


def _spiking(record: RunRecord, stimuli: Tensor, labels: Tensor, decisions: Tensor) -> Spiking:
    network = record.network
    readings = read_layers(network, stimuli, batch_size=BATCH)
    affinities = []
    if record.trains_top_down:
        earlier: Sequence[Tensor | None] = [None] * len(readings)
        if record.initial is not None:
            untrained = read_layers(settled(record.initial, stimuli), stimuli, batch_size=BATCH)
            earlier = [class_affinity(reading, labels, centred=True) for reading in untrained]
        affinities = [
            LayerAffinity(reading.name, before, class_affinity(reading, labels, centred=True))
            for reading, before in zip(readings, earlier, strict=True)
        ]
    return Spiking(
        pictures=_pictures(record, stimuli, labels, decisions),
        affinities=affinities,
        health=firing_health(readings),
        agreements=agreement(readings, labels) if record.trains_top_down else [],
    )


def _pictures(record: RunRecord, stimuli: Tensor, labels: Tensor, decisions: Tensor) -> list[LayerPicture]:
    """Rasters of stimuli that are decided rightly, each of another class, and of one mistake if there is one."""
    right = (decisions == labels).nonzero()[:, 0].tolist()
    firsts = list({int(labels[row]): row for row in reversed(right)}.values())[::-1]
    wrong = (decisions != labels).nonzero()[:1, 0].tolist()
    rows = [*firsts[: SHOWN_STIMULI - len(wrong)], *wrong]
    seen = record.network.observe(stimuli[rows])
    imagined = record.network.imagine(labels[rows])
    pictures = []
    for k, row in enumerate(rows):
        layers = []
        for up, down in zip(seen, imagined, strict=True):
            trains, template = up.spikes[:, k].flatten(1), down.spikes[:, k].flatten(1)
            units = torch.linspace(0, trains.shape[1] - 1, min(SHOWN_UNITS, trains.shape[1])).long()
            layers.append(Raster(up.name, trains[:, units], template[:, units] if record.trains_top_down else None))
        pictures.append(LayerPicture(stimuli[row], int(labels[row]), int(decisions[row]), layers))
    return pictures


def _recalled(network: Network, stimuli: Tensor, labels: Tensor) -> Recalled:
    classes = network.concept.classes
    recalled = network.recall(torch.arange(classes)).cpu()
    means = class_means(stimuli, labels, classes)
    rows = [
        Recollection(
            name=network.concept.names[c],
            recalled=recalled[c],
            mean=means[c],
            examples=list(stimuli[labels == c][:SHOWN_EXAMPLES]),
        )
        for c in range(min(classes, SHOWN_CLASSES))
    ]
    low, high = float(stimuli.min()), float(stimuli.max())
    return Recalled(rows, recall_match(recalled, means), low, high)


def _reconstructed(network: Network, stimuli: Tensor, labels: Tensor) -> Reconstructed:
    reconstructed = torch.cat([network.reconstruct(part).cpu() for part in stimuli.split(BATCH)])
    # one of each class as long as there are new classes
    firsts = {int(labels[row]): row for row in reversed(range(len(labels)))}
    shown = [firsts[c] for c in sorted(firsts)][:SHOWN_PAIRS]
    cues, passes = None, list[Tensor]()
    if len(network.stimulus.shape) == 3:
        originals = stimuli[shown[:SHOWN_CUES]]
        known = half_cue(network.stimulus.shape, "bottom")
        passes = [values.cpu() for values in complete(network, originals, known, passes=PASSES).stimuli]
        cues = torch.where(known > 0, originals, network.stimulus_mean.cpu())
    return Reconstructed(
        names=[network.concept.names[int(labels[row])] for row in shown],
        stimuli=stimuli[shown],
        reconstructed=reconstructed[shown],
        error=float((reconstructed - stimuli).square().mean()),
        cues=cues,
        passes=passes,
    )


def angle_history(record: RunRecord) -> tuple[dict[str, list[tuple[int, float]]], dict[str, float]]:
    """Angle between W and the transposed top-down weights over epochs, from epoch 0 where the initial weights
    were kept, and the spread of random weights around 90 degrees."""
    angles: dict[str, list[tuple[int, float]]] = {}
    spreads = {angle.name: angle.spread for angle in pathway_angles(record.network)}
    if record.initial is not None:
        for angle in pathway_angles(record.initial):
            angles[angle.name] = [(0, angle.degrees)]
    for row in record.metrics:
        logged: Mapping[str, float | None] = row.get("angle") or {}
        for name, degrees in logged.items():
            if name in spreads and degrees is not None:
                angles.setdefault(name, []).append((int(row["epoch"]), float(degrees)))
    return angles, spreads
