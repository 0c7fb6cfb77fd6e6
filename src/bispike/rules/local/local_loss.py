"""Local losses (Mostafa et al. 2018; Nøkland & Eidnes 2019; Belilovsky et al. 2019): each layer has its own classifier.

    L_l = CE( C_l pool(r_l), y ),   dL_l/dr_l = poolᵀ C_lᵀ (softmax − y)/B

No gradient crosses a layer: a layer receives rates from below and nothing from above. The readout of the network
learns from the rates of the last layer, as under any other rule, and gives the decision.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ...functional import cross_entropy, spread_average
from ...nn import RATES, Dense, Network, RateStep, Signals
from ..options import RateOptions, at_least, one_of, option
from ..readouts import learn_top
from ..rule import Rule, StepReport, register

CLASSIFIERS = ("trained", "fixed")


@dataclass(frozen=True)
class LocalLossOptions(RateOptions):
    """Options of local losses."""

    classifier: str = option(
        "trained", one_of(CLASSIFIERS), "trained with its layer, or fixed: random as initialised (Mostafa et al.)"
    )
    side: int = option(
        4, at_least(1), "side of the maps that a classifier of a convolutional layer receives, after average pooling"
    )


@register
class LocalLoss(Rule):
    """Layer-wise classifiers on the rate network; trains the bottom-up pathway and the classifiers.

    Nøkland & Eidnes add a similarity loss and Belilovsky et al. deeper classifiers, trained layer after layer. Here
    each classifier is linear, the loss is only the cross-entropy, and all layers learn at once.
    """

    name: ClassVar[str] = "local-loss"
    summary: ClassVar[str] = "local losses: a linear classifier on each layer, no gradient crosses a layer"
    signals: ClassVar[Signals] = RATES
    Options: ClassVar[type] = LocalLossOptions
    settings: LocalLossOptions

    def __init__(self, network: Network, **options: object) -> None:
        super().__init__(network, **options)
        draws = self.random_source()
        classifiers = {}
        for layer in network.layers:
            channels, *sides = layer.output_shape
            seen = (channels, *(min(n, self.settings.side) for n in sides))
            classifier = Dense(seen, (network.concept.classes,))
            classifier.initialise(1.0, draws)
            classifiers[layer.name] = classifier
        self.register_state(classifiers)

    def parameters(self) -> list[nn.Parameter]:
        trained = [] if self.settings.classifier == "fixed" else list(self.state.parameters())
        return [*self.network.bottom_up_parameters(), *trained]

    @torch.no_grad()
    def learn(self, stimulus: Tensor, labels: Tensor, *, generator: torch.Generator | None) -> StepReport:
        net = self.network
        losses, active = {}, []
        rate = source = net.encode(stimulus, generator=generator)
        for step in net.bottom_up_rates(source):
            losses[step.layer.name] = self._learn_layer(step, labels)
            active.append(step.activity.active)
            rate = step.leaving
            self.gradients_ready(step.layer.up.parameters())
        top = learn_top(net, rate, labels)
        return StepReport(top.loss, top.correct, losses, active)

    def _learn_layer(self, step: RateStep, labels: Tensor) -> Tensor:
        """Write the gradients of a layer and its classifier; return the local loss."""
        layer, activity = step.layer, step.activity
        classifier = self.state.get_submodule(layer.name)
        assert isinstance(classifier, Dense)
        seen = step.leaving
        if seen.dim() == 4:
            seen = F.adaptive_avg_pool2d(seen, (classifier.source[1], classifier.source[2]))
        loss, error = cross_entropy(classifier(seen), labels, samples=self.network.group.count(len(labels)))
        if self.settings.classifier == "trained":
            classifier.write_gradient(error, seen)
        grad = classifier.backward_input(error)
        if grad.dim() == 4:
            grad = spread_average(grad, layer.output_shape[1:])
        grad = layer.unpool(grad, activity.rate)
        layer.up.backward(grad * activity.slope, step.below, activity)
        return loss
