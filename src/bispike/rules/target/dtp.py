"""Difference target propagation (Lee et al., ECML 2015): learned feedback passes targets down instead of errors.

    t_top = a − s dL/da,   t_l = h_l + g_l(t_{l+1}) − g_l(h_{l+1}),   L_l = ½ ‖h_l − t_l‖² / s

a is the drive of the readout, h_l are the rates of layer l, g_l = f(Θ_l ·) is the top-down pathway, and no L_l affects
the layers below. The feedback learns from noise ε, η ~ N(0, σ²) of its own, either to reconstruct h + ε (Lee et al.),

    ½ ‖g(f(h+ε)) − (h+ε)‖²

or by the local difference reconstruction loss (Ernoult et al., ICML 2022; after Meulemans et al., NeurIPS 2020)

    −⟨ε, g(f(h+ε)) − g(f(h))⟩ + ½ ‖g(f(h)+η) − g(f(h))‖²

In a linear network the first is minimal at G = Σ Jᵀ (J Σ Jᵀ)⁻¹ with Σ the covariance of h + ε, the pseudo-inverse of J
where noise outweighs rates; the second is minimal at G = Jᵀ, and then the rule is backpropagation.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

import torch
from torch import Tensor, nn

from ...functional import ACTIVATIONS, activate, activation_slope
from ...nn import RATES, Layer, RateStep, Signals
from ..options import POSITIVE, RateOptions, one_of, option
from ..readouts import learn_top
from ..rule import Rule, StepReport, register

FEEDBACK_LOSSES = ("difference", "reconstruction", "fixed")


@dataclass(frozen=True)
class DTPOptions(RateOptions):
    """Options of difference target propagation."""

    target_step: float = option(
        0.1, POSITIVE, "s, distance of the top's target down the gradient of each sample's loss"
    )
    feedback_loss: str = option(
        "difference", one_of(FEEDBACK_LOSSES), "what trains the feedback; fixed: it stays as initialised (FW-DTP)"
    )
    feedback_activation: str = option("identity", one_of(ACTIVATIONS), "activation function of the feedback g")
    noise: float = option(
        0.1,
        POSITIVE,
        "σ, standard deviation of the noise that trains the feedback, in units of rates",
        only_with={"feedback_loss": ("difference", "reconstruction")},
    )


@register
class DTP(Rule):
    """Difference target propagation on the rate network; trains the bottom-up pathway and the feedback.

    The feedback is the top-down pathway of the network without its norm, which has statistics of class templates: a
    norm with separate statistics for h and for t would remove their difference, which is the signal. No weight is
    transported, not even that of the readout: its target is at its drive, where the papers use the gradient through the
    last weights.
    g returns the rates before pooling, so that all units of a cell have a target, not only the largest.

    The papers use tanh in both directions and update the feedback several times per batch. Here it learns once, from
    one draw of the noise per batch, which is enough as long as the bottom-up rates are relu or tanh and g is linear.
    """

    name: ClassVar[str] = "dtp"
    summary: ClassVar[str] = "difference target propagation: learned feedback carries targets down"
    needs_chain: ClassVar[bool] = True
    signals: ClassVar[Signals] = RATES
    Options: ClassVar[type] = DTPOptions
    settings: DTPOptions

    def attach(self) -> Self:
        super().attach()
        for layer in self.network.layers:
            layer.down.activation = self.settings.feedback_activation
        return self

    def parameters(self) -> list[nn.Parameter]:
        return [*self.network.bottom_up_parameters(), *self.feedback_parameters()]

    def feedback_parameters(self) -> list[nn.Parameter]:
        """Trained parameters of the top-down pathway: biases only where they do not cancel in differences of g."""
        if self.settings.feedback_loss == "fixed":
            return []
        synapses = [layer.down.synapse for layer in self.network.layers]
        return [p for synapse in synapses for p in synapse.parameters() if self._biased or p is synapse.weight]

    @property
    def _biased(self) -> bool:
        return self.settings.feedback_loss == "reconstruction" or self.settings.feedback_activation != "identity"

    @torch.no_grad()
    def learn(self, stimulus: Tensor, labels: Tensor, *, generator: torch.Generator | None) -> StepReport:
        net, draws = self.network, self.step_generator(generator)
        layer_pass = list(net.bottom_up_rates(net.encode(stimulus, generator=generator)))
        samples = net.group.count(len(labels))
        above: RateStep | None = None
        upper = net.readout(layer_pass[-1].leaving)
        top = learn_top(net, layer_pass[-1].leaving, labels)
        target = upper - self.settings.target_step * samples * top.error
        losses = {}
        for step in reversed(layer_pass):
            layer, rate = step.layer, step.activity.rate
            shift = self._feedback(layer, target) - self._feedback(layer, upper)
            losses[layer.name] = shift.square().sum() / (2 * samples * self.settings.target_step)
            grad = shift.mul(-1 / (samples * self.settings.target_step))
            if self.settings.feedback_loss != "fixed":
                self._learn_feedback(step, above, upper, draws)
            layer.up.backward(grad * step.activity.slope, step.below, step.activity)
            above, upper, target = step, rate, rate + shift
        return StepReport(
            top.loss, top.correct, dict(reversed(losses.items())), [s.activity.active for s in layer_pass]
        )

    def _feedback(self, layer: Layer, source: Tensor) -> Tensor:
        """g: rates of the layer from the rates above."""
        return activate(layer.down.synapse(source), layer.down.activation)

    def _forward(self, step: RateStep, above: RateStep | None, rate: Tensor) -> Tensor:
        """f: output of the layer above, or of the readout, for these rates of a layer, with the norm as in the pass."""
        leaving = step.layer.pool_rates(rate)
        if above is None:
            return self.network.readout(leaving)
        return above.layer.up.forward_rates(leaving, statistics=above.activity.statistics).rate

    def _learn_feedback(self, step: RateStep, above: RateStep | None, upper: Tensor, draws: torch.Generator) -> None:
        layer, rate, sigma = step.layer, step.activity.rate, self.settings.noise
        scale = 1 / self.network.group.count(len(rate))
        noise = sigma * self._noise(rate, draws)
        noisy = self._forward(step, above, rate + noise)
        if self.settings.feedback_loss == "reconstruction":
            source = noisy
            back = self._feedback(layer, source)
            grad = (back - rate - noise) * scale
        else:
            source = torch.cat([noisy, upper, upper + sigma * self._noise(upper, draws)])
            back = self._feedback(layer, source)
            _, still, moved = back.chunk(3)
            change = moved - still
            grad = torch.cat([-noise, noise - change, change]) * (scale / sigma**2)
        layer.down.synapse.write_gradient(grad * activation_slope(back, layer.down.activation), source)
        if layer.down.synapse.bias is not None and not self._biased:
            layer.down.synapse.bias.grad = None  # only rounding errors

    def _noise(self, like: Tensor, draws: torch.Generator) -> Tensor:
        """Standard normal numbers; in a shared batch, those of the samples of this process."""
        group = self.network.group
        shape = (group.count(len(like)), *like.shape[1:])
        return group.mine(torch.randn(shape, generator=draws, device=draws.device, dtype=like.dtype)).to(like)
