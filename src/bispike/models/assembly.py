"""Common parts of all builders: their options, and the last steps of building a network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, ClassVar, TypeVar

import torch
from torch import nn

from ..errors import ConfigurationError, unknown_name
from ..functional import CONCEPT_CODES, DECODERS, STIMULUS_CODES, Neuron
from ..nn import ConceptCode, Layer, Network, Pathway, Synapse
from ..settings import (
    FRACTION,
    NOT_NEGATIVE,
    NOT_ZERO,
    POSITIVE,
    SEED,
    Declared,
    Setting,
    in_range,
    one_of,
    option,
    settings_of,
)
from ..spaces import Concept, Stimulus

N = TypeVar("N", bound=Network)

MOST_LAYERS = 1000
SIGNALS = "the signal between layers"
"""What a rule decides (`Rule.signals`): "spikes" or "rates", beside the options in conditions."""
SPIKE_CODES = tuple(code for code in STIMULUS_CODES if code != "current")
LEAST = 32
"""Number of values per channel below which bottom-up norms use running statistics: 8 samples are too few for a dense
layer. The C templates of the top-down pathway are not a random sample, so their statistics are exact."""


@dataclass(frozen=True)
class Options(Declared):
    """Options of every builder."""

    refuses_idle: ClassVar[bool] = False  # builders have their own defaults; see `config.resolve`

    time_steps: int = option(
        4,
        in_range(1, 10_000, "at least 1 time step and at most 10,000"),
        "T, time steps of the neurons",
        only_with={SIGNALS: ("spikes",), "stimulus_code": SPIKE_CODES, "concept_code": ("learned",)},
        one_suffices=True,
    )
    threshold: float = option(
        0.6,
        POSITIVE,
        "θ, threshold of the bottom-up neurons (dimensionless)",
        only_with={SIGNALS: ("spikes",), "excitability": NOT_ZERO, "concept_code": ("learned",)},
        one_suffices=True,
    )
    decay: float = option(
        0.5,
        FRACTION,
        "β, share of the membrane potential that remains after a time step",
        only_with={SIGNALS: ("spikes",), "concept_code": ("learned",)},
        one_suffices=True,
    )
    reset: str = option(
        "hard",
        one_of(("hard", "soft")),
        "after a spike the membrane potential is set to 0 (hard) or falls by θ (soft)",
        only_with={SIGNALS: ("spikes",), "concept_code": ("learned",)},
        one_suffices=True,
    )
    top_down_threshold: float = option(
        0.0,
        NOT_NEGATIVE,
        "threshold of the top-down neurons; 0: as threshold",
        only_with={SIGNALS: ("spikes",), "excitability": NOT_ZERO, "concept_code": ("learned",)},
        one_suffices=True,
    )
    norm: bool = option(default=True, meaning="batch norm between drives and neurons, in both pathways")
    excitability: float = option(
        0.0,
        None,
        "initial mean drive, in thresholds; with decay 1 and soft reset a rate follows the drive's sign best at 0.5",
        only_with={"norm": (True,)},
    )
    gain: float = option(1.0, POSITIVE, "standard deviation of the initial weights times √fan_in, both pathways")
    stimulus_code: str = option(
        "current", one_of(STIMULUS_CODES), "how a stimulus becomes input; given: stimuli are spikes [T, ...]"
    )
    concept_code_kind: str = option(
        "one-hot", one_of(CONCEPT_CODES), "how a concept becomes input of the top-down pathway"
    )
    concept_size: int = option(
        0,
        NOT_NEGATIVE,
        "neurons of a population or learned concept code; 0: four per class",
        only_with={"concept_code": ("population", "learned")},
    )
    decoder: str = option(
        "drive",
        one_of(DECODERS),
        "how the readout's activity becomes scores of the classes",
        only_with={SIGNALS: ("spikes",)},
    )
    seed: int = option(0, SEED, "seed of the initial weights and of the concept code")

    @classmethod
    def of(cls, given: dict[str, Any]) -> Options:
        """Options from keyword arguments.

        Raises:
            ConfigurationError: names are unknown or values are wrong, listed together.
        """
        known = shared_options()
        problems = [unknown_name("model option", name, known) for name in given if name not in known]
        problems += filter(None, (known[name].problem(value) for name, value in given.items() if name in known))
        if problems:
            raise ConfigurationError(problems)
        return cls(**{_FIELDS.get(name, name): value for name, value in given.items()})

    @property
    def neuron(self) -> Neuron:
        """Constants of the bottom-up neurons."""
        return Neuron(self.threshold, self.decay, self.reset)

    @property
    def top_down_neuron(self) -> Neuron:
        """Constants of the top-down neurons."""
        return Neuron(self.top_down_threshold or self.threshold, self.decay, self.reset)

    def source_shape(self, stimulus: Stimulus) -> tuple[int, ...]:
        """Shape of the input of the first synapse at one time step; for given spike trains without the time axis."""
        return stimulus.shape[1:] if self.stimulus_code == "given" else stimulus.shape

    def layer(self, place: int, up: Synapse, down: Synapse, *, pool: int = 1) -> Layer:
        """The layer with this number (1 is the lowest) and these synapses; `pool` as for `Layer`."""
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
        """The options as keyword arguments of a builder."""
        values = asdict(self)
        return {name: values[_FIELDS.get(name, name)] for name in shared_options()}


_FIELDS = {"concept_code": "concept_code_kind"}
"""Options whose fields have another name."""


def shared_options() -> dict[str, Setting]:
    """The options of every builder by name."""
    names = {field: name for name, field in _FIELDS.items()}
    fields = {names.get(field, field): one for field, one in settings_of(Options).items()}
    return {name: replace(one, name=name) for name, one in fields.items()}


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
            **stimulus.spec,
            "concept_names": list(concept.names),
        },
    )
