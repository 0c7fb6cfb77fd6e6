"""A network: layers between a stimulus and a concept, and the two passes through them.

The bottom-up pass carries a stimulus to the readout; the top-down pass carries concepts to the recalled stimulus.
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
from .layer import Activity, Layer, LayerList
from .passes import LayerRecord, RateStep, rate_leaving, record_of
from .process_group import ALONE, Group
from .residual import Arrivals, Residual
from .synapse import Synapse, weight_pairs
from .top_down_pass import TopDownPass, top_down_arrivals

S = TypeVar("S")


class Network(nn.Module):
    """Two-pathway spiking network. Builders in `bispike.models` make one from a few numbers.

    Args:
        layers: hidden layers, bottom to top.
        readout: synapse from the last layer to the concept neurons.
        stimulus_readout: synapse from the first layer's top-down spikes to the recalled stimulus.
        stimulus, concept: the two ends.
        code: the concept code.
        time_steps: T, number of time steps.
        stimulus_code: how a stimulus becomes input (`functional.STIMULUS_CODES`).
        decoder: `"drive"` or `"cosine"`.
        spec: plain values that rebuild this network through `bispike.models.build`.

    Attributes:
        activity: what the layers emit: `"spikes"`, or `"rates"` under rules that are defined for rate networks.
        latent, recurrent: whether the last layer is a latent code (an autoencoder); whether stimuli are sequences.
        decision: scores `[B, C]` from an encoded stimulus, under rules that do not decide by the readout; else None.
    """

    stimulus_mean: Tensor
    stimulus_std: Tensor
    recurrent = False

    def __init__(
        self,
        layers: Sequence[Layer],
        readout: Synapse,
        stimulus_readout: Synapse,
        *,
        stimulus: Stimulus,
        concept: Concept,
        code: ConceptCode,
        neuron: Neuron,
        time_steps: int = 4,
        stimulus_code: str = "current",
        decoder: str = "drive",
        spec: dict[str, Any] | None = None,
    ) -> None:
        super().__init__()
        problems = []
        if time_steps < 1:
            problems.append(f"time_steps: expected at least 1 time step, received {time_steps}.")
        if stimulus_code not in STIMULUS_CODES:
            problems.append(unknown_name("stimulus code", stimulus_code, STIMULUS_CODES))
        if decoder not in DECODERS:
            problems.append(unknown_name("decoder", decoder, DECODERS))
        if not layers:
            problems.append("layers: expected at least one hidden layer.")
        if problems:
            raise ConfigurationError(problems)
        self.layers = LayerList(layers)
        self.readout, self.stimulus_readout, self.code = readout, stimulus_readout, code
        self.stimulus, self.concept, self.neuron = stimulus, concept, neuron
        self.time_steps, self.stimulus_code, self.decoder = time_steps, stimulus_code, decoder
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
    def layer_names(self) -> list[str]:
        """Names of the layers, bottom to top."""
        return [layer.name for layer in self.layers]

    @property
    def shortcuts(self) -> list[str]:
        """Names of the layers that receive the spikes of the layer two below too; empty for a chain."""
        return [layer.name for layer in self.layers if isinstance(layer.up.synapse, Residual)]

    @property
    def activation(self) -> str:
        """Activation of the rate twin, in both pathways."""
        return self.layers[0].up.activation

    @activation.setter
    def activation(self, kind: str) -> None:
        if kind not in ACTIVATIONS:
            raise ConfigurationError(unknown_name("activation", kind, ACTIVATIONS))
        for layer in self.layers:
            layer.up.activation = layer.down.activation = kind

    @property
    def constant_input(self) -> bool:
        """Whether the first layer receives a current that does not change over time."""
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
            return group.mine(draw(group.whole(stimulus), self.time_steps, generator=generator), axis=1)
        if self.stimulus_code == "latency":
            return latency_code(stimulus, self.time_steps)
        return given_spikes(stimulus, self.time_steps)

    def standardise(self, stimulus: Tensor) -> Tensor:
        """Stimuli `[B, *shape]` with each channel's mean taken off, over its deviation."""
        return (stimulus - self.stimulus_mean).mul_(self.stimulus_std.reciprocal())

    def join(self, group: Group) -> None:
        """Train on batches whose samples these processes share; `ALONE` ends it.

        The top-down pathway takes no part: it runs on the C classes, which are the same in every process.
        """
        self.group = group
        for layer in self.layers:
            if layer.up.norm is not None:
                layer.up.norm.group = group

    # ------------------------------------------------------------------ passes

    def bottom_up_arrivals(self, source: S) -> Arrivals[S]:
        """What reaches the layers of a bottom-up pass of anything: spikes, rates, trains on a tape."""
        return Arrivals([layer.up.synapse for layer in self.layers], source)

    def bottom_up_pass(self, source: Spikes, *, unrolled: bool = False) -> Iterator[tuple[Layer, Tensor, Activity]]:
        """Bottom-up pass, a layer at a time: (layer, time-mean of its input, what it did).

        Only the current layer's spikes are alive while the caller holds no earlier ones.
        """
        constant = self.constant_input
        rate = source if isinstance(source, Tensor) and constant else rate_of(source, like=self.stimulus_mean)
        arrivals = self.bottom_up_arrivals(source)
        for layer in self.layers:
            activity = layer.up.forward_spikes(arrivals.source, self.time_steps, constant=constant, unrolled=unrolled)
            arrivals.pass_on(layer.pool_spikes(activity.spikes))
            below, rate = rate, arrivals.rate(activity.spikes, activity.rate)
            constant = False
            yield layer, below, activity
            del below, activity

    def bottom_up_rates(self, source: Tensor, *, track: bool = True) -> Iterator[RateStep]:
        """Bottom-up pass of the rate twin, a layer at a time; differentiable.

        Args:
            source: what `encode` returned; spikes count by their time-mean.
            track: whether norms in training move their running statistics.
        """
        arrivals = self.bottom_up_arrivals(source if self.constant_input else source.mean(0))
        for layer in self.layers:
            activity = layer.up.forward_rates(arrivals.source, track=track)
            leaving = layer.pool_rates(activity.rate)
            yield RateStep(layer, arrivals.source, activity, leaving)
            arrivals.pass_on(leaving)

    def top_down_rates(self, source: Tensor, *, layers: Sequence[Layer] | None = None) -> Iterator[RateStep]:
        """Top-down pass of the rate twin, a layer at a time, top to bottom; differentiable.

        Args:
            source: `[N, K]` rates of the concept neurons, or of the layer above `layers`.
            layers: bottom to top; all if None.
        """
        layers = [*self.layers] if layers is None else layers
        arrivals = top_down_arrivals(layers, source)
        for layer in reversed(layers):
            activity = layer.down.forward_rates(arrivals.source)
            yield RateStep(layer, arrivals.source, activity, activity.rate)
            arrivals.pass_on(activity.rate)

    def top_down_layers(
        self, concept_spikes: Tensor, *, unrolled: bool = False
    ) -> Iterator[tuple[Layer, Tensor, Activity]]:
        """Top-down pass from concept spikes `[T, N, K]`, a layer at a time, top to bottom."""
        constant = self.code.constant
        source: Spikes = concept_spikes[0] if constant else concept_spikes
        arrivals = top_down_arrivals([*self.layers], source)
        rate = concept_spikes[0] if constant else concept_spikes.mean(0)
        for layer in reversed(self.layers):
            activity = layer.down.forward_spikes(arrivals.source, self.time_steps, constant=constant, unrolled=unrolled)
            yield layer, rate, activity
            arrivals.pass_on(activity.spikes)
            rate, constant = arrivals.rate(activity.spikes, activity.rate), False

    def top_down_pass_from_code(self, spikes: Spikes, rate: Tensor, *, unrolled: bool = False) -> TopDownPass:
        """Top-down pass from spikes `[T, N, K]` of the latent code and their rate, to be read from the bottom up."""
        return TopDownPass(self.layers[:-1], spikes, rate, self.time_steps, constant=False, unrolled=unrolled)

    def top_down_pass(self, *, unrolled: bool = False) -> TopDownPass:
        """Top-down pass of all concepts, to be read from the bottom up."""
        constant = self.code.constant
        spikes = self.code.spikes(self.time_steps).to(self.stimulus_mean.dtype)
        rate = spikes[0] if constant else spikes.mean(0)
        source = rate if constant else spikes
        return TopDownPass([*self.layers], source, rate, self.time_steps, constant=constant, unrolled=unrolled)

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
        """Scores `[B, C]` from what leaves the last layer: spikes `[T, B, *f]`, or rates `[B, *f]` (drive only)."""
        last = self.layers[-1].output_shape
        rate = top if isinstance(top, Tensor) and top.dim() == len(last) + 1 else rate_of(top, like=self.readout.weight)
        if self.decoder == "drive" or self.activity == "rates":
            return drive_scores(self.readout(rate), self.code.rate(self.time_steps))
        spikes = dense_spikes(top, like=rate)
        drive = self.readout(spikes.flatten(0, 1)).unflatten(0, spikes.shape[:2])
        return cosine_scores(lif(drive, self.neuron), self.code.spikes(self.time_steps))

    def logits(self, stimulus: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
        """Scores of the classes `[B, C]` for stimuli `[B, *shape]` in the units of the data."""
        with self.inference():
            source = self.encode(stimulus, generator=generator)
            if self.decision is not None:
                return self.decision(source)
            if self.activity == "rates":
                for step in self.bottom_up_rates(source):
                    source = step.leaving
                return self.scores(source)
            top: Spikes = source
            arrivals = self.bottom_up_arrivals(top)
            for i, layer in enumerate(self.layers):
                constant = i == 0 and self.constant_input
                top = layer.pool_spikes(
                    layer.up.forward_spikes(arrivals.source, self.time_steps, constant=constant).spikes
                )
                arrivals.pass_on(top)
            return self.scores(top)

    def perceive(self, stimulus: Tensor) -> Tensor:
        """Labels `[B]` for stimuli `[B, *shape]`."""
        return self.logits(stimulus).argmax(1)

    def recall(self, labels: Tensor) -> Tensor:
        """Recalled stimuli `[N, *shape]`, in the units of the data, for labels `[N]`."""
        with self.inference():
            self.check_labels(labels)
            spikes = self.code.spikes(self.time_steps)[:, labels]
            rate = spikes.mean(0)
            if self.activity == "rates":
                for step in self.top_down_rates(rate):
                    rate = step.leaving
            else:
                for _, _, activity in self.top_down_layers(spikes):
                    rate = activity.rate
            return self._shown(rate)

    def _shown(self, rate: Tensor) -> Tensor:  # in the units of the data
        return self.stimulus_readout(rate) * self.stimulus_std + self.stimulus_mean

    def compress(self, stimulus: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
        """Rates `[B, *latent]` of the latent code, or of the last layer, for stimuli `[B, *shape]`."""
        with self.inference():
            source = self.encode(stimulus, generator=generator)
            if self.activity == "rates":
                for step in self.bottom_up_rates(source):
                    source = step.leaving
                return source
            *_, (layer, _, activity) = self.bottom_up_pass(source)
            return rate_leaving(layer, activity)

    def expand(self, rate: Tensor) -> Tensor:
        """Stimuli `[N, *shape]`, in the units of the data, that rates `[N, *latent]` of the latent code call up.

        Spiking networks spread the spikes of each rate, which must lie in [0, 1], evenly over the T steps.
        """
        self._expect_latent()
        with self.inference():
            if self.activity == "rates":
                for step in self.top_down_rates(rate, layers=self.layers[:-1]):
                    rate = step.leaving
                return self._shown(rate)
            return self._shown(self.top_down_pass_from_code(even_code(rate, self.time_steps), rate).at(0)[1].rate)

    def reconstruct(self, stimulus: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
        """What comes down again `[B, *shape]` when stimuli go up: their own latent spikes are sent back."""
        self._expect_latent()
        if self.activity == "rates":
            return self.expand(self.compress(stimulus, generator=generator))
        with self.inference():
            *_, (_, _, code) = self.bottom_up_pass(self.encode(stimulus, generator=generator))
            return self._shown(self.top_down_pass_from_code(code.spikes, code.rate).at(0)[1].rate)

    def _expect_latent(self) -> None:
        if not self.latent:
            raise ConfigurationError(
                "network: expected an autoencoder, whose stimuli come down from a latent code; this one recalls from "
                "concepts only. Build one with bispike.models.autoencoder."
            )

    def observe(self, stimulus: Tensor) -> list[LayerRecord]:
        """The bottom-up pass of stimuli `[B, *shape]`, a record a layer."""
        with self.inference():
            return [record_of(layer, act) for layer, _, act in self.bottom_up_pass(self.encode(stimulus))]

    def imagine(self, labels: Tensor) -> list[LayerRecord]:
        """The top-down pass of labels `[N]`, a record a layer, bottom to top."""
        with self.inference():
            self.check_labels(labels)
            layer_pass = self.top_down_layers(self.code.spikes(self.time_steps)[:, labels])
            return [record_of(layer, act) for layer, _, act in layer_pass][::-1]

    # ------------------------------------------------------------------ weights

    def bottom_up_parameters(self) -> list[nn.Parameter]:
        """Weights of the pathway from stimulus to concept, with the readout."""
        parameters = [p for layer in self.layers for p in layer.up.parameters()]
        return [*parameters, *self.readout.parameters()]

    def top_down_parameters(self) -> list[nn.Parameter]:
        """Weights of the pathway from concept to stimulus, with a learned concept code."""
        parameters = [p for layer in self.layers for p in layer.down.parameters()]
        return [*parameters, *self.stimulus_readout.parameters(), *self.code.parameters()]

    def pathway_weights(self) -> dict[str, tuple[Tensor, Tensor]]:
        """For each place between two populations: W and Θ transposed, as arrays of the same shape.

        The key names the lower population (`"stimulus"` for the first); the readout's pair is under the last layer.
        """
        bottom_up = [*[layer.up.synapse for layer in self.layers], self.readout]
        top_down = [self.stimulus_readout, *[layer.down.synapse for layer in self.layers]]
        return weight_pairs(["stimulus", *self.layer_names], bottom_up, top_down)
