"""A network: stages between a stimulus and a concept, and the two sweeps through them.

The bottom-up sweep carries a stimulus to the readout; the top-down sweep carries concepts to the recalled stimulus.
Neither knows of the other; a rule brings them together. Calls are stateless: a batch in, results out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from ..errors import ConfigurationError, ShapeError, expect_shape, unknown_name
from ..functional import (
    ACTIVATIONS,
    DECODERS,
    STIMULUS_CODES,
    Neuron,
    Spikes,
    bernoulli_code,
    cosine_scores,
    dense_spikes,
    drive_scores,
    even_code,
    given_spikes,
    latency_code,
    lif,
    poisson_code,
    rate_of,
)
from ..spaces import Concept, Stimulus
from .concept_code import ConceptCode
from .layer import Activity, Stage
from .passes import RateStep, SweepRecord, rate_leaving, record_of
from .process_group import ALONE, Group
from .residual import Arrivals, Residual
from .synapse import Synapse, weight_pairs
from .top_down_pass import Descent, downward

S = TypeVar("S")


class Network(nn.Module):
    """Two-pathway spiking network. Builders in `bispike.models` make one from a few numbers.

    Args:
        stages: hidden stages, bottom to top.
        readout: synapse from the last stage to the concept neurons.
        stimulus_readout: synapse from the first stage's top-down spikes to the recalled stimulus.
        stimulus, concept: the two ends.
        code: the concept code.
        steps: T, number of time steps.
        stimulus_code: how a stimulus becomes input (`functional.STIMULUS_CODES`).
        decoder: `"drive"` or `"cosine"`.
        spec: plain values that rebuild this network through `bispike.models.build`.

    Attributes:
        activity: what the stages emit: `"spikes"`, or `"rates"` under rules that are defined for rate networks.
        latent, recurrent: whether the last stage is a latent code (an autoencoder); whether stimuli are sequences.
        decision: scores `[B, C]` from an encoded stimulus, under rules that do not decide by the readout; else None.
    """

    stimulus_mean: Tensor
    stimulus_std: Tensor
    recurrent = False

    def __init__(
        self,
        stages: Sequence[Stage],
        readout: Synapse,
        stimulus_readout: Synapse,
        *,
        stimulus: Stimulus,
        concept: Concept,
        code: ConceptCode,
        neuron: Neuron,
        steps: int = 4,
        stimulus_code: str = "current",
        decoder: str = "drive",
        spec: dict[str, Any] | None = None,
    ) -> None:
        super().__init__()
        problems = []
        if steps < 1:
            problems.append(f"steps: expected at least 1 time step, received {steps}.")
        if stimulus_code not in STIMULUS_CODES:
            problems.append(unknown_name("stimulus code", stimulus_code, STIMULUS_CODES))
        if decoder not in DECODERS:
            problems.append(unknown_name("decoder", decoder, DECODERS))
        if not stages:
            problems.append("stages: expected at least one hidden stage.")
        if problems:
            raise ConfigurationError(problems)
        self.stages = nn.ModuleList(stages)
        self.readout, self.stimulus_readout, self.code = readout, stimulus_readout, code
        self.stimulus, self.concept, self.neuron = stimulus, concept, neuron
        self.steps, self.stimulus_code, self.decoder = steps, stimulus_code, decoder
        self.activity = "spikes"
        self.decision: Callable[[Tensor], Tensor] | None = None
        self.latent = False
        self.group: Group = ALONE
        self.spec = spec or {}
        axes = [1] * (len(stimulus.shape) - 1)
        self.register_buffer("stimulus_mean", torch.tensor(stimulus.mean).reshape(-1, *axes))
        self.register_buffer("stimulus_std", torch.tensor(stimulus.std).reshape(-1, *axes))

    # ------------------------------------------------------------------ ends

    @property
    def hidden(self) -> list[Stage]:
        """The stages, bottom to top, as a typed list."""
        return [stage for stage in self.stages if isinstance(stage, Stage)]

    @property
    def stage_names(self) -> list[str]:
        """Names of the stages, bottom to top."""
        return [stage.name for stage in self.hidden]

    @property
    def shortcuts(self) -> list[str]:
        """Names of the stages that receive the spikes of the stage two below too; empty for a chain."""
        return [stage.name for stage in self.hidden if isinstance(stage.up.synapse, Residual)]

    @property
    def activation(self) -> str:
        """Activation of the rate twin, in both pathways."""
        return self.hidden[0].up.activation

    @activation.setter
    def activation(self, kind: str) -> None:
        if kind not in ACTIVATIONS:
            raise ConfigurationError(unknown_name("activation", kind, ACTIVATIONS))
        for stage in self.hidden:
            stage.up.activation = stage.down.activation = kind

    @property
    def constant_input(self) -> bool:
        """Whether the first stage receives a current that does not change over time."""
        return self.stimulus_code == "current"

    def check_stimulus(self, stimulus: Tensor) -> None:
        """Raise a ShapeError unless `stimulus` is `[B, *stimulus.shape]`."""
        if tuple(stimulus.shape[1:]) != self.stimulus.shape or stimulus.dim() < 2:
            axes = ", ".join(str(n) for n in self.stimulus.shape)
            raise expect_shape("stimulus", f"batch, {axes}", stimulus.shape, "Is the batch axis missing?")

    def check_labels(self, labels: Tensor) -> None:
        """Raise unless `labels` are int64 `[B]` in 0..C−1."""
        if labels.dim() != 1 or labels.dtype != torch.int64:
            raise ShapeError(
                f"labels: expected int64 of shape [batch], received {labels.dtype} of shape {list(labels.shape)}."
            )
        if labels.numel() and (int(labels.min()) < 0 or int(labels.max()) >= self.concept.classes):
            raise ConfigurationError(
                f"labels: expected values in 0..{self.concept.classes - 1}, received "
                f"{int(labels.min())}..{int(labels.max())}."
            )

    def encode(self, stimulus: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
        """What the first synapse receives: a current `[B, ...]` or spikes `[T, B, ...]`.

        A current is the stimulus standardised by the mean and deviation of each channel; spike codes take the
        stimulus as it is, in [0, 1].
        """
        self.check_stimulus(stimulus)
        if self.stimulus_code == "current":
            return self.standardise(stimulus)
        if self.stimulus_code in ("bernoulli", "poisson"):
            group = self.group if self.training else ALONE
            draw = bernoulli_code if self.stimulus_code == "bernoulli" else poisson_code
            return group.mine(draw(group.whole(stimulus), self.steps, generator=generator), axis=1)
        if self.stimulus_code == "latency":
            return latency_code(stimulus, self.steps)
        return given_spikes(stimulus, self.steps)

    def standardise(self, stimulus: Tensor) -> Tensor:
        """Stimuli `[B, *shape]` with each channel's mean taken off, over its deviation."""
        return (stimulus - self.stimulus_mean).mul_(self.stimulus_std.reciprocal())

    def join(self, group: Group) -> None:
        """Train on batches whose samples these processes share; `ALONE` ends it.

        The top-down pathway takes no part: it runs on the C classes, which are the same in every process.
        """
        self.group = group
        for stage in self.hidden:
            if stage.up.norm is not None:
                stage.up.norm.group = group

    # ------------------------------------------------------------------ sweeps

    def ascent(self, source: S) -> Arrivals[S]:
        """What reaches the stages of a bottom-up sweep of anything: spikes, rates, trains on a tape."""
        return Arrivals([stage.up.synapse for stage in self.hidden], source)

    def sweep_up(self, source: Spikes, *, unrolled: bool = False) -> Iterator[tuple[Stage, Tensor, Activity]]:
        """Bottom-up sweep, a stage at a time: (stage, time-mean of its input, what it did).

        Only the current stage's spikes are alive while the caller holds no earlier ones.
        """
        constant = self.constant_input
        rate = source if isinstance(source, Tensor) and constant else rate_of(source, like=self.stimulus_mean)
        arrivals = self.ascent(source)
        for stage in self.hidden:
            activity = stage.up.respond(arrivals.source, self.steps, constant=constant, unrolled=unrolled)
            arrivals.pass_on(stage.leave(activity.spikes))
            below, rate = rate, arrivals.rate(activity.spikes, activity.rate)
            constant = False
            yield stage, below, activity
            del below, activity

    def sweep_rates(self, source: Tensor, *, track: bool = True) -> Iterator[RateStep]:
        """Bottom-up sweep of the rate twin, a stage at a time; differentiable.

        Args:
            source: what `encode` returned; spikes count by their time-mean.
            track: whether norms in training move their running statistics.
        """
        arrivals = self.ascent(source if self.constant_input else source.mean(0))
        for stage in self.hidden:
            activity = stage.up.rates(arrivals.source, track=track)
            leaving = stage.leave_values(activity.rate)
            yield RateStep(stage, arrivals.source, activity, leaving)
            arrivals.pass_on(leaving)

    def sweep_rates_down(self, source: Tensor, *, stages: Sequence[Stage] | None = None) -> Iterator[RateStep]:
        """Top-down sweep of the rate twin, a stage at a time, top to bottom; differentiable.

        Args:
            source: `[N, K]` rates of the concept neurons, or of the stage above `stages`.
            stages: bottom to top; all if None.
        """
        stages = self.hidden if stages is None else stages
        arrivals = downward(stages, source)
        for stage in reversed(stages):
            activity = stage.down.rates(arrivals.source)
            yield RateStep(stage, arrivals.source, activity, activity.rate)
            arrivals.pass_on(activity.rate)

    def sweep_down(self, concept_spikes: Tensor, *, unrolled: bool = False) -> Iterator[tuple[Stage, Tensor, Activity]]:
        """Top-down sweep from concept spikes `[T, N, K]`, a stage at a time, top to bottom."""
        constant = self.code.constant
        source: Spikes = concept_spikes[0] if constant else concept_spikes
        arrivals = downward(self.hidden, source)
        rate = concept_spikes[0] if constant else concept_spikes.mean(0)
        for stage in reversed(self.hidden):
            activity = stage.down.respond(arrivals.source, self.steps, constant=constant, unrolled=unrolled)
            yield stage, rate, activity
            arrivals.pass_on(activity.spikes)
            rate, constant = arrivals.rate(activity.spikes, activity.rate), False

    def descend_latent(self, spikes: Spikes, rate: Tensor, *, unrolled: bool = False) -> Descent:
        """Top-down sweep from spikes `[T, N, K]` of the latent code and their rate, to be read from the bottom up."""
        return Descent(self.hidden[:-1], spikes, rate, self.steps, constant=False, unrolled=unrolled)

    def descend(self, *, unrolled: bool = False) -> Descent:
        """Top-down sweep of all concepts, to be read from the bottom up."""
        constant = self.code.constant
        spikes = self.code.spikes(self.steps).to(self.stimulus_mean.dtype)
        rate = spikes[0] if constant else spikes.mean(0)
        source = rate if constant else spikes
        return Descent(self.hidden, source, rate, self.steps, constant=constant, unrolled=unrolled)

    # ------------------------------------------------------------------ what users ask

    @contextmanager
    def inference(self) -> Iterator[None]:
        """No tape and running statistics, whatever mode the network is in; nothing is changed by looking."""
        training = self.training
        self.eval()
        try:
            with torch.no_grad():
                yield
        finally:
            self.train(training)

    def scores(self, top: Spikes) -> Tensor:
        """Scores `[B, C]` from what leaves the last stage: spikes `[T, B, *f]`, or rates `[B, *f]` (drive only)."""
        last = self.hidden[-1].output_shape
        rate = top if isinstance(top, Tensor) and top.dim() == len(last) + 1 else rate_of(top, like=self.readout.weight)
        if self.decoder == "drive" or self.activity == "rates":
            return drive_scores(self.readout(rate), self.code.rate(self.steps))
        spikes = dense_spikes(top, like=rate)
        drive = self.readout(spikes.flatten(0, 1)).unflatten(0, spikes.shape[:2])
        return cosine_scores(lif(drive, self.neuron), self.code.spikes(self.steps))

    def logits(self, stimulus: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
        """Scores of the classes `[B, C]` for stimuli `[B, *shape]` in the units of the data."""
        with self.inference():
            source = self.encode(stimulus, generator=generator)
            if self.decision is not None:
                return self.decision(source)
            if self.activity == "rates":
                for step in self.sweep_rates(source):
                    source = step.leaving
                return self.scores(source)
            top: Spikes = source
            arrivals = self.ascent(top)
            for i, stage in enumerate(self.hidden):
                constant = i == 0 and self.constant_input
                top = stage.leave(stage.up.respond(arrivals.source, self.steps, constant=constant).spikes)
                arrivals.pass_on(top)
            return self.scores(top)

    def perceive(self, stimulus: Tensor) -> Tensor:
        """Labels `[B]` for stimuli `[B, *shape]`."""
        return self.logits(stimulus).argmax(1)

    def recall(self, labels: Tensor) -> Tensor:
        """Recalled stimuli `[N, *shape]`, in the units of the data, for labels `[N]`."""
        with self.inference():
            self.check_labels(labels)
            spikes = self.code.spikes(self.steps)[:, labels]
            rate = spikes.mean(0)
            if self.activity == "rates":
                for step in self.sweep_rates_down(rate):
                    rate = step.leaving
            else:
                for _, _, activity in self.sweep_down(spikes):
                    rate = activity.rate
            return self._shown(rate)

    def _shown(self, rate: Tensor) -> Tensor:  # in the units of the data
        return self.stimulus_readout(rate) * self.stimulus_std + self.stimulus_mean

    def compress(self, stimulus: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
        """Rates `[B, *latent]` of the latent code, or of the last stage, for stimuli `[B, *shape]`."""
        with self.inference():
            source = self.encode(stimulus, generator=generator)
            if self.activity == "rates":
                for step in self.sweep_rates(source):
                    source = step.leaving
                return source
            *_, (stage, _, activity) = self.sweep_up(source)
            return rate_leaving(stage, activity)

    def expand(self, rate: Tensor) -> Tensor:
        """Stimuli `[N, *shape]`, in the units of the data, that rates `[N, *latent]` of the latent code call up.

        Spiking networks spread the spikes of each rate, which must lie in [0, 1], evenly over the T steps.
        """
        self._expect_latent()
        with self.inference():
            if self.activity == "rates":
                for step in self.sweep_rates_down(rate, stages=self.hidden[:-1]):
                    rate = step.leaving
                return self._shown(rate)
            return self._shown(self.descend_latent(even_code(rate, self.steps), rate).at(0)[1].rate)

    def reconstruct(self, stimulus: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
        """What comes down again `[B, *shape]` when stimuli go up: their own latent spikes are sent back."""
        self._expect_latent()
        if self.activity == "rates":
            return self.expand(self.compress(stimulus, generator=generator))
        with self.inference():
            *_, (_, _, code) = self.sweep_up(self.encode(stimulus, generator=generator))
            return self._shown(self.descend_latent(code.spikes, code.rate).at(0)[1].rate)

    def _expect_latent(self) -> None:
        if not self.latent:
            raise ConfigurationError(
                "network: expected an autoencoder, whose stimuli come down from a latent code; this one recalls from "
                "concepts only. Build one with bispike.models.autoencoder."
            )

    def observe(self, stimulus: Tensor) -> list[SweepRecord]:
        """The bottom-up sweep of stimuli `[B, *shape]`, a record a stage."""
        with self.inference():
            return [record_of(stage, act) for stage, _, act in self.sweep_up(self.encode(stimulus))]

    def imagine(self, labels: Tensor) -> list[SweepRecord]:
        """The top-down sweep of labels `[N]`, a record a stage, bottom to top."""
        with self.inference():
            self.check_labels(labels)
            sweep = self.sweep_down(self.code.spikes(self.steps)[:, labels])
            return [record_of(stage, act) for stage, _, act in sweep][::-1]

    # ------------------------------------------------------------------ weights

    def bottom_up_parameters(self) -> list[nn.Parameter]:
        """Weights of the pathway from stimulus to concept, with the readout."""
        parameters = [p for stage in self.hidden for p in stage.up.parameters()]
        return [*parameters, *self.readout.parameters()]

    def top_down_parameters(self) -> list[nn.Parameter]:
        """Weights of the pathway from concept to stimulus, with a learned concept code."""
        parameters = [p for stage in self.hidden for p in stage.down.parameters()]
        return [*parameters, *self.stimulus_readout.parameters(), *self.code.parameters()]

    def pathway_weights(self) -> dict[str, tuple[Tensor, Tensor]]:
        """For each place between two populations: W and Θ transposed, as arrays of the same shape.

        The key names the lower population (`"stimulus"` for the first); the readout's pair is under the last stage.
        """
        bottom_up = [*[stage.up.synapse for stage in self.hidden], self.readout]
        top_down = [self.stimulus_readout, *[stage.down.synapse for stage in self.hidden]]
        return weight_pairs(["stimulus", *self.stage_names], bottom_up, top_down)
