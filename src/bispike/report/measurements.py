"""What a report shows of a run on single stimuli beyond its log, measured on a few hundred test stimuli.

The same stimuli go through the trained network and through the network before training. Sections ask for these
measurements with `ReportRun.measure`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from .. import tasks
from ..analysis import (
    Agreement,
    LayerFiring,
    LayerReading,
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
from ..experiments.kinds import stimulus_network
from ..experiments.untrained import calibrated
from ..figures import Raster, Recollection
from ..functional.cues import half_cue
from ..memory import complete
from ..nn import StimulusNetwork
from ..runs.record import RunRecord
from ..tasks import Reconstruction
from .run import ReportRun

SHOWN_STIMULI = 4  # with a raster
SHOWN_UNITS = 24  # of each layer in a raster
SHOWN_CLASSES = 20  # in the gallery of recalled stimuli
SHOWN_EXAMPLES = 3  # of each class in the gallery
SHOWN_PAIRS = 10  # stimuli beside their reconstruction
SHOWN_CUES = 3  # completed
PASSES = 3  # bottom-up and top-down, to complete one
BATCH = 64


@dataclass(frozen=True)
class LayerPicture:
    """Raster of one stimulus: its class, the decision, the spikes of every layer."""

    stimulus: Tensor
    true: int
    decided: int
    layers: list[Raster]


@dataclass(frozen=True)
class LayerAffinity:
    """Centred class affinity of one layer; `before` is None if the initial weights are missing."""

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
    """Recalled stimuli of the classes; values are drawn from `low` (black) to `high` (white)."""

    rows: list[Recollection]
    match: RecallMatch
    low: float
    high: float


@dataclass(frozen=True)
class Reconstructed:
    """Reconstructions of an autoencoder.

    Args:
        names: of the classes of the stimuli.
        stimuli, reconstructed: `[N, *shape]`.
        error: mean squared, of all the samples.
        cues: the first stimuli with their lower half hidden; None if the stimuli are not images.
        passes: the completed stimuli after each bottom-up and top-down pass.
    """

    names: list[str]
    stimuli: Tensor
    reconstructed: Tensor
    error: float
    cues: Tensor | None
    passes: Sequence[Tensor]


def sample(run: ReportRun) -> tuple[Tensor, Tensor]:
    """The first test stimuli with their labels; classes have the proportions that they have in the whole test part."""
    test = run.dataset.test
    stimuli, labels = test[test.spread_rows(run.samples)]
    return stimuli, labels


def decisions(run: ReportRun) -> Tensor:
    """Decision on each stimulus of the sample."""
    network, (stimuli, _) = stimulus_network(run.record.network), run.need(sample)
    return torch.cat([network.perceive(part).cpu() for part in stimuli.split(BATCH)])


def confusion(run: ReportRun) -> Tensor:
    """Counts `[C, C]` of the sample by class (rows) and decision (columns)."""
    _, labels = run.need(sample)
    return confusion_matrix(labels, run.need(decisions), run.record.network.concept.classes)


def all_tested(run: ReportRun) -> int:
    """Number of stimuli of the test part."""
    return len(run.dataset.test)


def spiking(run: ReportRun) -> Spiking | None:
    """What needs both spiking pathways; None for a network of rates."""
    record, (stimuli, labels) = run.record, run.need(sample)
    network = stimulus_network(record.network)
    if not network.signals.spiking:
        return None
    readings = read_layers(network, stimuli, batch_size=BATCH)
    return Spiking(
        pictures=_pictures(network, record, stimuli, labels, run.need(decisions)),
        affinities=_affinities(record, readings, stimuli, labels) if record.trains_top_down else [],
        health=firing_health(readings),
        agreements=agreement(readings, labels) if record.trains_top_down else [],
    )


def _affinities(
    record: RunRecord, readings: Sequence[LayerReading], stimuli: Tensor, labels: Tensor
) -> list[LayerAffinity]:
    earlier: Sequence[Tensor | None] = [None] * len(readings)
    if record.initial is not None:
        untrained = read_layers(calibrated(stimulus_network(record.initial), stimuli), stimuli, batch_size=BATCH)
        earlier = [class_affinity(reading, labels, centred=True) for reading in untrained]
    return [
        LayerAffinity(reading.name, before, class_affinity(reading, labels, centred=True))
        for reading, before in zip(readings, earlier, strict=True)
    ]


def _pictures(
    network: StimulusNetwork, record: RunRecord, stimuli: Tensor, labels: Tensor, decisions: Tensor
) -> list[LayerPicture]:
    """Rasters of correctly decided stimuli, each of another class, and of one mistake if there is one."""
    right = (decisions == labels).nonzero()[:, 0].tolist()
    firsts = list({int(labels[row]): row for row in reversed(right)}.values())[::-1]
    wrong = (decisions != labels).nonzero()[:1, 0].tolist()
    rows = [*firsts[: SHOWN_STIMULI - len(wrong)], *wrong]
    seen = network.observe(stimuli[rows])
    imagined = network.imagine(labels[rows])
    pictures = []
    for k, row in enumerate(rows):
        layers = []
        for up, down in zip(seen, imagined, strict=True):
            trains, template = up.spikes[:, k].flatten(1), down.spikes[:, k].flatten(1)
            units = torch.linspace(0, trains.shape[1] - 1, min(SHOWN_UNITS, trains.shape[1])).long()
            layers.append(Raster(up.name, trains[:, units], template[:, units] if record.trains_top_down else None))
        pictures.append(LayerPicture(stimuli[row], int(labels[row]), int(decisions[row]), layers))
    return pictures


def recalled(run: ReportRun) -> Recalled | None:
    """The stimuli recalled for the classes; None for a rule that trains no top-down pathway."""
    network, (stimuli, labels) = stimulus_network(run.record.network), run.need(sample)
    if not run.record.trains_top_down:
        return None
    classes = network.concept.classes
    stimuli_of = network.recall(torch.arange(classes)).cpu()
    means = class_means(stimuli, labels, classes)
    rows = [
        Recollection(
            name=network.concept.names[c],
            recalled=stimuli_of[c],
            mean=means[c],
            examples=list(stimuli[labels == c][:SHOWN_EXAMPLES]),
        )
        for c in range(min(classes, SHOWN_CLASSES))
    ]
    low, high = float(stimuli.min()), float(stimuli.max())
    return Recalled(rows, recall_match(stimuli_of, means), low, high)


def reconstructed(run: ReportRun) -> Reconstructed:
    """Reconstructions and completed cues of an autoencoder."""
    network = tasks.expect(run.record.network, Reconstruction, "report").network
    stimuli, labels = run.need(sample)
    rebuilt = torch.cat([network.reconstruct(part).cpu() for part in stimuli.split(BATCH)])
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
        reconstructed=rebuilt[shown],
        error=float((rebuilt - stimuli).square().mean()),
        cues=cues,
        passes=passes,
    )


def angle_history(record: RunRecord) -> tuple[dict[str, list[tuple[int, float]]], dict[str, float]]:
    """Angle between W and the transposed top-down weights over epochs, from epoch 0 if the initial weights are there,
    and the spread of random weights around 90 degrees."""
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
