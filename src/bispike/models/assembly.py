"""What all builders share: the common options, and the last steps of putting a network together."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, TypeVar

import torch
from torch import nn

from ..errors import ConfigurationError, unknown_name
from ..functional import Neuron
from ..nn import ConceptCode, Layer, Network, Pathway, Synapse
from ..spaces import Concept, Stimulus

N = TypeVar("N", bound=Network)

LEAST = 32
"""Values a channel below which bottom-up norms use running statistics: batches of 8 samples are too few for a dense
layer, while the C templates of the top-down pathway are not a sample but all there is."""


@dataclass(frozen=True)
class Options:
    """Options of every builder.

    Args:
        time_steps: T, time steps.
        threshold, decay, reset: constants of the bottom-up neurons (dimensionless).
        top_down_threshold: threshold of the top-down neurons; as `threshold` if 0.
        norm: batch norm between drives and neurons, in both pathways.
        excitability: mean drive at first, in thresholds, where there is a norm. A neuron whose rate grows evenly with
            its drive (decay 1, soft reset) tells the sign of a drive only if it rests in the middle, at 0.5.
        gain: standard deviation of the initial weights times √fan_in, both pathways.
        stimulus_code: `current`, `bernoulli`, `poisson`, `latency`, or `given` (stimuli `[T, ...]` of spikes).
        concept_code: `one-hot`, `population` or `learned`.
        concept_size: neurons of a population or learned code; 0: four a class.
        decoder: `drive` or `cosine`.
        seed: of the initial weights and the concept code.
    """

    time_steps: int = 4
    threshold: float = 0.6
    decay: float = 0.5
    reset: str = "hard"
    top_down_threshold: float = 0.0
    norm: bool = True
    excitability: float = 0.0
    gain: float = 1.0
    stimulus_code: str = "current"
    concept_code_kind: str = "one-hot"
    concept_size: int = 0
    decoder: str = "drive"
    seed: int = 0

    @classmethod
    def of(cls, given: dict[str, Any]) -> Options:
        """Options from keyword arguments; unknown names raise a ConfigurationError."""
        values = {("concept_code_kind" if k == "concept_code" else k): v for k, v in given.items()}
        known = [f.name for f in fields(cls)]
        problems = [unknown_name("model option", name, known) for name in values if name not in known]
        options = cls(**{k: v for k, v in values.items() if k in known})
        if options.time_steps < 1:
            problems.append(f"time_steps: expected at least 1 time step, received {options.time_steps}.")
        if not options.gain > 0 or not math.isfinite(options.gain):
            problems.append(f"gain: expected a positive number, received {options.gain}.")
        if not math.isfinite(options.excitability):
            problems.append(f"excitability: expected a number of thresholds, received {options.excitability}.")
        if options.concept_size < 0 or options.top_down_threshold < 0:
            problems.append("concept_size and top_down_threshold: expected values of at least 0.")
        try:
            _ = options.neuron
        except ConfigurationError as error:
            problems += error.problems
        if problems:
            raise ConfigurationError(problems)
        return options

    @property
    def neuron(self) -> Neuron:
        """Constants of the bottom-up neurons."""
        return Neuron(self.threshold, self.decay, self.reset)

    @property
    def top_down_neuron(self) -> Neuron:
        """Constants of the top-down neurons."""
        return Neuron(self.top_down_threshold or self.threshold, self.decay, self.reset)

    def source_shape(self, stimulus: Stimulus) -> tuple[int, ...]:
        """What reaches the first synapse at one step; given spike trains lose their time axis."""
        return stimulus.shape[1:] if self.stimulus_code == "given" else stimulus.shape

    def layer(self, place: int, up: Synapse, down: Synapse, *, pool: int = 1) -> Layer:
        """The layer at a place (1 is the lowest) with these synapses; `pool` as for `Layer`."""
        layer = Layer(
            f"layer{place}",
            Pathway(up, self.neuron, norm=self.norm, least=LEAST),
            Pathway(down, self.top_down_neuron, norm=self.norm),
            pool=pool,
        )
        for pathway in (layer.up, layer.down):
            if pathway.norm is not None:
                nn.init.constant_(pathway.norm.bias, self.excitability * pathway.neuron.threshold)
        return layer

    def concept_code(self, concept: Concept) -> ConceptCode:
        """The concept code of these options."""
        return ConceptCode(
            concept.classes,
            kind=self.concept_code_kind,
            size=self.concept_size or None,
            neuron=self.top_down_neuron,
            generator=torch.Generator().manual_seed(self.seed),
        )

    def plain(self) -> dict[str, Any]:
        """As keyword arguments of a builder."""
        values = asdict(self)
        values["concept_code"] = values.pop("concept_code_kind")
        return values


def finish(
    layers: Sequence[Layer],
    *,
    readout: Synapse,
    stimulus_readout: Synapse,
    stimulus: Stimulus,
    concept: Concept,
    code: ConceptCode,
    options: Options,
    spec: dict[str, Any],
    kind: type[N],
) -> N:
    """Initialise all synapses (W and Θ from different draws) and return the network with its spec."""
    generator = torch.Generator().manual_seed(options.seed + 1)
    ups = [*[layer.up.synapse for layer in layers], readout]
    downs = [*[layer.down.synapse for layer in layers], stimulus_readout]
    for synapse in [*ups, *downs]:
        synapse.initialise(options.gain, generator)
    return kind(
        layers,
        readout,
        stimulus_readout,
        stimulus=stimulus,
        concept=concept,
        code=code,
        neuron=options.neuron,
        time_steps=options.time_steps,
        stimulus_code=options.stimulus_code,
        decoder=options.decoder,
        spec={
            **spec,
            **options.plain(),
            "stimulus_shape": list(stimulus.shape),
            "stimulus_mean": list(stimulus.mean),
            "stimulus_std": list(stimulus.std),
            "concept_names": list(concept.names),
        },
    )
