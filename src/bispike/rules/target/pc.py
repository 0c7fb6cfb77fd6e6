"""Predictive coding: activities relax to reduce an energy, and weights learn from the remaining errors.

Every layer predicts its activity x_l from the one below, p_l = f_l(x_{l−1}); f_l is the function of the layer (synapse,
norm, activation, pooling). With the error ε_l = x_l − p_l the network has the energy

    F = Σ_l ½ ‖ε_l‖² + loss(readout of x_L)                                     (sums over samples)

Activities begin at their predictions and descend F with fixed weights; then the weights take one step:

    Δx_l = rate · (J_{l+1}ᵀ ε_{l+1} − ε_l),   ε_{L+1} = −∂loss/∂drive of the readout,   ΔW_l ∝ ε_l ∂f_l/∂W_l

Sources: Rao & Ballard, Nature Neuroscience 1999; Whittington & Bogacz, Neural Computation 2017 (predictions follow
the activities); Millidge, Tschantz & Buckley, Neural Computation 2022 (predictions stay at the values of the forward
pass). In the second case the fixed point is ε_l = J_{l+1}ᵀ ε_{l+1}, the gradient of backpropagation: predictive coding
is then backpropagation by relaxation. With rate 1 an error takes one step per layer, so as many parallel steps as there
are layers reach it exactly, and so does a single step from the top to the bottom (`order="ordered"`).

In recurrent networks every layer at every position has an error, which also depends on the population at the next
position; predictions are fixed, and an error passes back one position (or layer) per step: by default 20 steps.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from ...nn import RATES, Network, RateStep, SequenceNetwork, Signals
from ..feedback.backward import READOUT, feedback_places, random_feedback
from ..options import FRACTION, NOT_NEGATIVE, RateOptions, one_of, option
from ..readouts import Top, learn_outputs, learn_top
from ..rule import Rule, StepReport, register

PREDICTIONS = ("fixed", "moving")
ORDERS = ("parallel", "ordered")
FEEDBACKS = ("transpose", "random")
MOVING_STEPS, MOVING_RATE = 20, 0.1
POSITION_STEPS = 20  # steps of inference in a recurrent network


@dataclass(frozen=True)
class PCOptions(RateOptions):
    """Options of predictive coding.

    The defaults are those of the released code of Millidge except for its inference (100 steps of rate 0.2): they reach
    the same result at a fraction of the cost. Whittington & Bogacz clamp the output and use a squared error; here the
    top of the energy is the cross-entropy of the readout.
    """

    predictions: str = option(
        "fixed", one_of(PREDICTIONS), "fixed, or moving: computed anew from the activities after each inference step"
    )
    inference_steps: int = option(
        0, NOT_NEGATIVE, "steps of inference; 0: as many as there are layers (fixed), 20 (moving)"
    )
    inference_rate: float = option(
        0.0, FRACTION, "step size of the activities; 0: 1 (fixed), 0.1 (moving; larger ones may diverge)"
    )
    order: str = option(
        "parallel",
        one_of(ORDERS),
        "order of a step: parallel: all layers from the errors before it; ordered: from top to bottom, each from the "
        "new error above",
    )
    feedback: str = option(
        "transpose",
        one_of(FEEDBACKS),
        "weights that carry errors: the transposed ones, or fixed random ones of their shape, as in feedback alignment",
    )


@register
class PC(Rule):
    """Predictive coding on the rate network; trains the bottom-up pathway."""

    name: ClassVar[str] = "pc"
    summary: ClassVar[str] = "predictive coding: activities relax to the errors that weights learn from"
    needs_chain: ClassVar[bool] = True
    signals: ClassVar[Signals] = RATES
    Options: ClassVar[type] = PCOptions
    settings: PCOptions

    def __init__(self, network: Network, **options: object) -> None:
        super().__init__(network, **options)
        if self.settings.feedback == "random":
            draws = self.random_source()
            places = feedback_places(network)
            self.register_state({name: random_feedback(synapse, draws) for name, synapse in places.items()})
        self._moving = self.settings.predictions == "moving"
        self.inference_steps = self.settings.inference_steps or (MOVING_STEPS if self._moving else len(network.layers))
        self.rate = self.settings.inference_rate or (MOVING_RATE if self._moving else 1.0)

    @torch.no_grad()
    def learn(self, stimulus: Tensor, labels: Tensor, *, generator: torch.Generator | None) -> StepReport:
        net = self.network
        count = net.group.count(len(labels))
        layer_pass = list(net.bottom_up_rates(net.encode(stimulus, generator=generator)))
        active = [step.activity.active for step in layer_pass]
        first = top = learn_top(net, layer_pass[-1].leaving, labels)
        errors = [torch.zeros_like(step.leaving) for step in layer_pass]
        for _ in range(self.inference_steps):
            errors = self._relax(layer_pass, errors, top, count)
            if self._moving:
                activities = [step.leaving + error for step, error in zip(layer_pass, errors, strict=True)]
                layer_pass = list(_predict(layer_pass, activities))
                errors = [activity - step.leaving for step, activity in zip(layer_pass, activities, strict=True)]
                top = learn_top(net, activities[-1], labels)
        for step, error in zip(layer_pass, errors, strict=True):
            step.layer.up.backward(_before_activation(step, error) * (-1 / count), step.below, step.activity)
        energies = {step.layer.name: _energy(error, count) for step, error in zip(layer_pass, errors, strict=True)}
        return StepReport(first.loss, first.correct, energies, active)

    def _relax(self, layer_pass: Sequence[RateStep], errors: Sequence[Tensor], top: Top, count: int) -> list[Tensor]:
        """Errors after one step of inference with these predictions."""
        weights = dict(self.state.named_buffers())
        relaxed = list(errors)
        # Gradient of the sum over samples, so that the change of an activity does not depend on the batch size.
        pull = self.network.readout.backward_input(top.error * -count, weights.get(READOUT))
        for i in reversed(range(len(layer_pass))):
            relaxed[i] = torch.lerp(errors[i], pull, self.rate)
            if i > 0:
                above = relaxed[i] if self.settings.order == "ordered" else errors[i]
                step = layer_pass[i]
                back = _before_activation(step, above)
                pull = step.layer.up.backward_input(back, step.activity, weights.get(step.layer.name))
        return relaxed


@dataclass(frozen=True)
class PCSequenceOptions(RateOptions):
    """Options of predictive coding on sequences; predictions are fixed, the feedback is the transpose."""

    inference_steps: int = option(0, NOT_NEGATIVE, "inference steps; 0: 20")
    inference_rate: float = option(0.0, FRACTION, "rate of the activities; 0: 1")


@register
class PCSequences(Rule):
    """Predictive coding of sequences: errors of all positions relax in parallel, from the errors before each step."""

    name: ClassVar[str] = "pc"
    summary: ClassVar[str] = PC.summary
    networks: ClassVar[tuple[type[Network], ...]] = (SequenceNetwork,)
    signals: ClassVar[Signals] = RATES
    Options: ClassVar[type] = PCSequenceOptions
    settings: PCSequenceOptions
    network: SequenceNetwork

    @torch.no_grad()
    def learn(self, stimulus: Tensor, labels: Tensor, *, generator: torch.Generator | None) -> StepReport:
        net = self.network
        source = net.encode(stimulus)
        batch, paths = source.shape[1], net.paths
        layers = net.rates_positions(source)
        top = learn_outputs(net, layers[-1][1].rate, net.target_rows(stimulus, labels))
        count = net.group.count(len(top.error))
        from_readout = net.readout.backward_input(top.error * -count)
        errors = [torch.zeros_like(activity.rate) for _, activity in layers]
        for _ in range(self.settings.inference_steps or POSITION_STEPS):
            back = [
                path.before_norm(error * activity.slope, activity)
                for path, error, (_, activity) in zip(paths, errors, layers, strict=True)
            ]
            for i, path in enumerate(paths):
                pull = from_readout if i + 1 == len(paths) else back[i + 1] @ paths[i + 1].parts()[0]
                later = back[i][batch:] @ path.parts()[1]
                pull = pull + torch.cat([later, torch.zeros_like(errors[i][:batch])])
                errors[i] = torch.lerp(errors[i], pull, self.settings.inference_rate or 1.0)
        for layer, error, (below, activity) in zip(net.layers, errors, layers, strict=True):
            layer.up.backward(error * activity.slope * (-1 / count), below, activity)
        net.follow([activity.raw_drive for _, activity in layers])
        energies = {layer.name: _energy(error, count) for layer, error in zip(net.layers, errors, strict=True)}
        rates = [activity.active for _, activity in layers]
        return StepReport(top.loss, top.correct / labels.shape[1], energies, rates)


def _predict(layer_pass: Sequence[RateStep], activities: Sequence[Tensor]) -> Iterable[RateStep]:
    """Prediction of each layer from the activity below; the lowest layer's prediction depends on the stimulus."""
    yield layer_pass[0]
    for step, below in zip(layer_pass[1:], activities, strict=False):
        activity = step.layer.up.forward_rates(below, track=False)
        yield RateStep(step.layer, below, activity, step.layer.pool_rates(activity.rate))


def _before_activation(step: RateStep, error: Tensor) -> Tensor:
    """Gradient `[B, *shape]` of the drive from `[B, *output]` of the output: back through pooling and activation."""
    return step.layer.unpool(error, step.activity.rate) * step.activity.slope


def _energy(error: Tensor, count: int) -> Tensor:
    return error.square().sum() / (2 * count)
