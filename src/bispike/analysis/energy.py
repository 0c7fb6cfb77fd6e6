"""Synaptic operations of one decision, counted during inference, and an estimate of their energy.

All inputs of all synapses during `Network.logits` are counted. A spike costs one accumulation (AC) per target: spikes
times fan-out, where the fan-out of each source neuron follows from the wiring and is exact at the borders of a
convolution. A real number costs one multiplication and accumulation (MAC) per target. Real numbers are the current into
the first layer, counted once as it is constant over time, and every input of a rate network, with zeros (dense
hardware) and without (hardware that skips them). A readout of the time-mean of spikes is counted by the spikes: its
drive is linear, so a neuron that sums them one by one computes the same.

Energy: 32-bit floating point in 45 nm at 0.9 V, M. Horowitz, "Computing's energy problem (and what we can do about
it)", ISSCC 2014: addition 0.9 pJ, multiplication 3.7 pJ, so 0.9 pJ per AC and 4.6 pJ per MAC. Not included: reading
weights and moving spikes, which cost more than arithmetic on most hardware; updates of neurons, norms, pooling and
biases; products of a rule outside a synapse. The estimate compares networks; it does not predict the energy of a chip.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ..arguments import checked
from ..functional import Received, dense_spikes
from ..nn import Network, SequenceNetwork, Synapse

ADD_PJ = 0.9
MULTIPLY_PJ = 3.7
AC_PJ = ADD_PJ
MAC_PJ = MULTIPLY_PJ + ADD_PJ

WHOLE = 1e-4  # largest distance of time steps x rate from a whole number of spikes


@dataclass
class Operations:
    """Synaptic operations of one decision, means over stimuli.

    Args:
        accumulates: AC, for spikes.
        multiplies: MAC, for real numbers, zeros included.
        multiplies_nonzero: MAC of inputs that are not zero.
    """

    accumulates: float = 0.0
    multiplies: float = 0.0
    multiplies_nonzero: float = 0.0

    @property
    def synaptic_operations(self) -> float:
        """AC and MAC together."""
        return self.accumulates + self.multiplies

    @property
    def energy_nj(self) -> float:
        """Estimated energy in nanojoules, every MAC counted."""
        return 1e-3 * (AC_PJ * self.accumulates + MAC_PJ * self.multiplies)

    @property
    def energy_nj_nonzero(self) -> float:
        """Estimated energy in nanojoules on hardware that skips zeros."""
        return 1e-3 * (AC_PJ * self.accumulates + MAC_PJ * self.multiplies_nonzero)


@checked
def inference_operations(
    network: Network,
    stimuli: Tensor,
    *,
    own: nn.Module | None = None,
    batch_size: int = 64,
    generator: torch.Generator | None = None,
) -> Operations:
    """Count the operations of decisions on stimuli; the network is left unchanged.

    Args:
        network: the network to measure.
        stimuli: `[n, *stimulus.shape]`, real data: the count depends on how much they make the network fire.
        own: modules of a rule (`Rule.state`), for rules that decide through synapses of their own.
        batch_size: number of stimuli per pass.
        generator: random generator of stochastic codes.

    Returns:
        Operations per stimulus; of a recurrent network per position.
    """
    if isinstance(network, SequenceNetwork):
        return _operations_per_position(network, stimuli, batch_size)
    synapses = [m for root in (network, own) if root is not None for m in root.modules() if isinstance(m, Synapse)]
    parts = {id(part) for synapse in synapses for part in synapse.modules() if part is not synapse}
    synapses = [synapse for synapse in synapses if id(synapse) not in parts]
    counts = [_Count(synapse, network.time_steps, fan_out(synapse).double()) for synapse in synapses]
    device = network.stimulus_mean.device
    with ExitStack() as counting:
        for count in counts:
            counting.enter_context(count.active())
        for batch in stimuli.split(batch_size):
            network.logits(batch.to(device), generator=generator)
    found = [count.operations(spiking=network.signals.spiking) for count in counts]
    samples = max(len(stimuli), 1)
    return Operations(
        sum(one.accumulates for one in found) / samples,
        sum(one.multiplies for one in found) / samples,
        sum(one.multiplies_nonzero for one in found) / samples,
    )


@torch.no_grad()
def _operations_per_position(network: SequenceNetwork, stimuli: Tensor, batch_size: int) -> Operations:
    """Operations of one position: symbols and spikes are accumulated at each target, real numbers multiplied."""
    found = Operations()
    time_steps, spiking = network.time_steps, network.signals.spiking
    training = network.training
    network.eval()
    rows = 0
    for batch in stimuli.split(batch_size):
        source = network.encode(batch.to(network.stimulus_mean.device))
        rows += source.shape[0] * source.shape[1]
        units = network.paths[0].units
        if network.symbols and spiking:
            found.accumulates += float((source != 0).sum()) * units
        else:
            found.multiplies += source.numel() * units
            found.multiplies_nonzero += float((source != 0).sum()) * units
        rates = [activity.rate for _, _, activity in network.layer_positions(source, network.rest(source.shape[1]))]
        above = [*[path.units for path in network.paths[1:]], network.readout.target[0]]
        for rate, path, targets in zip(rates, network.paths, above, strict=True):
            reached = path.units + targets  # the layer itself at the next position, and the layer above
            if spiking:
                found.accumulates += float(rate.sum()) * time_steps * reached
            else:
                found.multiplies += rate.numel() * reached
                found.multiplies_nonzero += float((rate != 0).sum()) * reached
    network.train(training)
    names = ("accumulates", "multiplies", "multiplies_nonzero")
    return Operations(*[getattr(found, name) / max(rows, 1) for name in names])


@checked
def fan_out(synapse: Synapse) -> Tensor:
    """Number of connections `[*source]` that leave each source neuron, exact at the borders of maps."""
    device, dtype = synapse.weight.device, synapse.weight.dtype
    source = torch.zeros(1, *synapse.source, device=device, dtype=dtype, requires_grad=True)
    constants = [*synapse.named_parameters(), *synapse.named_buffers()]
    ones = {name: torch.ones_like(value) for name, value in constants}
    with torch.enable_grad():
        drive = torch.func.functional_call(synapse, ones, (source,))
        (counts,) = torch.autograd.grad(drive.sum(), source)
    return counts[0].round()


@dataclass
class _Count:
    """Inputs of one synapse: spikes, time-means of spikes (multiples of 1/T), or real numbers."""

    synapse: Synapse
    time_steps: int
    fan: Tensor
    rows: int = 0
    total: float = 0.0  # input times fan-out, summed
    nonzero: float = 0.0
    binary: bool = True  # all inputs were 0 or 1
    multiples: bool = True  # all inputs were multiples of 1/T

    def add(self, source: Tensor) -> None:
        """Add the inputs `[N, *source]` of one call."""
        values = source.detach().double().reshape(-1, *self.synapse.source)
        self.rows += len(values)
        self.total += float((values.sum(0) * self.fan).sum())
        self.nonzero += float(((values != 0).sum(0) * self.fan).sum())
        self.binary &= bool(((values == 0) | (values == 1)).all())
        spikes = values * self.time_steps
        fits = ((spikes - spikes.round()).abs() < WHOLE) & (values >= 0) & (values <= 1)
        self.multiples &= bool(fits.all())

    def operations(self, *, spiking: bool) -> Operations:
        """Operations of all calls together."""
        if spiking and self.binary:
            return Operations(accumulates=self.total)
        if spiking and self.multiples:
            return Operations(accumulates=self.time_steps * self.total)
        return Operations(multiplies=self.rows * float(self.fan.sum()), multiplies_nonzero=self.nonzero)

    @contextmanager
    def active(self) -> Iterator[None]:
        """Count every input of the synapse, as numbers or as packed spikes."""
        forward_packed = self.synapse.forward_packed

        def counted(spikes: Received) -> Tensor:
            self.add(dense_spikes(spikes, like=self.synapse.weight))
            return forward_packed(spikes)

        handle = self.synapse.register_forward_pre_hook(lambda _, received: self.add(received[0]))
        self.synapse.__dict__["forward_packed"] = counted
        try:
            yield
        finally:
            handle.remove()
            del self.synapse.__dict__["forward_packed"]
