"""What is measured while training: decisions on a split, the angle between the pathways, memory."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ..data import Split
from ..data.sequence_dataset import Windows
from ..errors import ConfigurationError
from ..functional import angle_between
from ..nn import ALONE, Group, Network, SequenceNetwork
from ..tasks import evaluate_sequences
from .order import generator

try:
    import resource
except ImportError:  # systems without POSIX resource limits
    resource = None  # type: ignore[assignment]


def evaluate(
    network: Network,
    split: Split,
    batch_size: int = 256,
    *,
    seed: int = 0,
    transform: Callable[[Tensor, torch.Generator], Tensor] | None = None,
    steps: Tensor | None = None,
    group: Group = ALONE,
) -> dict[str, Any]:
    """Decisions of a network on a split; the network is left as it was.

    Args:
        network: on any device.
        split: at least one sample.
        batch_size: samples at a time; does not change the result.
        seed: of stochastic stimulus codes and of `transform`.
        transform: changes the stimuli of each batch first, for example damages them.
        steps: of a series: mean steps of the training part (`tasks.sequences.mean_steps`), for mase.
        group: processes that do this together, each a share of the batches; all get the whole result.

    Returns:
        "accuracy" (0 to 1), "correct", "samples", and "confusion" [C][C]: rows the true class, columns the decision. Of
        autoencoders also "reconstruction", the mean squared error of recalled stimuli, in the data's units. Of
        recurrent networks what `tasks.evaluate_sequences` returns.

    Raises:
        ConfigurationError: the split is empty.
    """
    if len(split) == 0:
        raise ConfigurationError("evaluate: expected at least one sample, received an empty split.")
    if isinstance(network, SequenceNetwork) and isinstance(split, Windows):
        if transform is not None:
            raise ConfigurationError("evaluate: sequences cannot be damaged; leave the corruption out.")
        return evaluate_sequences(network, split, batch_size, steps=steps, group=group)
    device = next(network.parameters()).device
    classes = network.concept.classes
    counts = torch.zeros(classes * classes, dtype=torch.int64, device=device)
    error = torch.zeros(1, dtype=torch.float64, device=device)
    training = network.training
    network.eval()
    try:
        for first in range(group.rank * batch_size, len(split), group.size * batch_size):
            stimuli, labels = split[first : first + batch_size]
            stimuli, labels = stimuli.to(device), labels.to(device)
            if transform is not None:
                stimuli = transform(stimuli, generator(seed, "transform", first))
            draws = generator(seed, "evaluate", first, device=device)
            decided = network.logits(stimuli, generator=draws).argmax(1)
            counts += torch.bincount(labels * classes + decided, minlength=classes * classes)
            if network.latent:
                draws = generator(seed, "evaluate", first, device=device)
                recalled = network.reconstruct(stimuli, generator=draws)
                error += (recalled - stimuli).double().square().flatten(1).mean(1).sum()
    finally:
        network.train(training)
    confusion = group.add_(counts).view(classes, classes).cpu()
    correct = int(confusion.trace())
    found = {
        "accuracy": correct / len(split),
        "correct": correct,
        "samples": len(split),
        "confusion": confusion.tolist(),
    }
    if network.latent:
        found["reconstruction"] = float(group.add_(error)) / len(split)
    return found


def pathway_angles(network: Network) -> dict[str, float]:
    """Angle in degrees between W and Θ transposed, by the place between two populations. 90 is unrelated."""
    return {name: angle_between(up, down) for name, (up, down) in network.pathway_weights().items()}


def peak_memory_mb(device: torch.device) -> float:
    """Largest memory so far: of the device's tensors on a GPU, of the whole process otherwise; 0 if not known."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 2**20
    if resource is None:
        return 0.0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 2**10


def score_of(found: dict[str, Any]) -> float | None:
    """What a validation is judged by, the larger the better: accuracy, or the error of a series or an autoencoder."""
    for name in ("reconstruction", "mse"):
        if name in found:
            return -float(found[name])
    accuracy: float | None = found["accuracy"]
    return accuracy


def metric_of(network: Network) -> str:
    """Name of the metric that summaries hold under "test" and "validation"."""
    return "mse" if isinstance(network, SequenceNetwork) and network.continuous else "accuracy"
