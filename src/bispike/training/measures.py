"""What is measured while training: the network on a split, the angle between its pathways, memory."""

from __future__ import annotations

import sys
from typing import Any

import torch

from .. import tasks
from ..arguments import checked
from ..data import Split
from ..functional import angle_between
from ..nn import ALONE, Group, Network
from ..tasks.task import Transform

try:
    import resource
except ImportError:  # systems without POSIX resource limits
    resource = None  # type: ignore[assignment]


@checked
def evaluate(
    network: Network,
    split: Split,
    batch_size: int = 256,
    *,
    seed: int = 0,
    transform: Transform | None = None,
    train: Split | None = None,
    group: Group = ALONE,
) -> dict[str, Any]:
    """Measure a network on a split, as its task defines it; the network is left as it was.

    Args:
        network: on any device.
        split: at least one sample.
        batch_size: samples at a time; does not change the result.
        seed: of stochastic stimulus codes and of `transform`.
        transform: changes the stimuli of each batch first, for example damages them.
        train: the training part of a series, whose mean change is the unit of "mase"; None leaves out "mase".
        group: processes that share the batches; each returns the whole result.

    Returns:
        "accuracy" (0 to 1), "samples", and "confusion" `[C][C]` (rows: true class, columns: decision). Autoencoders
        also have "reconstruction", the mean squared error of reconstructed stimuli in the units of the data. Networks
        of text have "bits"; those of a series have "mse", "mae", "mase" and "smape", and no accuracy or confusion
        (None).

    Raises:
        ConfigurationError: the split is empty, or does not suit the network.
    """
    task = tasks.of(network, train)
    return task.evaluate(split, batch_size, seed=seed, transform=transform, group=group)


@checked
def pathway_angles(network: Network) -> dict[str, float]:
    """Angle in degrees between W and Θ transposed, by the place between two populations. 90 is unrelated."""
    return {name: angle_between(up, down) for name, (up, down) in network.pathway_weights().items()}


@checked
def peak_memory_mb(device: torch.device) -> float:
    """Largest memory so far in MiB: of the tensors on a GPU, otherwise of the whole process; 0 if not known."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 2**20
    if resource is None:
        return 0.0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 2**10
