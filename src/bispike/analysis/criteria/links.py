"""The wiring of a network and its rule: which population each synapse connects to which.

A `Link` is a synapse with its source and target; a `Crossing` is one recorded signal with the link that it passed. The
place of the synapses of the network is known. That of the synapses of a rule follows from the shapes that they connect:
concept neurons to a layer is a broadcast, a layer to concept neurons is a classifier beside the layer, a layer to the
one below is feedback. Where the shapes do not decide, the synapse is treated as feedback to the layer at its target.
"""

from __future__ import annotations

from dataclasses import dataclass

from ...nn import Network, Synapse
from ...rules import Rule
from .signals import AGAINST, DRIVE_GRADIENT, FORWARD, Signal

STIMULUS, CONCEPT = "stimulus", "concept"
UP, DOWN, BROADCAST, BESIDE = "up", "down", "broadcast", "beside"


@dataclass(frozen=True)
class Link:
    """A synapse with its source and target.

    Attributes:
        name: name in reports.
        kind: `"up"` or `"down"` (the two pathways, and feedback of a rule), `"broadcast"` or `"beside"`.
        source, target: number of the layer (from 0), or `"stimulus"` or `"concept"`.
        synapse: the synapse.
    """

    name: str
    kind: str
    source: int | str
    target: int | str
    synapse: Synapse


@dataclass(frozen=True)
class Crossing:
    """A signal from one population to another.

    Attributes:
        link: the link that it passed.
        signal: the signal.
        direction: `"up"`, `"down"`, `"broadcast"` or `"beside"`.
        end: whether source or target is the stimulus or the concept; such signals are reported, not evaluated.
        to: the population at which it arrived.
    """

    link: Link
    signal: Signal
    direction: str
    end: bool
    to: int | str

    @property
    def evaluated(self) -> bool:
        """Whether the criteria apply to it: it does not enter or leave the network, and is not beside a layer."""
        return not self.end and self.direction != BESIDE

    @property
    def returns(self) -> bool:
        """Whether it passed its synapse backward, from target to source."""
        return self.signal.way in AGAINST


def links_of(rule: Rule) -> dict[str, Link]:
    """All synapses of a network and of its rule, by name."""
    network = rule.network
    last = len(network.layers) - 1
    found: dict[str, Link] = {}
    for i, layer in enumerate(network.layers):
        below, above = i - 1 if i else STIMULUS, i + 1 if i < last else CONCEPT
        found[f"{layer.name} up"] = Link(f"{layer.name} up", UP, below, i, layer.up.synapse)
        found[f"{layer.name} down"] = Link(f"{layer.name} down", DOWN, above, i, layer.down.synapse)
    found["readout"] = Link("readout", UP, last, CONCEPT, network.readout)
    found["recall"] = Link("recall", DOWN, 0, STIMULUS, network.stimulus_readout)
    known = {id(link.synapse) for link in found.values()}
    for name, module in rule.state.named_modules():
        if isinstance(module, Synapse) and id(module) not in known:
            found[f"own {name}"] = _own(f"own {name}", module, network)
    return found


def _own(name: str, synapse: Synapse, network: Network) -> Link:
    concept = {network.readout.target, (network.concept.classes,)}
    layers = {i: {layer.feature_shape, layer.output_shape} for i, layer in enumerate(network.layers)}
    sources = [i for i, shapes in layers.items() if synapse.source in shapes]
    targets = [i for i, shapes in layers.items() if synapse.target in shapes]
    if synapse.target in concept and sources:
        # Several layers may have this shape; the name of the synapse may identify its layer.
        return Link(name, BESIDE, _named(name, sources, network), CONCEPT, synapse)
    if synapse.source in concept and targets:
        return Link(name, BROADCAST, CONCEPT, _named(name, targets, network), synapse)
    pairs = [(i, j) for i in sources for j in targets if abs(i - j) == 1]
    if pairs:
        source, target = pairs[0]
        return Link(name, UP if target > source else DOWN, source, target, synapse)
    if sources and sources == targets:
        return Link(name, BESIDE, sources[0], sources[0], synapse)
    return Link(name, DOWN, sources[-1] if sources else CONCEPT, targets[0] if targets else 0, synapse)


def _named(name: str, layers: list[int], network: Network) -> int:
    """The layer whose name is part of the synapse's name, or the first."""
    return next((i for i in layers if network.layer_names[i] in name), layers[0])


def crossings(signals: list[Signal], links: dict[str, Link]) -> list[Crossing]:
    """The signals between populations, in order; drive gradients stay at their target and are left out."""
    found = []
    for signal in signals:
        link, forward = links[signal.synapse], signal.way == FORWARD
        if signal.way != DRIVE_GRADIENT:
            to = link.target if forward else link.source
            found.append(Crossing(link, signal, _direction(link, forward=forward), _is_end(link, forward=forward), to))
    return found


def _direction(link: Link, *, forward: bool) -> str:
    if link.kind in (BROADCAST, BESIDE) or forward:
        return link.kind
    return DOWN if link.kind == UP else UP


def _is_end(link: Link, *, forward: bool) -> bool:
    """Stimulus, concept code and the inputs of the readouts are ends; an error that leaves the readout is not."""
    if link.kind == BROADCAST or (link.name == "readout" and not forward):
        return False
    return isinstance(link.source, str) or isinstance(link.target, str)
