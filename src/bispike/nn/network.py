"""Base class of all networks: layers between a stimulus and a concept, and the weights of both pathways.

The final classes are `Classifier` and `Autoencoder` (`stimulus_network.py`), which take single stimuli, and
`SequenceClassifier` and `SequenceForecaster` (`sequence_network.py`). Calls are stateless: a batch in, results out.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from ..arguments import shown
from ..errors import ConfigurationError, unknown_name
from ..functional import ACTIVATIONS, DECODERS, STIMULUS_CODES, Neuron
from ..spaces import Concept, Stimulus
from . import stimulus_input
from .concept_code import ConceptCode
from .inference import inference
from .layer import Layer, LayerList
from .process_group import ALONE, Group
from .signals import SPIKES, Signals
from .stimulus_input import Array
from .synapse import Synapse, weight_pairs


def check_dense(what: str, values: Tensor) -> None:
    """Check that a tensor is dense and of real values.

    Raises:
        ConfigurationError: it is sparse, nested, quantised, complex, or has no values at all.
    """
    if values.is_nested or values.layout != torch.strided or values.is_quantized:
        kind = "nested" if values.is_nested else "quantised" if values.is_quantized else "sparse"
        raise ConfigurationError(f"{what}: expected a dense tensor of real values, received a {kind} one.")
    if values.is_complex() or values.is_meta:
        raise ConfigurationError(f"{what}: expected a dense tensor of real values, received {shown(values)}.")


def check_place(what: str, values: Tensor, device: torch.device) -> None:
    """Check that a tensor is dense and on a device.

    Raises:
        ConfigurationError: it is not.
    """
    if values.layout != torch.strided or values.is_quantized:
        raise ConfigurationError(f"{what}: expected a dense tensor, received one of layout {values.layout}.")
    if values.device != device:
        raise ConfigurationError(
            f"{what}: expected a tensor on {device}, where the network is, received one on {values.device}."
        )


def _no_rule() -> None:
    """`Network.attached_rule` of a network without a rule."""


class Network(nn.Module):
    """Two-pathway spiking network. Builders in `bispike.models` make one from a few numbers.

    Args:
        layers: hidden layers, bottom to top.
        readout: synapse from the last layer to the concept neurons.
        stimulus_readout: synapse from the first layer's top-down spikes to the recalled stimulus.
        stimulus, concept: the two ends.
        code: the concept code.
        neuron: constants of the bottom-up neurons.
        time_steps: T, number of time steps.
        stimulus_code: how a stimulus becomes input (`functional.STIMULUS_CODES`).
        decoder: how the readout gives scores, `"drive"` or `"cosine"`.
        spec: plain values that rebuild this network through `bispike.models.build`.

    Attributes:
        kind: what the class does, in words for messages.
        shared_axes: the first axes of stimuli and labels, which are the same in both.
        constant_input: whether the first layer receives a current that does not change over time.
        attached_rule: returns the rule that set how the network decides; None if no rule is attached.
        signals: the output of its layers: `SPIKES`, or `RATES` under rules that are defined for rate networks.
    """

    kind: ClassVar[str]
    shared_axes: ClassVar[tuple[str, ...]] = ("samples",)
    stimulus_mean: Tensor
    stimulus_std: Tensor

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
        self.readout, self.stimulus_readout = readout, stimulus_readout
        self.concept_code = code  # `code` is an attribute of every graph that torch exports
        self.stimulus, self.concept, self.neuron = stimulus, concept, neuron
        self.time_steps, self.stimulus_code, self.decoder = time_steps, stimulus_code, decoder
        self.constant_input = stimulus_code == "current"
        self.signals: Signals = SPIKES
        self.attached_rule: Callable[[], object | None] = _no_rule
        self.group: Group = ALONE
        self.spec = spec or {}
        axes = [1] * (len(stimulus.shape) - 1)
        self.register_buffer("stimulus_mean", torch.tensor(stimulus.mean).reshape(-1, *axes))
        self.register_buffer("stimulus_std", torch.tensor(stimulus.std).reshape(-1, *axes))

    # ------------------------------------------------------------------ what each class defines

    @abstractmethod
    def forward(self, stimulus: Array) -> Tensor:
        """Output of the network for stimuli, in its current mode; with a tape where gradients are enabled."""

    @abstractmethod
    def logits(self, stimulus: Array, *, generator: torch.Generator | None = None) -> Tensor:
        """Output that the decision uses, without a tape and with running statistics."""

    @abstractmethod
    def check_stimulus(self, stimulus: Tensor) -> None:
        """Raise a ShapeError unless `stimulus` is a batch of stimuli of this network."""

    @abstractmethod
    def check_labels(self, labels: Tensor) -> None:
        """Raise unless `labels` are valid targets of this network."""

    @abstractmethod
    def encode(self, stimulus: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
        """Input of the first synapse."""

    def check_values(self, what: str, values: Any) -> None:
        """Check that values are a dense tensor of at most the precision, and on the device, of the network.

        Raises:
            ConfigurationError: they are something else.
        """
        like, makers = self.stimulus_mean, {"ndarray": "torch.from_numpy", "list": "torch.tensor"}
        if not isinstance(values, Tensor):
            maker = makers.get(type(values).__name__)
            hint = f" {maker}(...) makes one." if maker else ""
            raise ConfigurationError(f"{what}: expected a tensor, received {shown(values)}.{hint}")
        check_place(what, values, like.device)
        if not values.is_floating_point() or torch.promote_types(values.dtype, like.dtype) != like.dtype:
            hint = "" if values.is_complex() else f" x.to({like.dtype}) converts them."
            hint = " bispike.data.as_float scales pixels to 0..1." if values.dtype == torch.uint8 else hint
            raise ConfigurationError(
                f"{what}: expected {str(like.dtype).removeprefix('torch.')}, the precision of the network, received "
                f"{shown(values)}.{hint}"
            )

    def check_finite(self, stimulus: Tensor) -> None:
        """Check that no value of a batch of stimuli is NaN or infinite.

        Raises:
            ConfigurationError: with the number of samples that have such values.
        """
        if not torch.isfinite(stimulus.sum()):  # one pass; a sum that overflows is looked at again
            stimulus_input.check_finite(stimulus)

    def take(self, stimulus: Array) -> Tensor:
        """Stimuli of a caller as this network computes with them; every public method that takes stimuli begins here.

        Args:
            stimulus: `[B, *shape]`, a tensor or an array of numpy of any real type (`nn.stimulus_input`).

        Returns:
            A tensor in the units of the data, the precision and on the device of the network.

        Raises:
            ShapeError: another shape.
            ConfigurationError: no real numbers, values that are not finite, or images in another unit.
        """
        given = stimulus_input.tensor_of("stimulus", stimulus)
        like = self.stimulus_mean
        given = given if isinstance(stimulus, Tensor) else given.to(like.device)
        check_dense("stimulus", given)
        check_place("stimulus", given, like.device)
        whole = not given.is_floating_point() and given.dtype != torch.bool
        spikes = self.stimulus_code == "given"
        found = stimulus_input.in_units("stimulus", given, self.stimulus, like.dtype, spikes=spikes)
        self.check_stimulus(found)
        stimulus_input.check_range(found, self.stimulus, whole=whole)
        return found

    def __getstate__(self) -> dict[str, Any]:
        """Copies and pickles have no attached rule: it belongs to this network."""
        return {**self.__dict__, "attached_rule": _no_rule}

    # ------------------------------------------------------------------ description

    @property
    def code(self) -> ConceptCode:
        """The concept code."""
        return self.concept_code

    @property
    def layer_names(self) -> list[str]:
        """Names of the layers, bottom to top."""
        return [layer.name for layer in self.layers]

    @property
    def shortcuts(self) -> list[str]:
        """Names of the layers that also receive the spikes of the layer two below; empty for a chain."""
        return [layer.name for layer in self.layers if layer.up.synapse.joins]

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

    # ------------------------------------------------------------------ modes

    def join(self, group: Group) -> None:
        """Share the samples of each training batch among these processes; `ALONE` ends it.

        The top-down pathway is not shared: it runs on the C classes, which are the same in every process.
        """
        self.group = group
        for layer in self.layers:
            if layer.up.norm is not None:
                layer.up.norm.group = group

    def inference(self) -> AbstractContextManager[None]:
        """Context without a tape, with running statistics and in the precision of the network, whatever its mode.

        It belongs to the calls within it and changes nothing about the network, so threads may share one. A thread that
        trains meanwhile is not disturbed; the others then decide by the weights of that moment.
        """
        return inference(self.stimulus_mean.device)

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
        """W and Θ transposed between each pair of neighbouring populations, as arrays of the same shape.

        The key names the lower population (`"stimulus"` for the first); the key of the readout is the last layer.
        """
        bottom_up = [*[layer.up.synapse for layer in self.layers], self.readout]
        top_down = [self.stimulus_readout, *[layer.down.synapse for layer in self.layers]]
        return weight_pairs(["stimulus", *self.layer_names], bottom_up, top_down)
