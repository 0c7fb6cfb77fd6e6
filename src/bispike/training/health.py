"""Whether a training can still learn: values that are not finite, and layers that never or always fire.

A value that is not finite ends the training at once. A layer that was silent, or fired at every time step, for a whole
window of training steps is reported, and the training continues. If all layers are silent for an epoch, nothing can be
learned any more and the training ends. Messages name the layer, the firing rates, and what to try.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import nn

from ..errors import ConfigurationError, DivergenceError
from ..nn import Network

WINDOW = 50  # training steps for which a layer must be silent or saturated
SATURATED = 0.999  # firing rate, spikes per neuron and time step
WEIGHTS_EVERY = 50  # training steps between checks of the weights


class FiringWatch:
    """Counts for how many training steps in a row each layer was silent or saturated.

    Args:
        layers: names, bottom to top.
        largest: largest rate of a neuron, 1 of spikes; rates without a bound cannot saturate.
        window: training steps until a layer is reported.
    """

    def __init__(self, layers: Sequence[str], *, largest: float, window: int = WINDOW) -> None:
        self.layers, self.window = list(layers), window
        self.saturation = SATURATED * largest
        self.silent = [0] * len(self.layers)
        self.saturated = [0] * len(self.layers)

    @classmethod
    def of(cls, network: Network) -> FiringWatch:
        """The watch of a network's layers."""
        return cls(network.layer_names, largest=network.signals.largest)

    def count(self, rates: Sequence[float]) -> None:
        """Count one training step with these firing rates, one per layer.

        Raises:
            ConfigurationError: not one rate per layer.
        """
        if len(rates) != len(self.layers):
            raise ConfigurationError(
                f"spike_rate of a step: expected one rate for each of {len(self.layers)} layers, received "
                f"{len(rates)}. A rule gives them in its StepReport; `rules.check_rule` tests it."
            )
        self.silent = [n + 1 if r == 0 else 0 for n, r in zip(self.silent, rates, strict=True)]
        self.saturated = [n + 1 if r >= self.saturation else 0 for n, r in zip(self.saturated, rates, strict=True)]

    def findings(self, epoch_steps: int) -> dict[str, str]:
        """ "silent" or "saturated" by layer, at the end of an epoch of this many training steps.

        Raises:
            DivergenceError: no layer fired in the whole epoch.
        """
        if self.layers and min(self.silent) >= epoch_steps:
            raise DivergenceError(
                "no layer of the network fired for a whole epoch, so nothing can be learned: "
                f"firing rates {rates_text(self.layers, [0.0] * len(self.layers))}. Try a lower threshold, a larger "
                "gain (--set threshold=0.3 gain=2), or a lower lr."
            )
        enough = min(self.window, epoch_steps)
        found = {name: "silent" for name, n in zip(self.layers, self.silent, strict=True) if n >= enough}
        found |= {name: "saturated" for name, n in zip(self.layers, self.saturated, strict=True) if n >= enough}
        return found

    def counts(self) -> dict[str, list[int]]:
        """The counts, for a checkpoint."""
        return {"silent": list(self.silent), "saturated": list(self.saturated)}

    def restore(self, counts: dict[str, list[int]]) -> None:
        """Continue from the counts of a checkpoint."""
        self.silent = list(counts.get("silent", self.silent))
        self.saturated = list(counts.get("saturated", self.saturated))


def finding_text(layer: str, finding: str) -> str:
    """A warning for one layer."""
    if finding == "silent":
        return f"{layer} has not fired in the last training steps; try a lower threshold, a larger gain or a lower lr."
    return f"{layer} fires at every time step; try a higher threshold, a smaller gain or a lower lr."


def check_values(
    loss: float, layer_losses: dict[str, float], layers: Sequence[str], rates: Sequence[float], where: str
) -> None:
    """Check the values of one training step.

    Args:
        loss: task loss.
        layer_losses: local losses by layer.
        layers, rates: names of all layers, bottom to top, and their firing rates.
        where: position of the training, for the message.

    Raises:
        DivergenceError: one of them is not finite; the message names the lowest such layer.
    """
    if math.isfinite(loss + sum(layer_losses.values()) + sum(rates)):
        return
    lowest = [name for name in layers if name in layer_losses and not math.isfinite(layer_losses[name])]
    lowest += [name for name, value in layer_losses.items() if not math.isfinite(value) and name not in lowest]
    not_finite = [name for name, rate in zip(layers, rates, strict=False) if not math.isfinite(rate)]
    what = (
        f"the loss of {lowest[0]} is {layer_losses[lowest[0]]}"
        if lowest
        else f"the rate of {not_finite[0]} is not finite"
        if not_finite
        else f"the loss of the readout is {loss}"
    )
    raise diverged(what, layers, rates, where)


def check_weights(network: Network, trained: Sequence[nn.Parameter], rates: Sequence[float], where: str) -> None:
    """Check that the trained weights are finite.

    Raises:
        DivergenceError: they are not; the message names the layer.
    """
    weights = [parameter.detach() for parameter in trained]
    if math.isfinite(float(torch.nn.utils.get_total_norm(weights))):
        return
    concerned = {id(parameter) for parameter in trained}
    for name, parameter in network.named_parameters():
        if id(parameter) in concerned and not torch.isfinite(parameter).all():
            what = f"weights of {place_of(network, name)} are not finite"
            raise diverged(what, network.layer_names, rates, where)
    raise diverged("the norm of the weights is not finite", network.layer_names, rates, where)


def place_of(network: Network, parameter: str) -> str:
    """Which part of the network a parameter belongs to: "layer2 (bottom-up)", "readout"."""
    parts = parameter.split(".")
    if parts[0] != "layers":
        return parts[0]
    pathway = {"up": " (bottom-up)", "down": " (top-down)"}.get(parts[2] if len(parts) > 2 else "", "")
    return f"{network.layer_names[int(parts[1])]}{pathway}"


def diverged(what: str, layers: Sequence[str], rates: Sequence[float], where: str) -> DivergenceError:
    """The error for a value that is not finite."""
    return DivergenceError(
        f"training diverged in {where}: {what}. Firing rates: {rates_text(layers, rates)}. "
        "Try a lower lr, clip_norm=1, a lower threshold or a larger gain."
    )


def rates_text(layers: Sequence[str], rates: Sequence[float]) -> str:
    """ "layer1 0.120, layer2 0.034"."""
    return ", ".join(f"{name} {rate:.3f}" for name, rate in zip(layers, rates, strict=False)) or "not known"
