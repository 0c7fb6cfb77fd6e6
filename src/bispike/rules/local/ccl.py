"""Counter-current learning (Kao & Hariharan, NeurIPS 2024): a feedback network of labels gives each layer its target.

    a_0 = x,  a_l = f(U_l sg(a_{l−1})) ;      b_L = label,  b_{l−1} = f(V_l sg(b_l)) ;      sg: stop-gradient

The loss of a layer makes its a and b similar for the same class and dissimilar otherwise; U_l learns only from the loss
at a_l, and V_l only from the loss at b_{l−1}. The readout learns from the cross-entropy. The feedback network is the
top-down pathway of the network on rates; its lowest layer, the stimulus readout b_0, is compared with the standardised
stimulus, so it learns to recall class means.

Two losses for `[B, D]` features A and `[C, D]` templates P, one template per class; T is the target matrix:

    product   ½ · 256/D · mean (A Pᵀ − T)²                       (the released code for dense layers)
    cosine    mean (Â P̂ᵀ − T)² + λ mean (Â Âᵀ − I)² + λ mean (P̂ P̂ᵀ − I)²      (for convolutions; ^: rows of norm 1)

Paper and released code differ. In the paper the input are the labels of the B samples and the target is the B × B
identity, with λ = 0, so samples of one class must be dissimilar. In the code the input are the C classes and the target
is the B × C matrix of class membership (`target`). The B templates are not computed: those of one class are equal, so
they are counted.

Measured on Fashion-MNIST (784-1024-512-256-10, 10 000 samples, 5 epochs, one seed, validation): classes 84.9 %,
identity 75.0 %; cosine 84.9 %, product 71.3 %; elu 84.9 %, relu 84.8 %, tanh 84.2 %. The defaults follow this, also in
dense layers, where the released code has products and 100 epochs of SGD (rate 1, gradients clipped at norm 1). With
Adam a learning rate of 3e-3 does better than 1e-3: 89.7 % against 88.7 % after 10 epochs of all samples.

Unlike in the paper, both networks may have norms (those of the top-down pathway over the C classes). Maps are compared
before pooling. The option of the released code to skip samples that are already classified is not implemented.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from ...functional import ACTIVATIONS, decorrelate, match_classes, unit_rows, unit_rows_backward
from ...nn import RATES, Layer, Network, Signals
from ..options import NOT_NEGATIVE, RateOptions, one_of, option
from ..readouts import learn_top
from ..rule import Rule, StepReport, register

TARGETS = ("classes", "identity")
SIMILARITIES = ("cosine", "product", "by-layer")
WIDTH = 256  # width of the dense layers in the released code, which scales its loss to it


@dataclass(frozen=True)
class CCLOptions(RateOptions):
    """Options of counter-current learning."""

    activation: str = option("elu", one_of(ACTIVATIONS), "activation function of the layers")
    target: str = option("classes", one_of(TARGETS), "classes (the released code) or identity (the paper)")
    similarity: str = option(
        "cosine",
        one_of(SIMILARITIES),
        "cosine, product, or by-layer: product in dense layers and cosine in convolutions, as released",
    )
    decorrelation: float = option(
        0.5,
        NOT_NEGATIVE,
        "λ of the cosine loss; 0.5 in the released code, 0 in the paper",
        only_with={"similarity": ("cosine", "by-layer")},
    )


@register
class CCL(Rule):
    """Counter-current learning on the rate network; trains both pathways."""

    name: ClassVar[str] = "ccl"
    summary: ClassVar[str] = "counter-current learning: a network from the labels teaches layer by layer"
    signals: ClassVar[Signals] = RATES
    trains_top_down: ClassVar[bool] = True
    Options: ClassVar[type] = CCLOptions
    recommended: ClassVar[dict[str, Any]] = {"lr": 3e-3}
    settings: CCLOptions

    def parameters(self) -> list[nn.Parameter]:
        return [*self.network.bottom_up_parameters(), *self.network.top_down_parameters()]

    @torch.no_grad()
    def learn(self, stimulus: Tensor, labels: Tensor, *, generator: torch.Generator | None) -> StepReport:
        net = self.network
        up = list(net.bottom_up_rates(net.encode(stimulus, generator=generator)))
        down = list(net.top_down_rates(net.code.rate(net.time_steps).to(net.stimulus_mean)))[::-1]
        top = learn_top(net, up[-1].leaving, labels)
        losses = {"recall": self._meet_stimulus(net.standardise(stimulus), down[0].leaving, labels)}
        for basal, apical in zip(up, down, strict=True):
            layer, rate, template = basal.layer, basal.activity, apical.activity
            meeting = _LayerLoss(net, self.settings, layer, labels)
            value, grad_rate, grad_template = meeting.loss_and_gradients(rate.rate, template.rate)
            layer.up.backward(grad_rate * rate.slope, basal.below, rate)
            layer.down.backward(grad_template * template.slope, apical.below, template)
            losses[layer.name] = value
        return StepReport(top.loss, top.correct, losses, [step.activity.active for step in up])

    def _meet_stimulus(self, target: Tensor, template_rate: Tensor, labels: Tensor) -> Tensor:
        """Loss of the lowest layer: recalled stimuli, which are linear in the rates above, against the stimuli."""
        net = self.network
        meeting = _LayerLoss(net, self.settings, net.layers[0], labels)
        value, _, grad = meeting.loss_and_gradients(target, net.stimulus_readout(template_rate))
        net.stimulus_readout.write_gradient(grad, template_rate)
        return value


class _LayerLoss:
    """The loss of one layer, with its scale and its samples."""

    def __init__(self, network: Network, settings: CCLOptions, layer: Layer, labels: Tensor) -> None:
        self.group, self.labels, self.classes = network.group, labels, network.concept.classes
        self.count = self.group.count(len(labels))
        self.decorrelation = settings.decorrelation
        by_layer = "product" if len(layer.feature_shape) == 1 else "cosine"
        self.similarity = by_layer if settings.similarity == "by-layer" else settings.similarity
        self.occurrences: Tensor | None = None
        if settings.target == "identity":
            self.occurrences = self.group.sum(torch.bincount(labels, minlength=self.classes).to(network.stimulus_mean))
        self.pairs = self.count * (self.classes if self.occurrences is None else self.count)

    def loss_and_gradients(self, feature: Tensor, template: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Loss, dL/d feature `[B, *shape]` and dL/d template `[C, *shape]`."""
        rows, templates = feature.flatten(1), template.flatten(1)
        if self.similarity == "product":
            value, grad_rows, grad_templates = self._match(rows, templates, WIDTH / (2 * rows.shape[1]))
        else:
            value, grad_rows, grad_templates = self._match_directions(rows, templates)
        return value, grad_rows.view_as(feature), grad_templates.view_as(template)

    def _match(self, rows: Tensor, templates: Tensor, weight: float) -> tuple[Tensor, Tensor, Tensor]:
        value, grad_rows, grad_templates = match_classes(rows, templates, self.labels, self.occurrences)
        scale = weight / self.pairs
        return value * scale, grad_rows * scale, grad_templates * scale

    def _match_directions(self, rows: Tensor, templates: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        rows, norm = unit_rows(rows)
        templates, template_norm = unit_rows(templates)
        value, grad_rows, grad_templates = self._match(rows, templates, 1.0)
        if self.decorrelation:
            everyone = self.group.sum(self.group.whole(rows))
            same = self.group.mine(torch.eye(len(everyone)).to(rows))
            apart, grad = decorrelate(rows, everyone, same)
            scale = self.decorrelation / self.count**2
            value, grad_rows = value + scale * apart, grad_rows + scale * grad
            apart, grad = decorrelate(templates, templates, torch.eye(self.classes).to(rows))
            # The classes are the same in every process: each adds this term in proportion to its samples.
            scale = self.decorrelation / self.classes**2 * (len(rows) / self.count)
            value, grad_templates = value + scale * apart, grad_templates + scale * grad
        return (
            value,
            unit_rows_backward(grad_rows, rows, norm),
            unit_rows_backward(grad_templates, templates, template_norm),
        )
