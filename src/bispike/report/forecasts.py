"""What a report says about a run on sequences, from the test part: written text, or curves of what is forecast;
and what memory a step of its rule takes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from ..bench.sequence_length import step_memory
from ..data.sequence_dataset import SequenceDataset, Windows
from ..nn import SequenceForecaster, SequenceNetwork
from ..runs.record import RunRecord
from ..tasks import continue_text

SHOWN_QUANTITIES = 3
SHOWN_TIMES = 200
SHOWN_CHARACTERS = 400
BEGINNING = 32  # characters that are given
TEMPERATURES = (0.0, 0.5, 1.0)
STIMULI = 64  # windows in which firing is looked at
LENGTHS = (32, 128, 512)  # at which memory is measured
SEQUENCES = 16  # in the batch of which it is measured
COMPARED = ("bsd", "bptt")  # rules whose memory is shown beside


@dataclass(frozen=True)
class ForecastCurve:
    """One quantity over a stretch of the test part, true and forecast, in the units of the data."""

    name: str
    true: Tensor
    forecast: Tensor


@dataclass(frozen=True)
class SequenceMeasurements:
    """What is shown of a run on sequences.

    Args:
        test_size: windows of the test part.
        beginning: of the texts that are written on; empty for a series.
        written: what follows it, by the temperature of the draws.
        curves: of a series.
        rates: mean firing rate of each layer at each position of a window.
        memory: bytes that a training step holds, by rule and by length of the sequences.
    """

    test_size: int
    beginning: str = ""
    written: dict[float, str] = field(default_factory=dict)
    curves: list[ForecastCurve] = field(default_factory=list)
    rates: dict[str, Tensor] = field(default_factory=dict)
    memory: dict[str, dict[int, int]] = field(default_factory=dict)


@torch.no_grad()
def measure_sequences(record: RunRecord, dataset: SequenceDataset) -> SequenceMeasurements:
    """Let the network of a run speak about the test part."""
    network, test = record.network, dataset.test
    assert isinstance(network, SequenceNetwork)
    assert isinstance(test, Windows)
    rates, memory = _rates(network, test), _memory(record)
    if isinstance(network, SequenceForecaster):
        return SequenceMeasurements(len(test), curves=_curves(network, test), rates=rates, memory=memory)
    if not network.symbols:
        return SequenceMeasurements(len(test), rates=rates, memory=memory)
    names = network.concept.names
    beginning = "".join(names[i] for i in test[[0]][0][0][:BEGINNING])
    written = {t: continue_text(network, beginning, SHOWN_CHARACTERS, temperature=t) for t in TEMPERATURES}
    return SequenceMeasurements(len(test), beginning, written, rates=rates, memory=memory)


def _curves(network: SequenceNetwork, test: Windows) -> list[ForecastCurve]:
    """The last position of windows one step apart, or all positions of the first ones that do not overlap."""
    if test.scored == "last":
        stimuli, targets = test[:SHOWN_TIMES]
        said = network.logits(stimuli)[:, -1].cpu()
        true = targets[:, -1]
    else:
        starts = torch.arange(0, min(len(test), SHOWN_TIMES), test.length)
        stimuli, targets = test[starts]
        said, true = network.logits(stimuli).flatten(0, 1).cpu(), targets.flatten(0, 1)
    places = torch.linspace(0, true.shape[1] - 1, min(SHOWN_QUANTITIES, true.shape[1])).long().tolist()
    return [ForecastCurve(network.concept.names[k], true[:, k], said[:, k]) for k in places]


def _rates(network: SequenceNetwork, test: Windows) -> dict[str, Tensor]:
    if not network.signals.spiking:
        return {}
    source = network.encode(test[:STIMULI][0])
    shape = source.shape[:2]
    with network.inference():
        layer_pass = network.bottom_up_positions(source, network.rest(shape[1]))
        return {layer.name: activity.rate.unflatten(0, shape).mean((1, 2)) for layer, _, activity in layer_pass}


def _memory(record: RunRecord) -> dict[str, dict[int, int]]:
    """Of the run's rule and those that it is compared with, on new networks of this shape."""
    compared: dict[str, dict[str, Any]] = {rule: {} for rule in COMPARED}
    compared[str(record.config["rule"])] = dict(record.config.get("rule_options") or {})
    spec = record.network.spec
    return {
        rule: {length: step_memory(spec, rule, options, length, SEQUENCES) for length in LENGTHS}
        for rule, options in compared.items()
    }
