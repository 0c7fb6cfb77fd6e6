"""The network before training with calibrated norms: the baseline that shows what training brought."""

from __future__ import annotations

import copy

import torch
from torch import Tensor

from ..arguments import checked
from ..nn import DriveNorm, StimulusNetwork

BATCH = 64


@checked
def calibrated(initial: StimulusNetwork, stimuli: Tensor) -> StimulusNetwork:
    """A copy of an untrained network whose norms have the statistics of its drives.

    Before the first step the running statistics are placeholders, and layers with a norm may be silent for that
    reason alone. One pass over some stimuli and all classes gives the statistics that training would begin with.
    """
    network = copy.deepcopy(initial)
    norms = [module for module in network.modules() if isinstance(module, DriveNorm)]
    if not norms:
        return network
    for norm in norms:
        norm.memory = 1  # of one sample: a batch replaces what was there
    network.train()
    with torch.no_grad():
        source = network.encode(stimuli[:BATCH])
        concepts = torch.arange(len(network.concept.names), device=source.device)
        for layer_pass in (network.steps(source), network.top_down_steps(concepts)):
            for _ in layer_pass:
                pass
    return network.eval()
