"""A network of bispike in plain torch layers with the neurons of a peer, trained by backpropagation through time.

It is written to be fast in every library: the drive of the constant stimulus is computed once, the products of all time
steps are one call, and the readout works on the rate. `BatchNorm` over T·B replaces the norm over time-means.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ...errors import ConfigurationError
from ...functional import Neuron
from ...nn import Conv, Layer, StimulusNetwork, Synapse


class PeerNetwork:
    """Network of a peer with the weights of a network of bispike.

    Args:
        network: the network of bispike, whose stimulus code is a current and whose decoder reads drives.
        populate: creates the LIF population of a layer from its constants.
        stimulus, labels: the batch.

    Raises:
        ConfigurationError: the network has shortcuts.
    """

    def __init__(
        self,
        network: StimulusNetwork,
        populate: Callable[[Neuron], Callable[[Tensor], Tensor]],
        stimulus: Tensor,
        labels: Tensor,
    ) -> None:
        if network.shortcuts:
            raise ConfigurationError(
                f"peers: expected a chain of layers, received shortcuts to {', '.join(network.shortcuts)}. "
                "Take a model without shortcuts (mlp, cnn), or leave the peers out."
            )
        hidden = network.layers
        self.time_steps, self.labels = network.time_steps, labels
        self.stimulus = network.standardise(stimulus)
        self.layers = nn.ModuleList([_layer(layer.up.synapse) for layer in hidden])
        self.norms = nn.ModuleList([_norm(layer) for layer in hidden])
        self.pools = [layer.pool for layer in hidden]
        self.populations = [populate(layer.up.neuron) for layer in hidden]
        self.readout = _layer(network.readout)
        self.modules = nn.ModuleList([self.layers, self.norms, self.readout]).to(stimulus.device)

    def parameters(self) -> list[nn.Parameter]:
        return list(self.modules.parameters())

    def tensors(self) -> list[Tensor]:
        return [*self.modules.parameters(), *self.modules.buffers(), self.stimulus, self.labels]

    def learn(self) -> None:
        self.modules.zero_grad(set_to_none=True)
        F.cross_entropy(self.forward(), self.labels).backward()

    def infer(self) -> Tensor:
        self.modules.eval()
        with torch.no_grad():
            scores = self.forward()
        self.modules.train()
        return scores

    def spikes(self) -> list[Tensor]:
        self.modules.eval()
        found: list[Tensor] = []
        with torch.no_grad():
            self.forward(found)
        self.modules.train()
        return found

    def forward(self, found: list[Tensor] | None = None) -> Tensor:
        """Drive of the readout `[B, C]`; the spikes of each layer are appended to `found`."""
        source = self.stimulus
        first = True
        for layer, norm, pool, population in zip(self.layers, self.norms, self.pools, self.populations, strict=True):
            drive = norm(layer(source if first else source.flatten(0, 1)))
            shape = (self.time_steps, self.stimulus.shape[0], *drive.shape[1:])
            spikes = population(drive.expand(shape) if first else drive.view(shape))
            if found is not None:
                found.append(spikes)
            if pool > 1:
                spikes = F.max_pool2d(spikes.flatten(0, 1), pool).unflatten(0, shape[:2])
            source, first = spikes, False
        return self.readout(source.mean(0))


def _layer(synapse: Synapse) -> nn.Module:
    """A torch layer with the weights of a synapse."""
    if isinstance(synapse, Conv):
        channels, below = synapse.weight.shape[:2]
        conv = nn.Conv2d(below, channels, synapse.kernel, synapse.stride, synapse.padding)
        return _with_weights(conv, synapse)
    linear = _with_weights(nn.Linear(synapse.weight.shape[1], synapse.weight.shape[0]), synapse)
    return linear if len(synapse.source) == 1 else nn.Sequential(nn.Flatten(), linear)


def _with_weights(layer: nn.Conv2d | nn.Linear, synapse: Synapse) -> nn.Module:
    with torch.no_grad():
        layer.weight.copy_(synapse.weight)
        if layer.bias is not None and synapse.bias is not None:
            layer.bias.copy_(synapse.bias)
    return layer


def _norm(layer: Layer) -> nn.Module:
    source = layer.up.norm
    if source is None:
        return nn.Identity()
    channels = layer.feature_shape[0]
    norm = (
        nn.BatchNorm1d(channels, source.eps) if len(layer.feature_shape) == 1 else nn.BatchNorm2d(channels, source.eps)
    )
    with torch.no_grad():
        norm.weight.copy_(source.weight)
        norm.bias.copy_(source.bias)
        assert norm.running_mean is not None
        assert norm.running_var is not None
        norm.running_mean.copy_(source.running_mean)
        norm.running_var.copy_(source.running_variance)
    return norm
