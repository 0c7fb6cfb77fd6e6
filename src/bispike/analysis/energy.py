"""Synaptic operations of one decision, counted while it is made, and an estimate of their energy.

Whatever passes through a synapse during `Network.logits` is watched. A spike costs one addition (AC) at each of its
targets: spikes x fan-out, the fan-out of each source neuron taken from the wiring itself, so that the borders of a
convolution count with what they have. A real number costs a multiplication and an addition (MAC) at each target: the
current into the first layer, once for all time steps as it does not change, and every input of a rate network, with
zeros (dense hardware) and without them (hardware that skips them). A readout that reads the time-mean of spikes is
counted by the spikes: the drive is linear, so a neuron that adds up what arrives computes the same.

Energy: 32-bit floating point in 45 nm at 0.9 V, M. Horowitz, "Computing's energy problem (and what we can do about
it)", ISSCC 2014: addition 0.9 pJ, multiplication 3.7 pJ. So AC 0.9 pJ and MAC 4.6 pJ. Not in it: reading weights and
moving spikes, which cost more than arithmetic on most hardware; the neurons' own updates, norms, pooling and biases;
products that a rule makes without a synapse. It compares networks of one size; it predicts no chip.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ..functional import Received, dense_spikes
from ..nn import Network, SequenceNetwork, Synapse

ADD_PJ = 0.9
MULTIPLY_PJ = 3.7
AC_PJ = ADD_PJ
MAC_PJ = MULTIPLY_PJ + ADD_PJ

WHOLE = 1e-4  # how far steps x rate may lie from a whole number of spikes


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


def inference_operations(
    network: Network,
    stimuli: Tensor,
    *,
    own: nn.Module | None = None,
    batch_size: int = 64,
    generator: torch.Generator | None = None,
) -> Operations:
    """Count the operations of deciding on stimuli; the network is left as it was.

    Args:
        network: in the state to be measured.
        stimuli: `[n, *stimulus.shape]`, real data: the count depends on how much they make the network fire.
        own: a rule's own weights (`Rule.own`), where its decision passes through synapses of its own.
        batch_size: stimuli at a time.
        generator: source of randomness of stochastic codes.

    Returns:
        Operations a stimulus; of a recurrent network those of one position.
    """
    if isinstance(network, SequenceNetwork):
        return _of_positions(network, stimuli, batch_size)
    synapses = [m for root in (network, own) if root is not None for m in root.modules() if isinstance(m, Synapse)]
    parts = {id(part) for synapse in synapses for part in synapse.modules() if part is not synapse}
    synapses = [synapse for synapse in synapses if id(synapse) not in parts]
    counts = [_Count(synapse, network.time_steps, fan_out(synapse).double()) for synapse in synapses]
    device = network.stimulus_mean.device
    with ExitStack() as watched:
        for count in counts:
            watched.enter_context(count.watching())
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
def _of_positions(network: SequenceNetwork, stimuli: Tensor, batch_size: int) -> Operations:
    """Operations of one position: symbols and spikes are added up at each target, real numbers multiplied."""
    found = Operations()
    time_steps = network.time_steps
    training = network.training
    network.eval()
    rows = 0
    for batch in stimuli.split(batch_size):
        source = network.encode(batch.to(network.stimulus_mean.device))
        rows += source.shape[0] * source.shape[1]
        units = network.paths[0].units
        if network.symbols and network.signals.spiking:
            found.accumulates += float((source != 0).sum()) * units
        else:
            found.multiplies += source.numel() * units
            found.multiplies_nonzero += float((source != 0).sum()) * units
        if not network.signals.spiking:
            rates = [activity.rate for _, activity in network.rates_positions(source)]
        else:
            rates = [
                activity.rate for _, _, activity in network.bottom_up_positions(source, network.rest(source.shape[1]))
            ]
        above = [*[path.units for path in network.paths[1:]], network.readout.target[0]]
        for rate, path, targets in zip(rates, network.paths, above, strict=True):
            reached = path.units + targets  # itself at the next position, and what is above
            if network.signals.spiking:
                found.accumulates += float(rate.sum()) * time_steps * reached
            else:
                found.multiplies += rate.numel() * reached
                found.multiplies_nonzero += float((rate != 0).sum()) * reached
    network.train(training)
    names = ("accumulates", "multiplies", "multiplies_nonzero")
    return Operations(*[getattr(found, name) / max(rows, 1) for name in names])


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
    """What passed through one synapse: spikes, time-means of spikes (their fractions tell), or real numbers."""

    synapse: Synapse
    time_steps: int
    fan: Tensor
    rows: int = 0
    arrived: float = 0.0  # input times fan-out, summed
    nonzero: float = 0.0
    whole: bool = True  # all inputs were 0 or 1
    counted: bool = True  # all inputs were whole numbers of spikes over the steps

    def see(self, source: Tensor) -> None:
        """Inputs `[N, *source]` of one call."""
        values = source.detach().double().reshape(-1, *self.synapse.source)
        self.rows += len(values)
        self.arrived += float((values.sum(0) * self.fan).sum())
        self.nonzero += float(((values != 0).sum(0) * self.fan).sum())
        self.whole &= bool(((values == 0) | (values == 1)).all())
        spikes = values * self.time_steps
        fits = ((spikes - spikes.round()).abs() < WHOLE) & (values >= 0) & (values <= 1)
        self.counted &= bool(fits.all())

    def operations(self, *, spiking: bool) -> Operations:
        """Of all calls together."""
        if spiking and self.whole:
            return Operations(accumulates=self.arrived)
        if spiking and self.counted:
            return Operations(accumulates=self.time_steps * self.arrived)
        return Operations(multiplies=self.rows * float(self.fan.sum()), multiplies_nonzero=self.nonzero)

    @contextmanager
    def watching(self) -> Iterator[None]:
        """See what goes through the synapse, whether as numbers or as packed spikes."""
        forward_packed = self.synapse.forward_packed

        def seen(spikes: Received) -> Tensor:
            self.see(dense_spikes(spikes, like=self.synapse.weight))
            return forward_packed(spikes)

        handle = self.synapse.register_forward_pre_hook(lambda _, received: self.see(received[0]))
        self.synapse.__dict__["forward_packed"] = seen
        try:
            yield
        finally:
            handle.remove()
            del self.synapse.__dict__["forward_packed"]
