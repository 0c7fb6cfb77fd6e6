"""Bidirectional spike-based distillation (arXiv 2509.20284): two spiking pathways teach each other, layer by layer.

The bottom-up pass carries the stimuli; the top-down pass carries the C concepts. In every layer the features of
the two meet in a local contrastive loss whose gradient is known in closed form, so no tape is kept across layers
or over time: the drive is linear in the spikes below, and one product of the feature gradient with the *rate* below
gives the weight gradient of all time steps. Templates have C rows, the affinity is B×C, and one layer is in memory.

    a_i = rate(LIF(W_i s_{i−1})),  p_i = rate(LIF(Θ_i s'_{i+1})),   L_i = align(a_i − mean, p_i − mean)

The top learns from the labels, the bottom readout learns to recall the stimulus. Defaults and what each option does
to accuracy: docs/findings.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ...errors import ConfigurationError
from ...functional import (
    CENTRES,
    CONTRASTS,
    LOSSES,
    REDUCTIONS,
    AlignmentLoss,
    align,
    centre_rows,
    centre_rows_backward,
    centre_templates,
    centre_templates_backward,
    map_of,
    meet,
    native_usable,
    negative_counts,
    rows_of,
    spread_average,
)
from ...nn import SLOPES, Activity, Layer, Network, Pathway, SequenceNetwork, TopDownPass, rate_leaving
from ..options import FRACTION, NOT_NEGATIVE, POSITIVE, SHARE, RuleOptions, at_least, in_range, one_of, option
from ..readouts import TOP_LOSSES, learn_recall, learn_top
from ..rule import Rule, StepReport, register
from .autoencoder import RECONSTRUCTIONS, Reconstruction
from .encounter import Encounter
from .sequences import learn_sequences

FEATURES = ("rate", "drive")
TEMPLATES = ("same", *FEATURES)
PRIORS = ("uniform", "running")
PRIOR = "prior"  # in the state
ORDERS = ("down-first", "up-first", "concurrent")


@dataclass(frozen=True)
class BSDOptions(RuleOptions):
    """Options of BSD.

    Args:
        loss: `reco`, `infonce`, `cross-entropy` or `mse`.
        feature: what is aligned: the firing `rate` or the time-mean `drive`.
        template: what of the top-down population it is aligned with: the `rate`, the `drive` (what reaches the apical
            dendrite, real-valued), or the `same` as `feature`.
        contrast: which negatives: `batch` (the paper's literal loss), `masked`, `classes`, `expected`.
        prior: share of each class that `expected` and `classes` go by, and that weighs the mean of the templates:
            `uniform`, or `running`: how often it came, over the last `centre_samples` samples or so.
        strength: λ of ReCo, at least 0.
        temperature: κ of InfoNCE and cross-entropy, positive.
        reduction: `sum`, `sample` or `mean` (see `functional.align`).
        centre: `none`, `batch`, or `running` (a running mean over samples; works at batch 1).
        centre_samples: memory of the running mean, in samples.
        reference_batch: batch size that `classes` and `expected` refer to.
        slope: d rate / d drive: `mean-field` or `unrolled` (forward through the neuron's steps).
        pool: side of the grid that larger maps are averaged to before they are aligned; 0: whole maps.
        top_loss: `cross-entropy`, or `reco` against the concept code (no signed error).
        order: `down-first`, `up-first` or `concurrent`; the updates are the same bit for bit.
        block: positions of a sequence that are taken at once. Where positions have templates of their own those of a
            block (512 at most) are each other's contrast; with 1 those of one position, so the update is local in time.

    On autoencoders (see `reconstruction`) these count, with `strength` and `reduction` of ReCo:
        reconstruction: `affinity`, or `reco` of samples.
        whitening: power in (0, 1] of the stimulus's affinities that the first layer keeps.
        cutoff: between a low and a high frequency band, in cycles a sample (0.5 is the highest along one axis); 0: one
            band.
        occlusion: largest share of a stimulus that is hidden in cues, which learn to call up the whole; 0: no cues.
        low, high: weight of each band in the stimulus's affinities, or λ of ReCo in each band.
    """

    loss: str = option("reco", one_of(LOSSES))
    feature: str = option("rate", one_of(FEATURES))
    template: str = option("same", one_of(TEMPLATES))
    contrast: str = option("expected", one_of(CONTRASTS))
    prior: str = option("uniform", one_of(PRIORS))
    strength: float = option(0.2, NOT_NEGATIVE)
    temperature: float = option(0.1, POSITIVE)
    reduction: str = option("sample", one_of(REDUCTIONS))
    centre: str = option("running", one_of(CENTRES))
    centre_samples: int = option(1280, at_least(1))
    reference_batch: int = option(128, at_least(2))
    slope: str = option("mean-field", one_of(SLOPES))
    pool: int = option(0, at_least(0))
    top_loss: str = option("cross-entropy", one_of(TOP_LOSSES))
    order: str = option("down-first", one_of(ORDERS))
    block: int = option(32, at_least(1))
    reconstruction: str = option("affinity", one_of(RECONSTRUCTIONS))
    whitening: float = option(0.7, SHARE)
    occlusion: float = option(0.0, FRACTION)
    cutoff: float = option(0.0, in_range(0, 0.71))
    low: float = option(1.0, NOT_NEGATIVE)
    high: float = option(4.0, NOT_NEGATIVE)


@register
class BSD(Rule):
    """Bidirectional spike-based distillation. See the module's text and `BSDOptions`."""

    name: ClassVar[str] = "bsd"
    summary: ClassVar[str] = "two spiking pathways align in every layer; local, no tape over layers or time"
    trains_top_down: ClassVar[bool] = True
    reconstructs: ClassVar[bool] = True
    sequences: ClassVar[bool] = True
    Options: ClassVar[type] = BSDOptions
    settings: BSDOptions

    def __init__(self, network: Network, **options: object) -> None:
        super().__init__(network, **options)
        classes = network.concept.classes
        like = network.stimulus_mean
        self.prior = torch.full((classes,), 1 / classes, dtype=like.dtype, device=like.device)
        self.running: dict[str, Tensor] = {}
        given = self.settings
        self._loss = AlignmentLoss(given.loss, given.strength, given.temperature, given.reduction)
        self._reconstruction = Reconstruction(network, given, self.gradients_ready) if network.latent else None
        self.template = given.feature if given.template == "same" else given.template

    def follows(self, kind: str) -> bool:
        """Whether a pass follows the slope of its neurons, given what is aligned of them."""
        return kind == "rate" and self.settings.slope == "unrolled"

    def parameters(self) -> list[nn.Parameter]:
        return [*self.network.bottom_up_parameters(), *self.network.top_down_parameters()]

    def state_dict(self) -> dict[str, Tensor]:
        kept = {f"centre.{name}": mean for name, mean in self.running.items()}
        return {**kept, PRIOR: self.prior} if self.settings.prior == "running" else kept

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        state = dict(state)
        if self.settings.prior == "running" and PRIOR in state:
            self.prior = state.pop(PRIOR).clone()
        unknown = sorted(key for key in state if not key.startswith("centre."))
        if unknown:
            raise ConfigurationError(
                f"rule 'bsd': expected running centres 'centre.<layer>', received {unknown}; a checkpoint of an "
                "earlier version keeps them in another order and cannot be resumed."
            )
        self.running = {key.removeprefix("centre."): mean.clone() for key, mean in state.items()}

    @torch.no_grad()
    def learn(self, stimulus: Tensor, labels: Tensor, *, generator: torch.Generator | None) -> StepReport:
        if self._reconstruction is not None:
            return self._reconstruction.learn(stimulus, labels, generator)
        if isinstance(self.network, SequenceNetwork):
            return learn_sequences(self, self.network, stimulus, labels)
        source = self.network.encode(stimulus, generator=generator)
        return self.learn_from_pass(stimulus, source, self.bottom_up_pass(source), labels)

    def bottom_up_pass(self, source: Tensor) -> Iterator[tuple[Layer, Tensor, Activity]]:
        """The half that needs no label: the bottom-up pass, with what the other half learns from.

        Args:
            source: what `Network.encode` returned.
        """
        return self.network.bottom_up_pass(source, unrolled=self.follows(self.settings.feature))

    @torch.no_grad()
    def learn_from_pass(
        self, stimulus: Tensor, source: Tensor, up: Iterable[tuple[Layer, Tensor, Activity]], labels: Tensor
    ) -> StepReport:
        """The half that needs the labels: the top-down pass meets a bottom-up one; writes `.grad`.

        Args:
            stimulus: `[B, *stimulus.shape]` in the units of the data.
            source: its code, from `Network.encode`.
            up: `look(source)`, under way or kept since (one weight product a layer is still to come).
            labels: `[B]` int64 in 0..C−1.
        """
        net = self.network
        if self.settings.prior == "running":
            self._follow_classes(labels)
        negatives = negative_counts(
            labels,
            net.concept.classes,
            contrast=self.settings.contrast,
            prior=self.prior.to(source),
            reference_batch=self.settings.reference_batch,
            occurrences=self._occurrences(labels),
            dtype=source.dtype,
        )
        losses: dict[str, Tensor] = {}
        rates: list[Tensor] = []
        if self.settings.order == "down-first":
            down = self._top_down()
        elif self.settings.order == "up-first":
            up = iter(list(up))
            down = self._top_down()
        else:
            with ThreadPoolExecutor(1) as pool:
                waiting = pool.submit(self._top_down)
                up = iter(list(up))
                down = waiting.result()
        top_rate = source
        lowest = down.at(0)[1].rate
        for layer, below, activity in up:  # no enumerate: it would hold on to the last layer while the next one works
            i = len(rates)
            here = Encounter(layer, below, activity, *down.at(i))
            losses[layer.name] = self.align_layer(here, labels, negatives, self.prior)
            del here
            down.forget(i)
            rates.append(activity.rate.mean())
            top_rate = rate_leaving(layer, activity)
            del below, activity
        top = learn_top(net, top_rate, labels, negatives, kind=self.settings.top_loss, strength=self.settings.strength)
        self.gradients_ready([*net.readout.parameters(), *net.code.parameters()])
        target = source if net.constant_input else net.standardise(stimulus)
        losses["recall"] = learn_recall(net, lowest, target, labels)
        return StepReport(top.loss, top.correct, losses, rates)

    @torch.no_grad()
    def _top_down(self) -> TopDownPass:
        return self.network.top_down_pass(unrolled=self.follows(self.template))

    def align_layer(self, here: Encounter, labels: Tensor, negatives: Tensor, prior: Tensor) -> Tensor:
        """Align the two populations of a layer and write the gradients of W and Θ; return the local loss.

        Args:
            here: the layer.
            labels: `[B]` the template of each sample.
            negatives: `[B, C]` (`functional.negative_counts`).
            prior: `[C]` weights of the templates in their mean.
        """
        way = self._align_fused if self._fits_kernels(here.up) else self._align_reference
        value = way(here, labels, negatives, prior)
        self.gradients_ready(here.layer.parameters())
        return value

    def _fits_kernels(self, up: Activity) -> bool:
        options = self.settings
        alone = not (options.centre == "batch" and self.network.group.shares)
        return native_usable(up.rate) and options.loss != "mse" and options.pool == 0 and alone

    def _align_fused(self, here: Encounter, labels: Tensor, negatives: Tensor, prior: Tensor) -> Tensor:
        mode, feature, template = self.settings.centre, self.settings.feature, self.template
        rows, templates = self._rows(here.up, feature), self._rows(here.down, template)
        by_batch = mode == "batch" and rows.shape[0] > 1
        centre = None
        if mode != "none":
            centre = self._batch_mean(rows) if by_batch else self._running_mean(here.layer.name, rows)
        value, on_rows, on_templates = meet(
            rows,
            templates,
            labels,
            negatives,
            self._loss,
            centre=centre,
            prior=None if mode == "none" else prior,
            by_batch=by_batch,
            samples=self.network.group.count(labels.shape[0]),
        )
        here.layer.up.backward_fused(on_rows, here.below, here.up, through_rate=feature == "rate")
        here.layer.down.backward_fused(on_templates, here.above, here.down, through_rate=template == "rate")
        return value

    def _align_reference(self, here: Encounter, labels: Tensor, negatives: Tensor, prior: Tensor) -> Tensor:
        """The same, step by step: the reference, and the way for all other options, precisions and devices."""
        prior = prior.to(here.up.rate)
        mode = self.settings.centre
        feature, template = self.settings.feature, self.template
        rows, templates = self._rows(here.up, feature), self._rows(here.down, template)
        group = self.network.group
        by_batch = mode == "batch" and group.count(rows.shape[0]) > 1
        if mode == "none":
            rows, templates = rows.clone(), templates.clone()
        else:
            rows = centre_rows(rows, self._batch_mean(rows) if by_batch else self._running_mean(here.layer.name, rows))
            templates = centre_templates(templates, prior)
        samples = group.count(labels.shape[0])
        result = align(rows, templates, labels, negatives, self._loss, samples=samples, consume=True)
        del rows, templates
        value, grad_rows, grad_templates = result.value, result.grad_feature, result.grad_template
        del result
        if by_batch:
            centre_rows_backward(grad_rows, self._batch_mean(grad_rows))
        if mode != "none":
            centre_templates_backward(grad_templates, prior)
        up, down = here.layer.up, here.layer.down
        up.learn(self._drive_gradient(grad_rows, up, here.up, feature), here.below, here.up)
        down.learn(self._drive_gradient(grad_templates, down, here.down, template), here.above, here.down)
        return value

    def _rows(self, activity: Activity, kind: str) -> Tensor:
        """`[B, D]` rate or drive of a population; maps position by position, as they lie in memory."""
        values = activity.rate if kind == "rate" else activity.drive
        if self._pools(values.shape):
            values = F.adaptive_avg_pool2d(values, self.settings.pool)
        return rows_of(values).flatten(1)

    def _pools(self, shape: torch.Size) -> bool:
        """Whether maps of this shape are averaged: those that are larger than the grid."""
        return len(shape) == 4 and 0 < self.settings.pool < max(shape[2:])

    def _drive_gradient(self, grad: Tensor, pathway: Pathway, activity: Activity, kind: str) -> Tensor:
        """From dL/d rows `[B, D]`, written over, to dL/d time-mean drive `[B, *shape]`: `_rows` backwards."""
        side, shape = self.settings.pool, activity.drive.shape
        if self._pools(shape):
            grad = spread_average(map_of(grad.unflatten(1, (side * side, shape[1])), (side, side)), shape[2:])
        else:
            grad = map_of(grad.unflatten(1, (-1, shape[1])), shape[2:])
        return grad.mul_(pathway.rate_slope(activity)) if kind == "rate" else grad

    def _running_mean(self, name: str, rows: Tensor) -> Tensor:
        """Running mean `[D]` of a layer's features: this batch moves it by its number of samples."""
        mean = self._batch_mean(rows)
        if name in self.running:
            weight = 1 - (1 - 1 / self.settings.centre_samples) ** self.network.group.count(rows.shape[0])
            return self.running[name].lerp_(mean, weight)
        self.running[name] = mean
        return mean

    def _follow_classes(self, labels: Tensor) -> None:
        """Move the prior towards how often each class came, by the number of samples; it begins uniform."""
        group, classes = self.network.group, self.network.concept.classes
        samples = group.count(len(labels))
        shares = group.sum(torch.bincount(labels, minlength=classes).to(self.prior)) / samples
        self.prior = self.prior.lerp(shares, 1 - (1 - 1 / self.settings.centre_samples) ** samples)

    def _batch_mean(self, rows: Tensor) -> Tensor:
        """Mean `[D]` over the whole batch."""
        group = self.network.group
        return group.sum(rows.sum(0)) / group.count(rows.shape[0]) if group.shares else rows.mean(0)

    def _occurrences(self, labels: Tensor) -> Tensor | None:
        """`[C]` how often each class occurs in the whole batch, where other processes hold some of it."""
        group = self.network.group
        if not group.shares or self.settings.contrast not in ("batch", "masked"):
            return None
        return group.sum(torch.bincount(labels, minlength=self.network.concept.classes))
