"""BSD on autoencoders: the latent code of a stimulus reconstructs it, and every layer learns from its own loss.

    bottom-up     a_i preserves the affinities of its input (functional.affinity), or is aligned with p_i by ReCo
    top-down      p_i, driven by the latent spikes of the sample, learns to equal a_i: MSE of rates, or ReCo
    cues          with occlusion, the response to a partly hidden stimulus learns to equal that to the whole
    both ends     the stimulus readout learns the stimulus (MSE); the concept readout and the highest top-down
                  synapse learn the latent code of each class, and this reaches no other layer

No error crosses a layer, and no label affects the code. In ReCo of B samples each sample is its own class (the loss of
the paper for generation, arXiv 2509.20284: the low and the high frequency band of the features have one λ each). No
top-down population has a template per sample for the latent code, so its loss is the part of ReCo that separates
samples.
"""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn

from ...errors import ConfigurationError
from ...functional import (
    AlignmentLoss,
    affinity,
    align,
    map_of,
    match_affinity,
    random_cue,
    rows_of,
    split_bands,
    weigh_bands,
)
from ...nn import Activity, Autoencoder, Network, Pathway
from ..readouts import learn_latent_ends, learn_reconstruction
from ..rule import Rule, StepReport, register
from .options import BSDAutoencoderOptions
from .rule import BSD


@register
class BSDAutoencoder(Rule):
    """Bidirectional spike-based distillation of an autoencoder; see the module text and `BSDAutoencoderOptions`."""

    name: ClassVar[str] = "bsd"
    summary: ClassVar[str] = BSD.summary
    networks: ClassVar[tuple[type[Network], ...]] = (Autoencoder,)
    trains_top_down: ClassVar[bool] = True
    Options: ClassVar[type] = BSDAutoencoderOptions
    settings: BSDAutoencoderOptions
    network: Autoencoder

    def __init__(self, network: Network, **options: object) -> None:
        super().__init__(network, **options)
        given = self.settings
        if given.occlusion > 0 and not (network.constant_input and given.reconstruction == "affinity"):
            raise ConfigurationError(
                "occlusion: cues need the stimulus code 'current', in which a hidden part is silent, and "
                f"reconstruction 'affinity'; received {network.stimulus_code!r} and {given.reconstruction!r}."
            )

    def parameters(self) -> list[nn.Parameter]:
        return [*self.network.bottom_up_parameters(), *self.network.top_down_parameters()]

    @torch.no_grad()
    def learn(self, stimulus: Tensor, labels: Tensor, *, generator: torch.Generator | None) -> StepReport:
        net = self.network
        if net.group.shares:
            raise ConfigurationError(
                "rule 'bsd': on autoencoders the affinities of a batch need all of its samples in one process; start "
                "one process."
            )
        source = net.encode(stimulus, generator=generator)
        target = source if net.constant_input else net.standardise(stimulus)
        steps = list(net.bottom_up_pass(self._with_cues(source, generator), unrolled=True))
        last = steps[-1]
        code = last.activity
        top_down = net.top_down_from_code(code.spikes, code.rate, unrolled=True)
        losses: dict[str, Tensor] = {}
        lowest = code.rate
        for i, step in enumerate(steps[:-1]):
            above, down = top_down.take(i)
            lowest = down.rate if i == 0 else lowest
            layer, up = step.layer, step.activity
            losses[layer.name], grad_up, grad_down = self._align(i, step.below, up, down)
            _write(layer.up, grad_up, step.below, up)
            _write(layer.down, grad_down, above, down)
            self.gradients_ready(layer.parameters())
        losses[last.layer.name], grad_code = self._spread(last.below, code)
        _write(last.layer.up, grad_code, last.below, code)
        rows = len(labels)
        top = learn_latent_ends(net, last.leaving[:rows], code.rate[:rows], labels)
        self.gradients_ready([*last.layer.parameters(), *net.readout.parameters(), *net.code.parameters()])
        repeated = target.repeat(len(lowest) // rows, *[1] * (target.dim() - 1))
        losses["recall"] = learn_reconstruction(net, lowest, repeated)
        return StepReport(top.loss, top.correct, losses, [step.activity.rate.mean() for step in steps])

    def _with_cues(self, source: Tensor, generator: torch.Generator | None) -> Tensor:
        """The stimuli; where cues are learned, followed by the same stimuli with a hidden part (no current)."""
        most = self.settings.occlusion
        if most == 0:
            return source
        return torch.cat([source, source * random_cue(source, most, generator=generator)])

    def _align(self, place: int, below: Tensor, up: Activity, down: Activity) -> tuple[Tensor, Tensor, Tensor]:
        """Loss of a layer below the latent code, dL/d rates of its two populations."""
        if self.settings.reconstruction == "reco":
            return self._reco(up.rate, down.rate)
        value, grad_up = self._keep(place, below, up)
        found, grad_down = _follow(down.rate, self._whole(up.rate))
        return value + found, grad_up, grad_down

    def _spread(self, below: Tensor, code: Activity) -> tuple[Tensor, Tensor]:
        """Loss of the latent code, dL/d its rates."""
        if self.settings.reconstruction == "reco":
            value, grad, _ = self._reco(code.rate, code.rate)
            return value, grad
        return self._keep(len(self.network.layers) - 1, below, code)

    def _keep(self, place: int, below: Tensor, up: Activity) -> tuple[Tensor, Tensor]:
        """Loss and gradient: affinities against those of the input (a stimulus is whitened), cues against wholes."""
        options = self.settings
        rate, whole = up.rate, self._whole(up.rate)
        below = self._whole(below)
        power = 1.0
        if place == 0:
            power = options.whitening
            if options.cutoff > 0:
                below = weigh_bands(below, options.cutoff, options.low, options.high)
        value, grad = match_affinity(_rows(whole), affinity(below.flatten(1), power))
        grad = _like(grad, whole)
        if len(whole) == len(rate):
            return value, grad
        found, pull = _follow(rate[len(whole) :], whole)
        return value + found, torch.cat([grad, pull])

    def _whole(self, values: Tensor) -> Tensor:
        """The rows of whole stimuli, without the rows of cues."""
        return values if self.settings.occlusion == 0 else values[: len(values) // 2]

    def _reco(self, up: Tensor, down: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """ReCo of samples, in one frequency band or two."""
        options = self.settings
        if options.cutoff == 0:
            return self._sample_reco(up, down, options.strength)
        grads_up, grads_down, value = torch.zeros_like(up), torch.zeros_like(down), up.new_zeros(())
        bands = zip(split_bands(up, options.cutoff), split_bands(down, options.cutoff), strict=True)
        for place, ((mine, other), strength) in enumerate(zip(bands, (options.low, options.high), strict=True)):
            part, grad_up, grad_down = self._sample_reco(mine, other, strength)
            value = value + part
            grads_up += split_bands(grad_up, options.cutoff)[place]
            grads_down += split_bands(grad_down, options.cutoff)[place]
        return value, grads_up, grads_down

    def _sample_reco(self, up: Tensor, down: Tensor, strength: float) -> tuple[Tensor, Tensor, Tensor]:
        samples = up.shape[0]
        own = torch.arange(samples, device=up.device)
        negatives = 1 - torch.eye(samples, dtype=up.dtype, device=up.device)
        rows, templates = (_rows(rate) - _rows(rate).mean(0) for rate in (up, down))
        loss = AlignmentLoss("reco", strength, reduction=self.settings.reduction)
        found = align(rows, templates, own, negatives, loss)
        grads = (grad - grad.mean(0) for grad in (found.grad_feature, found.grad_template))
        grad_up, grad_down = (_like(grad, up) for grad in grads)
        return found.value, grad_up, grad_down


def _rows(rate: Tensor) -> Tensor:
    """Rates as rows `[B, D]`; maps position by position, in the order of memory."""
    return rows_of(rate).flatten(1)


def _like(grad: Tensor, rate: Tensor) -> Tensor:
    """Gradient of `_rows` in the shape of the rates."""
    return map_of(grad.unflatten(1, (-1, rate.shape[1])), rate.shape[2:])


def _follow(rate: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Mean squared difference to the target, which is repeated where rows include cues, and its gradient."""
    difference = rate - target.repeat(len(rate) // len(target), *[1] * (target.dim() - 1))
    scale = 1 / difference.numel()
    return scale * difference.square().sum(), difference * (2 * scale)


def _write(pathway: Pathway, grad: Tensor, source: Tensor, activity: Activity) -> None:
    pathway.backward(grad * pathway.rate_slope(activity), source, activity)
