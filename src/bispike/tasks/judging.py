"""How a recurrent network's predictions are judged.

text     accuracy: share of characters rightly forecast; bits: mean −log2 p of the true character
events   the same of recordings: the mean of the scores at all positions decides
series   mse, mae: in deviations of the column (so columns weigh alike); mase: mean |error| over the mean |step| of the
         training part, in the units of the data; smape: 200 |y − ŷ| / (|y| + |ŷ|), percent
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ..data.sequence_dataset import Windows
from ..nn import ALONE, Group, SequenceNetwork
from ..spaces import Quantities

TINY = 1e-12
MEASURES = ("bits", "mse", "mae", "mase", "smape")


@dataclass
class Judged:
    """Sums of errors over places.

    Args:
        scale: `[K]` deviation of each quantity, in the units of the data.
        step: `[K]` mean |step| of each quantity in the training part.
    """

    scale: Tensor
    step: Tensor
    squares: float = 0.0
    distances: float = 0.0
    in_steps: float = 0.0
    relative: float = 0.0
    count: int = 0

    def add(self, said: Tensor, true: Tensor) -> None:
        """Take in predictions and true values `[N, K]`, in the units of the data."""
        said, true = said.double(), true.double()
        error = said - true
        scaled = error / self.scale
        self.squares += float(scaled.square().sum())
        self.distances += float(scaled.abs().sum())
        self.in_steps += float((error.abs() / self.step).sum())
        self.relative += float((2 * error.abs() / (said.abs() + true.abs()).clamp_min(TINY)).sum())
        self.count += error.numel()

    def result(self) -> dict[str, float]:
        """The measures by name."""
        return {
            "mse": self.squares / self.count,
            "mae": self.distances / self.count,
            "mase": self.in_steps / self.count,
            "smape": 100 * self.relative / self.count,
        }


def mean_steps(train: Windows) -> Tensor:
    """`[K]` mean |y(t) − y(t−1)| over the training windows' part of the series, float64."""
    last = int(train.starts.max()) + train.length
    first = int(train.starts.min())
    return train.labels[first:last].double().diff(dim=0).abs().mean(0).clamp_min(TINY)


@torch.no_grad()
def evaluate_sequences(
    network: SequenceNetwork,
    split: Windows,
    batch_size: int = 256,
    *,
    steps: Tensor | None = None,
    group: Group = ALONE,
) -> dict[str, Any]:
    """Predictions of a network on windows; the network is left as it was.

    Args:
        network: on any device.
        split: at least one window; says which positions count.
        batch_size: windows at a time.
        steps: `mean_steps` of the training part, for mase; None: mase is left out.
        group: processes that do this together.

    Returns:
        "samples" (places that count), "accuracy" and "confusion" (None for series); "bits", or a series' measures.
    """
    device = next(network.parameters()).device
    training = network.training
    network.eval()
    try:
        parts = [
            split[first : first + batch_size]
            for first in range(group.rank * batch_size, len(split), group.size * batch_size)
        ]
        judge = _judge_series if network.continuous else _judge_text
        return judge(network, parts, device, steps=steps, group=group, scored=split.scored)
    finally:
        network.train(training)


def _judge_text(
    network: SequenceNetwork,
    parts: list[tuple[Tensor, Tensor]],
    device: torch.device,
    *,
    steps: Tensor | None,
    group: Group,
    scored: str,
) -> dict[str, Any]:
    classes = network.concept.classes
    counts = torch.zeros(classes * classes, dtype=torch.int64, device=device)
    nats = torch.zeros(1, dtype=torch.float64, device=device)
    for stimuli, labels in parts:
        scores = network.logits(stimuli.to(device))
        true = labels.to(device)
        if scored == "last":
            scores, true = scores[:, -1:], true[:, -1:]
        elif scored == "vote":
            scores, true = scores.mean(1, keepdim=True), true[:, :1]
        counts += torch.bincount((true * classes + scores.argmax(2)).flatten(), minlength=classes * classes)
        nats -= scores.double().log_softmax(2).gather(2, true[:, :, None]).sum()
    confusion = group.add_(counts).view(classes, classes).cpu()
    correct, places = int(confusion.trace()), int(confusion.sum())
    return {
        "accuracy": correct / places,
        "correct": correct,
        "samples": places,
        "confusion": confusion.tolist(),
        "bits": float(group.add_(nats)) / places / math.log(2),
    }


def _judge_series(
    network: SequenceNetwork,
    parts: list[tuple[Tensor, Tensor]],
    device: torch.device,
    *,
    steps: Tensor | None,
    group: Group,
    scored: str,
) -> dict[str, Any]:
    assert isinstance(network.concept, Quantities)
    scale = torch.tensor(network.concept.scale, dtype=torch.float64)
    judged = Judged(scale, torch.full_like(scale, math.nan) if steps is None else steps.cpu())
    for stimuli, targets in parts:
        said = network.logits(stimuli.to(device)).cpu()
        if scored == "last":
            said, targets = said[:, -1:], targets[:, -1:]
        judged.add(said.flatten(0, 1), targets.flatten(0, 1))
    sums = torch.tensor(
        [judged.squares, judged.distances, judged.in_steps, judged.relative, float(judged.count)], dtype=torch.float64
    )
    sums = group.add_(sums.to(device)).cpu()
    judged.squares, judged.distances, judged.in_steps, judged.relative = sums[:4].tolist()
    judged.count = int(sums[4])
    found: dict[str, Any] = {"accuracy": None, "confusion": None, "samples": judged.count, **judged.result()}
    if steps is None:
        del found["mase"]
    return found
