"""Networks for single stimuli: a classifier, and an autoencoder that reconstructs a stimulus from a latent code.

The bottom-up pass maps a stimulus to the scores of the readout; the top-down pass maps concepts to recalled stimuli.
The passes are independent; a rule aligns them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor

from ..arguments import expect
from ..errors import ConfigurationError, ShapeError, expect_shape
from ..functional import (
    Spikes,
    bernoulli_code,
    cosine_scores,
    dense_spikes,
    drive_scores,
    given_spikes,
    latency_code,
    lif,
    poisson_code,
    rate_of,
)
from ..functional.backends.tracing import hides_values, is_captured, uncompiled
from . import passes
from .inference import is_inference, own_precision
from .label_input import labels_of
from .layer import Layer
from .network import Network, check_place
from .passes import LayerRecord, RateStep, SpikeStep, TopDownPass, TrajectoryStep, record_of
from .process_group import ALONE
from .signals import top_down_concepts
from .stimulus_input import Array, tensor_of
from .traceable import expect_traceable


class StimulusNetwork(Network):
    """Base of networks that classify single stimuli; arguments as for `Network`.

    Attributes:
        decision: scores `[B, C]` from an encoded stimulus, under rules that do not decide by the readout; else None.
    """

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.decision: Callable[[Tensor], Tensor] | None = None

    def __setattr__(self, name: str, value: Any) -> None:
        """A decision that is a module stays one of the rule: its weights are none of the network's."""
        if name == "decision":
            object.__setattr__(self, name, value)
        else:
            super().__setattr__(name, value)

    # ------------------------------------------------------------------ ends

    def check_stimulus(self, stimulus: Tensor) -> None:
        """Raise unless `stimulus` is `[B, *stimulus.shape]` in the precision and on the device of the network."""
        self.check_values("stimulus", stimulus)
        if tuple(stimulus.shape[1:]) != self.stimulus.shape or stimulus.dim() < 2:
            axes = ", ".join(str(n) for n in self.stimulus.shape)
            raise expect_shape("stimulus", f"batch, {axes}", stimulus.shape, "Is the batch axis missing?")

    def check_labels(self, labels: Tensor) -> None:
        """Raise unless `labels` are int64 `[B]` in 0..C−1."""
        expect("labels", labels, Tensor, "a tensor")
        check_place("labels", labels, self.stimulus_mean.device)
        if labels.dim() != 1 or labels.dtype != torch.int64:
            raise ShapeError(
                f"labels: expected int64 of shape [batch], received {labels.dtype} of shape {list(labels.shape)}."
            )
        check_classes(labels, len(self.concept.names))

    def take_labels(self, labels: Array) -> Tensor:
        """Labels of a caller, `[N]` whole numbers of any width, as int64 on the device of the network.

        Raises:
            ShapeError, ConfigurationError: they are something else, or no classes of this network.
        """
        found = labels_of(labels, self.stimulus_mean.device)
        self.check_labels(found)
        return found

    def encode(self, stimulus: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
        """Input of the first synapse: a current `[B, ...]` or spikes `[T, B, ...]`.

        A current is the stimulus standardised by the mean and deviation of each channel; spike codes use the
        stimulus itself, in [0, 1].
        """
        self.check_stimulus(stimulus)
        stimulus = stimulus.to(self.stimulus_mean.dtype)
        if self.constant_input:
            return self.standardise(stimulus)
        if self.stimulus_code in ("bernoulli", "poisson"):
            group = self.group if self.training and not is_inference() else ALONE
            draw = bernoulli_code if self.stimulus_code == "bernoulli" else poisson_code
            return group.mine(draw(group.whole(stimulus), self.time_steps, generator=generator), axis=1)
        if self.stimulus_code == "latency":
            return latency_code(stimulus, self.time_steps)
        return given_spikes(stimulus, self.time_steps)

    def standardise(self, stimulus: Tensor) -> Tensor:
        """Stimuli `[B, *shape]` minus the mean of each channel, divided by its deviation."""
        return (stimulus - self.stimulus_mean).mul_(self.stimulus_std.reciprocal())

    # ------------------------------------------------------------------ passes

    def bottom_up_pass(self, source: Spikes, *, unrolled: bool = False) -> Iterator[SpikeStep]:
        """Bottom-up pass of spikes, one step per layer.

        Args:
            source: what `encode` returned.
            unrolled: whether to compute d rate / d drive through the time steps of the neurons.
        """
        constant, like = self.constant_input, self.stimulus_mean
        return passes.bottom_up(self.layers, source, self.time_steps, constant=constant, like=like, unrolled=unrolled)

    def bottom_up_rates(self, source: Tensor, *, track: bool = True) -> Iterator[RateStep]:
        """Bottom-up pass of the rate twin, one step per layer; differentiable.

        Args:
            source: what `encode` returned; the time-mean of spikes is used.
            track: whether norms in training update their running statistics.
        """
        return passes.bottom_up_rates(self.layers, source if self.constant_input else source.mean(0), track=track)

    def bottom_up_trajectories(self, source: Tensor) -> Iterator[TrajectoryStep]:
        """Bottom-up pass that keeps every time step, one step per layer; `source` from `encode`."""
        return passes.bottom_up_trajectories(self.layers, source, self.time_steps, constant=self.constant_input)

    def bottom_up_taped(self, source: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Bottom-up pass with an autograd tape through layers and time steps.

        Returns:
            Output spikes `[T, B, *output]` of the last layer, and the mean firing rate of each layer.
        """
        constant = self.constant_input
        rates = []
        arrivals = passes.Arrivals(self.layers, "up", source)
        for layer in self.layers:
            spikes = layer.up.forward_taped(arrivals.source, self.time_steps, constant=constant)
            rates.append(spikes.detach().mean())
            arrivals.pass_on(passes.pool_train(layer, spikes))
            constant = False
        return arrivals.source, rates

    def top_down_pass(self, *, unrolled: bool = False) -> TopDownPass:
        """Top-down pass of all concepts, one row per class, to be read from the bottom up."""
        code = self.code
        spikes = code.fixed if code.constant else code.spikes(self.time_steps)
        spikes = spikes.to(self.stimulus_mean.dtype)
        rate = spikes if code.constant else spikes.mean(0)
        return TopDownPass(self.layers, spikes, rate, self.time_steps, constant=code.constant, unrolled=unrolled)

    def top_down_steps(self, labels: Tensor) -> Iterator[SpikeStep]:
        """Top-down pass of spikes for labels `[N]`, one step per layer, top to bottom."""
        return top_down_concepts(self.layers, self.code, labels, self.time_steps)

    def top_down_rates(self, source: Tensor, *, layers: Sequence[Layer] | None = None) -> Iterator[RateStep]:
        """Top-down pass of the rate twin, one step per layer, top to bottom; differentiable.

        Args:
            source: `[N, K]` rates of the concept neurons, or of the layer above `layers`.
            layers: bottom to top; all if None.
        """
        return passes.top_down_rates(self.layers if layers is None else layers, source)

    # ------------------------------------------------------------------ outputs

    def scores(self, top: Spikes) -> Tensor:
        """Scores `[B, C]` from the output of the last layer: spikes `[T, B, *f]`, or rates `[B, *f]` (drive only)."""
        last = self.layers[-1].output_shape
        rate = top if isinstance(top, Tensor) and top.dim() == len(last) + 1 else rate_of(top, like=self.readout.weight)
        if self.decoder == "drive" or rate is top:
            return drive_scores(self.readout(rate), self.code.rate(self.time_steps))
        spikes = dense_spikes(top, like=rate)
        drive = self.readout(spikes.flatten(0, 1)).unflatten(0, spikes.shape[:2])
        return cosine_scores(lif(drive, self.neuron), self.code.spikes(self.time_steps))

    @uncompiled
    def forward(self, stimulus: Array) -> Tensor:
        """Scores of the classes `[B, C]` for stimuli `[B, *shape]`, in the current mode of the network.

        Where gradients are enabled the pass has a tape (surrogate gradients through layers and time steps), so a
        network can be part of any module that autograd trains. Under a rule that does not decide by the readout the
        scores are those of `logits`, without a tape; so are those of a graph that `torch.jit.trace` or `torch.export`
        records.
        """
        expect_traceable(self)
        with own_precision(self.stimulus_mean.device):
            source = self.encode(self.take(stimulus))
            taped = torch.is_grad_enabled() and not is_captured()
            if self.signals.spiking and self.decision is None and taped:
                return self.scores(self.bottom_up_taped(source)[0])
            return self._decide(source)

    @uncompiled
    def logits(self, stimulus: Array, *, generator: torch.Generator | None = None) -> Tensor:
        """Scores of the classes `[B, C]` for stimuli `[B, *shape]`, which `take` brings to the units of the data."""
        return self.decide(self.take(stimulus), generator=generator)

    def decide(self, stimulus: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
        """`logits` of stimuli that are in the units of the data by construction, such as those of a data set.

        Their values may lie anywhere, as those of stimuli that were damaged on purpose.
        """
        with self.inference():
            source = self.encode(stimulus, generator=generator)
            self.check_finite(stimulus)
            return self._decide(source)

    def _decide(self, source: Tensor) -> Tensor:
        if self.decision is not None:
            return self.decision(source)
        return self.scores(self.signals.top(self.layers, source, self.time_steps, constant=self.constant_input))

    def perceive(self, stimulus: Array) -> Tensor:
        """Labels `[B]` for stimuli `[B, *shape]`."""
        return self.logits(stimulus).argmax(1)

    def recall(self, labels: Array) -> Tensor:
        """Recalled stimuli `[N, *shape]`, in the units of the data, for labels `[N]`."""
        with self.inference():
            known = self.take_labels(labels)
            return self.recalled(self.signals.down(self.layers, self.code, known, self.time_steps))

    def recall_evoked(self, stimulus: Array, scores: Tensor) -> Tensor:
        """Stimuli `[B, *shape]`, in the units of the data, that the top-down pathway returns for given stimuli.

        Args:
            stimulus: `[B, *shape]`; an autoencoder decodes its latent signals.
            scores: `[B, C]` scores of the classes; other networks recall the class with the highest score.
        """
        return self.recall(scores.argmax(1))

    def recalled(self, rate: Tensor) -> Tensor:
        """Stimuli `[N, *shape]`, in the units of the data, from top-down rates `[N, *f]` of the lowest layer."""
        return self.stimulus_readout(rate) * self.stimulus_std + self.stimulus_mean

    def steps(self, source: Tensor) -> Iterator[SpikeStep] | Iterator[RateStep]:
        """Bottom-up pass in the signals of the network, spikes or rates, one step per layer."""
        constant, like = self.constant_input, self.stimulus_mean
        return self.signals.bottom_up(self.layers, source, self.time_steps, constant=constant, like=like)

    def observe(self, stimulus: Array) -> list[LayerRecord]:
        """The bottom-up pass of spikes for stimuli `[B, *shape]`, one record per layer."""
        with self.inference():
            source = self.encode(self.take(stimulus))
            return [record_of(step) for step in self.bottom_up_pass(source)]

    def imagine(self, labels: Array) -> list[LayerRecord]:
        """The top-down pass of spikes for labels `[N]`, one record per layer, bottom to top."""
        with self.inference():
            return [record_of(step) for step in self.top_down_steps(self.take_labels(labels))][::-1]


class Classifier(StimulusNetwork):
    """A network that classifies stimuli; arguments as for `Network`.

    It perceives (stimulus to concept) by its bottom-up pathway and recalls (concept to stimulus) by its top-down one.
    """

    kind: ClassVar[str] = "a classifier"


class Autoencoder(StimulusNetwork):
    """A network whose last layer is a latent code that reconstructs the stimulus; arguments as for `Network`.

    The concepts are above the latent code, as in every network: the readout classifies a code, and the highest top-down
    synapse recalls the typical code of a concept.
    """

    kind: ClassVar[str] = "an autoencoder"

    def compress(self, stimulus: Array, *, generator: torch.Generator | None = None) -> Tensor:
        """Rates `[B, *latent]` of the latent code for stimuli `[B, *shape]`."""
        with self.inference():
            source = self.encode(self.take(stimulus), generator=generator)
            *_, last = self.steps(source)
            return last.leaving

    def expand(self, rate: Array) -> Tensor:
        """Stimuli `[N, *shape]`, in the units of the data, for rates `[N, *latent]` of the latent code.

        Spiking networks spread the spikes of each rate evenly over the T time steps; rates must be in [0, 1].
        """
        latent = self.layers[-1].output_shape
        given = tensor_of("rate", rate)
        if given.is_floating_point() or given.dtype == torch.bool:
            given = given.to(self.stimulus_mean.dtype)
        given = given if isinstance(rate, Tensor) else given.to(self.stimulus_mean.device)
        self.check_values("rate", given)
        if tuple(given.shape[1:]) != latent or given.dim() < 2:
            axes = ", ".join(str(n) for n in latent)
            raise expect_shape("rate", f"batch, {axes}", given.shape, "Is the batch axis missing?")
        with self.inference():
            code = self.signals.emit(given, self.time_steps)
            return self.recalled(self.signals.down_from(self.layers[:-1], code, self.time_steps))

    def reconstruct(self, stimulus: Array, *, generator: torch.Generator | None = None) -> Tensor:
        """Reconstructions `[B, *shape]` of stimuli from their own latent signals."""
        return self.rebuild(self.take(stimulus), generator=generator)

    def rebuild(self, stimulus: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
        """`reconstruct` for stimuli that are in the units of the data by construction (see `decide`)."""
        with self.inference():
            source = self.encode(stimulus, generator=generator)
            self.check_finite(stimulus)
            top = self.signals.top(self.layers, source, self.time_steps, constant=self.constant_input)
            return self.recalled(self.signals.down_from(self.layers[:-1], top, self.time_steps))

    def recall_evoked(self, stimulus: Array, scores: Tensor) -> Tensor:
        """The reconstructions of stimuli."""
        return self.reconstruct(stimulus)

    def top_down_from_code(self, spikes: Spikes, rate: Tensor, *, unrolled: bool = False) -> TopDownPass:
        """Top-down pass from spikes `[T, N, K]` of the latent code and their rate, to be read from the bottom up."""
        return TopDownPass(self.layers[:-1], spikes, rate, self.time_steps, constant=False, unrolled=unrolled)


def check_classes(labels: Tensor, classes: int) -> None:
    """Raise a ConfigurationError unless all labels are in 0..C−1."""
    if labels.numel() and not hides_values() and (int(labels.min()) < 0 or int(labels.max()) >= classes):
        raise ConfigurationError(
            f"labels: expected values in 0..{classes - 1}, received {int(labels.min())}..{int(labels.max())}."
        )
