"""Bidirectional spike-based distillation (arXiv 2509.20284): two spiking pathways teach each other, layer by layer.

The input of the bottom-up pass are the stimuli, that of the top-down pass the C concepts. In every layer a local
contrastive loss aligns the features of the two passes. Its gradient has a closed form, so no tape is kept across layers
or over time: the drive is linear in the spikes below, and one product of the feature gradient with the *rate* below
gives the weight gradient of all time steps. Templates have C rows, the affinity is B×C, and one layer is in memory.

    a_i = rate(LIF(W_i s_{i−1})),  p_i = rate(LIF(Θ_i s'_{i+1})),   L_i = align(a_i − mean, p_i − mean)

The readout learns from the labels; the stimulus readout learns to recall the stimulus. Defaults and the effect of each
option on accuracy: docs/findings.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

import torch
from torch import Tensor, nn

from ...functional import AlignmentLoss, align_centred
from ...functional.backends import compiled
from ...nn import Activity, Classifier, Network, SpikeStep, TopDownPass
from ..readouts import learn_recall, learn_top
from ..rule import Rule, StepReport, register
from .options import BSDOptions
from .parts import Centre, Contrast, Feature, load_state


class TwoPathwayRule(Rule):
    """Base of BSD on single stimuli and on sequences: the alignment of a layer, and the state of its parts."""

    name: ClassVar[str] = "bsd"
    summary: ClassVar[str] = "two spiking pathways align in every layer; local, no tape over layers or time"
    trains_top_down: ClassVar[bool] = True
    settings: BSDOptions

    def __init__(self, network: Network, **options: object) -> None:
        super().__init__(network, **options)
        given = self.settings
        template = given.feature if given.template == "same" else given.template
        self.loss = AlignmentLoss(given.loss, given.strength, given.temperature, given.reduction)
        self.feature = Feature(given.feature, given.slope, given.pool)
        self.template = Feature(template, given.slope, given.pool)
        self.centre = Centre(given.centre, given.centre_samples)
        self.contrast = Contrast(
            given.contrast,
            network.code.classes,
            prior=given.prior,
            memory=given.centre_samples,
            reference_batch=given.reference_batch,
            like=network.stimulus_mean,
        )
        self._fusable = given.loss != "mse" and given.pool == 0

    def parameters(self) -> list[nn.Parameter]:
        return [*self.network.bottom_up_parameters(), *self.network.top_down_parameters()]

    def move_state(self) -> None:
        super().move_state()
        like = self.network.stimulus_mean
        self.centre.means = {name: mean.to(like) for name, mean in self.centre.means.items()}
        self.contrast.prior = self.contrast.prior.to(like)

    def state_dict(self) -> dict[str, Tensor]:
        means = {f"centre.{name}": mean for name, mean in self.centre.means.items()}
        return {**means, **self.contrast.state_dict()}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        sizes = {layer.name: self.feature.size(layer.feature_shape) for layer in self.network.layers}
        load_state(self.centre, self.contrast, state, sizes=sizes, like=self.network.stimulus_mean)

    def align(
        self, step: SpikeStep, above: Tensor, down: Activity, labels: Tensor, negatives: Tensor, prior: Tensor
    ) -> Tensor:
        """Align the two populations of a layer and write the gradients of W and Θ; return the local loss.

        Args:
            step: the layer, the rate below `[B, *source]`, and the activity of its bottom-up population.
            above: `[C, *source]` rate that the top-down synapse received.
            down: activity of the top-down population.
            labels: `[B]` index of the template of each sample.
            negatives: `[B, C]` (`functional.negative_counts`).
            prior: `[C]` weights of the templates in the mean of templates.
        """
        layer, up, group = step.layer, step.activity, self.network.group
        fused = self._fusable and layer.up.is_compiled and not (group.shares and self.centre.mode == "batch")
        rows, templates = self.feature.rows(up), self.template.rows(down)
        centre, batch_mean = self.centre.of(layer.name, rows, group)
        value, grad_rows, grad_templates = (compiled.align if fused else align_centred)(
            rows,
            templates,
            labels,
            negatives,
            self.loss,
            centre=centre,
            prior=None if centre is None else prior.to(rows),
            batch_mean=batch_mean,
            samples=group.count(len(labels)) if group.shares else len(labels),
        )
        self.feature.backward(layer.up, grad_rows, step.below, up, fused=fused)
        self.template.backward(layer.down, grad_templates, above, down, fused=fused)
        self.gradients_ready(layer.parameters())
        return value


@register
class BSD(TwoPathwayRule):
    """Bidirectional spike-based distillation of single stimuli. See the module text and `BSDOptions`."""

    networks: ClassVar[tuple[type[Network], ...]] = (Classifier,)
    Options: ClassVar[type] = BSDOptions
    network: Classifier

    @torch.no_grad()
    def learn(self, stimulus: Tensor, labels: Tensor, *, generator: torch.Generator | None) -> StepReport:
        source = self.network.encode(stimulus, generator=generator)
        bottom_up = self.network.bottom_up_pass(source, unrolled=self.feature.unrolled)
        return self.learn_from_pass(stimulus, source, bottom_up, labels)

    @torch.no_grad()
    def learn_from_pass(
        self,
        stimulus: Tensor,
        source: Tensor,
        bottom_up: Iterable[SpikeStep],
        labels: Tensor,
        *,
        top_down: TopDownPass | None = None,
    ) -> StepReport:
        """Align a bottom-up pass with the top-down pass, the half that needs the labels; write `.grad`.

        Args:
            stimulus: `[B, *stimulus.shape]` in the units of the data.
            source: its code, from `Network.encode`.
            bottom_up: the bottom-up pass of `source`, running or stored (with `unrolled=rule.feature.unrolled`).
            labels: `[B]` int64 in 0..C−1.
            top_down: the top-down pass of all concepts, if already computed (with `unrolled=rule.template.unrolled`).
        """
        net, losses = self.network, dict[str, Tensor]()
        rates: list[Tensor] = []
        negatives = self.contrast.negatives(labels, net.group, dtype=source.dtype)
        top_down = top_down or net.top_down_pass(unrolled=self.template.unrolled)
        for step in bottom_up:
            above, down = top_down.take(len(rates))
            if not rates:
                lowest = down.rate
            losses[step.layer.name] = self.align(step, above, down, labels, negatives, self.contrast.prior)
            rates.append(step.activity.rate.mean())
            leaving = step.leaving
            del step, above, down  # frees the memory of this layer before the next one
        top = learn_top(net, leaving, labels, negatives, kind=self.settings.top_loss, strength=self.settings.strength)
        self.gradients_ready([*net.readout.parameters(), *net.code.parameters()])
        target = source if net.constant_input else net.standardise(stimulus)
        losses["recall"] = learn_recall(net, lowest, target, labels)
        return StepReport(top.loss, top.correct, losses, rates)
