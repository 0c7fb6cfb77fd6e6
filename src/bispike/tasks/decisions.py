"""Decisions about single stimuli or recordings: the classes with the largest shares."""

from __future__ import annotations

import torch
from torch import Tensor

from ..arguments import checked
from ..errors import ConfigurationError
from ..nn import Network, SequenceNetwork, StimulusNetwork
from ..seeds import generator


@checked
def decide(
    network: StimulusNetwork | SequenceNetwork, stimuli: Tensor, *, best: int = 3, batch_size: int = 256
) -> list[list[tuple[str, float]]]:
    """The classes with the largest shares of the softmax of the network's scores, largest first.

    Args:
        network: on any device; it is left unchanged.
        stimuli: `[N, *stimulus.shape]` in the units of training; of a recurrent network recordings `[N, S, D]`, where
            the mean of the scores at all positions decides.
        best: how many classes to give for each stimulus, at least 1.
        batch_size: stimuli at a time.

    Returns:
        For each stimulus the names of the classes with their shares (0 to 1).

    Raises:
        ConfigurationError: `best` is less than 1, or scores are not a number.
    """
    if best < 1:
        raise ConfigurationError(f"best: expected at least 1 class, received {best}.")
    names = network.concept.names
    ranked = []
    with torch.no_grad():
        for first in range(0, len(stimuli), batch_size):
            scores = _scores(network, stimuli[first : first + batch_size], first)
            shares, order = scores.double().softmax(1).topk(min(best, len(names)))
            ranked += [
                [(names[label], share) for label, share in zip(labels, row, strict=True)]
                for labels, row in zip(order.tolist(), shares.tolist(), strict=True)
            ]
    return ranked


def _scores(network: Network, stimuli: Tensor, first: int) -> Tensor:
    """Scores `[B, C]` of a batch that begins with stimulus number `first`."""
    device = next(network.parameters()).device
    scores = network.logits(stimuli.to(device), generator=generator(0, "evaluate", first, device=device))
    scores = scores.mean(1) if scores.dim() == 3 else scores
    if bool(scores.isnan().any()):
        raise ConfigurationError(
            "decide: expected scores, received NaN, so the network decides nothing. Its weights are too large, or a "
            "stimulus is."
        )
    return scores
