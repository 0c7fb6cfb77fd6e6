"""Dendritic localized learning (Lv et al., ICML 2025): learned feedback synapses pass errors down to apical dendrites.

The soma has the activity u, the basal dendrite receives W u from below, the apical dendrite the local error ξ from
above, through feedback synapses Θ that are not W's transpose:

    s_{i+1} = ξ_{i+1} ⊙ f'(W_i u_i),     ξ_i = Θ_i s_{i+1},     ξ_L = smoothed target − softmax(u_L)
    ΔW_i ∝ s_{i+1} u_iᵀ,                 ΔΘ_i ∝ −ξ_i s_{i+1}ᵀ        (Θ_i leads downward: it has the shape of W_iᵀ)

The rule of Θ is gradient descent on ½ ‖ξ_i‖² with ξ_i = Θ_i s, so ΔΘ_i = −η Θ_i E[s sᵀ]. It reduces the local errors,
and since ξ_i = Θ_i s, it weakens the feedback along the directions in which errors vary most. It does not depend on W,
so it does not align Θ with Wᵀ; the errors are useful because W aligns with Θ, as in feedback alignment. The released
code has the opposite sign: Θ grows along the directions in which errors vary most, limited by the optimizer and its
schedule. In both cases Θ must change slowly relative to W: at a tenth of its learning rate, as in the paper. Measured
on Fashion-MNIST (784-1024-512-256-10, relu, 10 000 samples, 5 epochs, validation): plus 86.8 %, Θ fixed 85.9 %, minus
85.1 %; in the same order with tanh. So plus is the default.

Here Θ are the weights of the top-down synapses of the network, without their biases, norms and neurons. Where the paper
has transposed convolutions, these upsample; after a pooling only the largest unit of each cell receives an error. The
derivative f' is that of norm and activation together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from ...nn import RATES, Dense, Network, RateStep, SequenceNetwork, Signals
from ..gradient.through_time import backward_through_time
from ..options import BELOW_ONE, RateOptions, one_of, option
from ..readouts import learn_outputs, learn_top
from ..rule import Rule, StepReport, register

ACROSS = 0.5  # gain of the feedback from the next position: errors must not grow from position to position
SIGNS = {"minus": 1.0, "plus": -1.0, "none": 0.0}  # sign of the gradient of Θ


@dataclass(frozen=True)
class DLLOptions(RateOptions):
    """Options of dendritic localized learning. The paper has tanh and `minus`; the defaults are more accurate."""

    feedback_sign: str = option(
        "plus",
        one_of(tuple(SIGNS)),
        "sign of Θ's update: plus (the released code), minus (the paper) or none: Θ stays fixed (the paper's DLL-FA)",
    )
    label_smoothing: float = option(0.1, BELOW_ONE, "share of the target that is spread evenly over the classes")


@register
class DLL(Rule):
    """Dendritic localized learning on the rate network; trains the bottom-up pathway and the feedback weights Θ."""

    name: ClassVar[str] = "dll"
    summary: ClassVar[str] = "dendritic localized learning: local errors through learned feedback synapses"
    needs_chain: ClassVar[bool] = True
    signals: ClassVar[Signals] = RATES
    Options: ClassVar[type] = DLLOptions
    recommended: ClassVar[dict[str, Any]] = {"top_down_lr": 1e-4}
    settings: DLLOptions

    def parameters(self) -> list[nn.Parameter]:
        feedback = [layer.down.synapse.weight for layer in self.network.layers]
        return [*self.network.bottom_up_parameters(), *(feedback if self._sign else [])]

    @property
    def _sign(self) -> float:
        return SIGNS[self.settings.feedback_sign]

    @torch.no_grad()
    def learn(self, stimulus: Tensor, labels: Tensor, *, generator: torch.Generator | None) -> StepReport:
        net = self.network
        count = net.group.count(len(labels))
        layer_pass = list(net.bottom_up_rates(net.encode(stimulus, generator=generator)))
        top = learn_top(net, layer_pass[-1].leaving, labels, smoothing=self.settings.label_smoothing)
        losses = self._descend(layer_pass, top.error, count)
        return StepReport(top.loss, top.correct, losses, [step.activity.active for step in layer_pass])

    def _descend(self, layer_pass: Sequence[RateStep], signal: Tensor, count: int) -> dict[str, Tensor]:
        """Write the gradients of all layers; `signal` is −s / B of the readout."""
        losses = {}
        for step in reversed(layer_pass):
            layer, feedback = step.layer, step.layer.down.synapse
            error = feedback.forward_linear(signal)  # −ξ / B
            if self._sign:
                feedback.write_gradient(error * (self._sign * count), signal, bias=False)
            losses[layer.name] = error.square().sum() * (count / 2)
            signal = layer.up.backward(error * step.activity.slope * _winners(step), step.below, step.activity)
        return losses


@register
class DLLSequences(Rule):
    """Dendritic localized learning of sequences: local errors also pass back through the positions.

    Each layer has its own feedback Θ: down from above, and across from the next position.
    """

    name: ClassVar[str] = "dll"
    summary: ClassVar[str] = DLL.summary
    networks: ClassVar[tuple[type[Network], ...]] = (SequenceNetwork,)
    signals: ClassVar[Signals] = RATES
    Options: ClassVar[type] = DLLOptions
    recommended: ClassVar[dict[str, Any]] = DLL.recommended
    settings: DLLOptions
    network: SequenceNetwork

    def __init__(self, network: Network, **options: object) -> None:
        super().__init__(network, **options)
        self.register_state(_feedback_through_time(self.network, self.random_source()))

    def parameters(self) -> list[nn.Parameter]:
        feedback = [weight for weight in self.state.parameters() if weight.requires_grad]
        return [*self.network.bottom_up_parameters(), *(feedback if SIGNS[self.settings.feedback_sign] else [])]

    @torch.no_grad()
    def learn(self, stimulus: Tensor, labels: Tensor, *, generator: torch.Generator | None) -> StepReport:
        net, sign = self.network, SIGNS[self.settings.feedback_sign]
        source = net.encode(stimulus)
        layers = net.rates_positions(source)
        rows = net.target_rows(stimulus, labels)
        top = learn_outputs(net, layers[-1][1].rate, rows, smoothing=self.settings.label_smoothing)
        modules = dict(self.state.named_children())
        down = [modules[f"down{i}"] for i in range(len(layers))]
        across = [modules[f"across{i}"] for i in range(len(layers))]
        found = backward_through_time(
            net.paths, layers, len(source), lambda i, s: down[i](s), lambda i, s: across[i](s), top.error
        )
        count = net.group.count(len(top.error))
        losses = {}
        above = top.error
        for i, (layer, (below, activity)) in reversed(list(enumerate(zip(net.layers, layers, strict=True)))):
            error, signal = found[i]
            if sign:
                after = slice(source.shape[1], None)
                scale = sign * count
                down[i].write_gradient(error * scale, above)  # type: ignore[operator]
                across[i].write_gradient(  # type: ignore[operator]
                    error[: len(error) - source.shape[1]] * scale, signal[after]
                )
            losses[layer.name] = error.square().sum() * (count / 2)
            above = signal
            layer.up.backward(error * activity.slope, below, activity)
        net.follow([activity.raw_drive for _, activity in layers])
        rates = [activity.active for _, activity in layers]
        return StepReport(top.loss, top.correct / labels.shape[1], losses, rates)


def _feedback_through_time(network: SequenceNetwork, draws: torch.Generator) -> dict[str, nn.Module]:
    """Feedback of a recurrent network: down into each layer, and across from the next position."""
    found: dict[str, nn.Module] = {}
    above = [*[path.units for path in network.paths[1:]], network.concept.classes]
    for i, (path, units) in enumerate(zip(network.paths, above, strict=True)):
        for name, source, gain in ((f"down{i}", units, 1.0), (f"across{i}", path.units, ACROSS)):
            synapse = Dense((source,), (path.units,), bias=False)
            synapse.initialise(gain, draws)
            found[name] = synapse
    return found


def _winners(step: RateStep) -> Tensor | float:
    """Slope of max pooling: 1 for the largest unit of each cell, 0 for the others."""
    return 1.0 if step.layer.pool == 1 else step.layer.unpool(torch.ones_like(step.leaving), step.activity.rate)
