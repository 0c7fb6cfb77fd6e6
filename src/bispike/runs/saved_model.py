"""What decides in a run: the weights of its network, and what its rule decides by, if it does not use the readout.

model.safetensors    network by name; "rule/NAME" for tensors of the rule (`Rule.decision_state`)
"""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from ..nn import Network
from ..restoring import LEAST, fit_tensors
from ..rules import Rule
from .checkpoint import expect_weights
from .rebuild import restore_rule

_RULE = "rule/"


def model_tensors(network: Network, rule: Rule) -> dict[str, Tensor]:
    """All tensors of `model.safetensors`."""
    return {**network.state_dict(), **{f"{_RULE}{name}": value for name, value in rule.decision_state().items()}}


def network_tensors(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Those of the network alone."""
    return {name: value for name, value in tensors.items() if not name.startswith(_RULE)}


def expect_model(network: Network, rule: Rule, tensors: Mapping[str, Tensor], source: object) -> None:
    """Check the tensors of a model; nothing is changed.

    Raises:
        DamagedError: they belong to another network or rule, or are damaged.
    """
    expect_weights(network.state_dict(), network_tensors(tensors), source)
    fit_tensors(_decision(tensors), rule.decision_state(), f"{source}: rule {rule.name!r}", least=LEAST)


def load_model(network: Network, rule: Rule, tensors: Mapping[str, Tensor], source: object) -> None:
    """Load what `model_tensors` gave.

    Raises:
        DamagedError: as `expect_model`; nothing was changed.
    """
    expect_model(network, rule, tensors, source)
    network.load_state_dict(network_tensors(tensors))
    load_decision(rule, tensors, source)


def load_decision(rule: Rule, tensors: Mapping[str, Tensor], source: object) -> None:
    """Load the part of the rule alone.

    Raises:
        DamagedError: it belongs to another rule, or is damaged; nothing was changed.
    """
    found = _decision(tensors)
    fit_tensors(found, rule.decision_state(), f"{source}: rule {rule.name!r}", least=LEAST)
    if found:
        restore_rule(rule, {**rule.state_dict(), **found}, source)


def _decision(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(_RULE): value for name, value in tensors.items() if name.startswith(_RULE)}
