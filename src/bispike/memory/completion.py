"""Completion by a trained network: bottom-up pass of a partial stimulus, top-down pass of its result, repeated.

The top-down input is the latent spikes of an autoencoder, or the code of the decided concept of a classifier.
"""

from __future__ import annotations

import torch

from ..arguments import checked
from ..errors import ConfigurationError
from ..nn import StimulusNetwork
from ..nn.stimulus_input import Array, tensor_of
from .result import CompletionResult, known_mask


@checked
def complete(network: StimulusNetwork, cue: Array, known: Array, *, passes: int = 3) -> CompletionResult:
    """Complete the hidden part of stimuli.

    Args:
        network: trained.
        cue: `[N, *stimulus]` in the units of the data.
        known: 1 where the cue is known, 0 where it is hidden; broadcasts to the cue. Hidden values begin at the mean
            of the data, whose drive is zero.
        passes: number of bottom-up and top-down passes, at least 1.

    Returns:
        CompletionResult: its concepts are scores of the classes `[N, C]`; `concepts[0]` come from the cue alone.

    Raises:
        ShapeError: cue or mask have another shape.
        ConfigurationError: less than one pass.
    """
    if passes < 1:
        raise ConfigurationError(f"passes: expected at least 1, received {passes}.")
    given = network.take(cue)
    clamped = known_mask(tensor_of("known", known).to(given.device), given)
    # the stimulus code has one mean per channel
    hidden = network.stimulus_mean.to(given).expand(network.stimulus.shape)
    stimulus = torch.where(clamped > 0, given, hidden)
    stimuli, concepts = [], []
    for _ in range(passes):
        scores = network.decide(stimulus)
        stimulus = torch.where(clamped > 0, given, network.recall_evoked(stimulus, scores).clamp(0, 1))
        stimuli.append(stimulus)
        concepts.append(scores)
    return CompletionResult(stimuli[-1], network.decide(stimulus), tuple(stimuli), tuple(concepts))
