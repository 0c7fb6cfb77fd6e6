"""Growth of a network by one concept; its existing weights do not change.

The new concept adds a row to the concept code, a row to the readout (one-hot codes) and a column to the highest
top-down synapse. Row and column begin as the mean of the existing ones: the score of the new concept is then the mean
of the other scores, so it is never the largest before it is trained.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..arguments import checked
from ..errors import ConfigurationError
from ..functional import population_code
from ..nn import ConceptCode, Dense, Network, Synapse
from ..spaces import Concept


@checked
@torch.no_grad()
def add_concept(network: Network, name: str, *, generator: torch.Generator) -> int:
    """Add one concept in place; `network.spec` describes the grown network, so `models.build` rebuilds it.

    Args:
        network: network from a builder. Parameters that grow are replaced, so a new optimizer is needed.
        name: name of the new class, different from all others.
        generator: source of the code of the new class (population and learned codes; a one-hot code draws nothing).

    Returns:
        Label of the new class, C.

    Raises:
        ConfigurationError: the name is empty or taken, or no free code was found.
    """
    names = network.concept.names
    if not name or name in names:
        raise ConfigurationError(f"name: expected a new class name, received {name!r}; known: {', '.join(names)}.")
    code = network.code
    if code.kind == "one-hot":
        _grow_targets(network.readout)
        _grow_sources(network.layers[-1].down.synapse)
        code.size += 1
        code.fixed = torch.eye(code.size, dtype=code.fixed.dtype, device=code.fixed.device)
    else:
        _add_code_row(code, generator)
    code.classes += 1
    network.concept = Concept((*names, name))
    if network.spec:
        network.spec = {**network.spec, "concept_names": list(network.concept.names)}
        if code.kind != "one-hot":
            network.spec["concept_size"] = code.size
    return code.classes - 1


def _grow_targets(readout: Synapse) -> None:
    """Add a target neuron; its weights and bias are the mean of the others."""
    readout.weight = _extended(readout.weight, 0)
    if readout.bias is not None:
        readout.bias = _extended(readout.bias, 0)
    readout.target = (readout.target[0] + 1,)
    if isinstance(readout, Dense):
        readout.small = readout.target


def _grow_sources(synapse: Synapse) -> None:
    """Add a source neuron; its weights are the mean of the others."""
    synapse.weight = _extended(synapse.weight, 1)
    synapse.source = (synapse.source[0] + 1,)


def _extended(parameter: nn.Parameter, axis: int) -> nn.Parameter:
    values = torch.cat([parameter, parameter.mean(axis, keepdim=True)], axis)
    return nn.Parameter(values, requires_grad=parameter.requires_grad)


def _add_code_row(code: ConceptCode, generator: torch.Generator) -> None:
    row = _free_code(code.fixed, generator)
    code.fixed = torch.cat([code.fixed, row])
    if code.kind == "learned":
        jitter = torch.empty(1, code.size).uniform_(-0.1, 0.1, generator=generator).to(row)
        drive = code.neuron.threshold * (0.4 + 0.6 * row + jitter)
        code.embedding = nn.Parameter(torch.cat([code.embedding, drive]), requires_grad=code.embedding.requires_grad)


def _free_code(taken: Tensor, generator: torch.Generator) -> Tensor:
    """A random code `[1, K]` with as many active neurons as the others, different from all of them."""
    size = taken.shape[1]
    for _ in range(1000):
        row = population_code(1, size, generator=generator).to(taken)
        if not bool((taken == row).all(1).any()):
            return row
    raise ConfigurationError(
        f"concept code: no free code of {size} neurons was found; build with a larger concept_size."
    )
