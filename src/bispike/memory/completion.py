"""Completion by a trained network: a part of a stimulus goes up, the whole comes down, the hidden part is filled in.

An autoencoder sends its latent spikes down; a network that tells classes apart sends the concept that it decides for.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ..errors import ConfigurationError
from ..nn import Autoencoder, Network
from .associative import Settled, _mask


def complete(network: Network, cue: Tensor, known: Tensor, *, passes: int = 3) -> Settled:
    """Let the two pathways settle.

    Args:
        network: trained.
        cue: `[N, *stimulus]` in the units of the data.
        known: 1 where the cue is to be trusted; broadcasts to the cue. What is hidden begins at the data's mean, which
            drives nothing.
        passes: times up and down, at least 1.

    Returns:
        Settled, with scores of the classes `[N, C]` for concepts: `concepts[0]` is the decision from the cue alone.
    """
    if passes < 1:
        raise ConfigurationError(f"passes: expected at least 1, received {passes}.")
    network.check_stimulus(cue)
    held = _mask(known, cue)
    # a single mean a channel, as the stimulus code has it
    hidden = network.stimulus_mean.to(cue).expand(network.stimulus.shape)
    stimulus = torch.where(held > 0, cue, hidden)
    stimuli, concepts = [], []
    for _ in range(passes):
        scores = network.logits(stimulus)
        recalled = (
            network.reconstruct(stimulus) if isinstance(network, Autoencoder) else network.recall(scores.argmax(1))
        )
        stimulus = torch.where(held > 0, cue, recalled.clamp(0, 1))
        stimuli.append(stimulus)
        concepts.append(scores)
    return Settled(stimuli[-1], network.logits(stimulus), tuple(stimuli), tuple(concepts))
