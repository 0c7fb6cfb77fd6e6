"""What a report measures of a run on sequences, on the test part: continued texts or curves of a forecast series,
firing over positions, and the memory that a step of its rule takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor

from ..bench.sequence_length import step_memory
from ..data.sequence_dataset import Windows
from ..experiments.kinds import sequence_network
from ..tasks import continue_text
from .run import ReportRun

SHOWN_QUANTITIES = 3
SHOWN_TIMES = 200
SHOWN_CHARACTERS = 400
BEGINNING = 32  # given characters
TEMPERATURES = (0.0, 0.5, 1.0)
STIMULI = 64  # windows in which firing is measured
LENGTHS = (32, 128, 512)  # at which memory is measured
SEQUENCES = 16  # in the batch of this measurement
COMPARED = ("bsd", "bptt")  # rules whose memory is shown beside


@dataclass(frozen=True)
class ContinuedText:
    """The beginning of the test part and its continuations, by the temperature of the draws."""

    beginning: str
    continued: dict[float, str]


@dataclass(frozen=True)
class ForecastCurve:
    """One quantity over a stretch of the test part, true and forecast, in the units of the data."""

    name: str
    true: Tensor
    forecast: Tensor


def _windows(run: ReportRun) -> Windows:
    return cast(Windows, run.dataset.test)


def continued_text(run: ReportRun) -> ContinuedText:
    """How the network continues the first characters of the test part."""
    network = sequence_network(run.record.network)
    names = network.concept.names
    beginning = "".join(names[i] for i in _windows(run)[[0]][0][0][:BEGINNING])
    return ContinuedText(
        beginning, {t: continue_text(network, beginning, SHOWN_CHARACTERS, temperature=t) for t in TEMPERATURES}
    )


@torch.no_grad()
def forecast_of_series(run: ReportRun) -> list[ForecastCurve]:
    """The last position of windows one step apart, or all positions of the first windows that do not overlap."""
    network, test = sequence_network(run.record.network), _windows(run)
    if test.scored == "last":
        stimuli, targets = test[:SHOWN_TIMES]
        forecast = network.logits(stimuli)[:, -1].cpu()
        true = targets[:, -1]
    else:
        starts = torch.arange(0, min(len(test), SHOWN_TIMES), test.length)
        stimuli, targets = test[starts]
        forecast, true = network.logits(stimuli).flatten(0, 1).cpu(), targets.flatten(0, 1)
    shown = torch.linspace(0, true.shape[1] - 1, min(SHOWN_QUANTITIES, true.shape[1])).long().tolist()
    return [ForecastCurve(network.concept.names[k], true[:, k], forecast[:, k]) for k in shown]


@torch.no_grad()
def rates_over_positions(run: ReportRun) -> dict[str, Tensor]:
    """Mean firing rate of each layer at each position of a window; empty for a network of rates."""
    network = sequence_network(run.record.network)
    if not network.signals.spiking:
        return {}
    source = network.encode(_windows(run)[:STIMULI][0])
    shape = source.shape[:2]
    with network.inference():
        layer_pass = network.bottom_up_positions(source, network.rest(shape[1]))
        return {step.layer.name: step.activity.rate.unflatten(0, shape).mean((1, 2)) for step in layer_pass}


def memory_of_step(run: ReportRun) -> dict[str, dict[int, int]]:
    """Bytes of a training step by rule and length of the sequences, on new networks of this shape: of the run's rule
    and of those that it is compared with."""
    record = run.record
    compared: dict[str, dict[str, Any]] = {rule: {} for rule in COMPARED}
    compared[str(record.config["rule"])] = dict(record.config.get("rule_options") or {})
    spec = record.network.spec
    return {
        rule: {length: step_memory(spec, rule, options, length, SEQUENCES) for length in LENGTHS}
        for rule, options in compared.items()
    }
