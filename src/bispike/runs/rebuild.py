"""Network and rule of a file, built again: from their descriptions, and with the tensors beside these.

A description is not trusted. It is built without memory first ("meta" device), compared with the names, shapes and
types of the tensors, and built for real only if they fit: a small file cannot ask for a large network.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from .. import models, rules
from ..errors import BispikeError, DamagedError
from ..json_values import Check, is_text, list_of, number, optional, record, whole
from ..nn import Network
from ..restoring import expect_finite
from ..rules import Rule
from .checkpoint import expect_weights, load_weights

PRECISIONS = (torch.float32, torch.float64, torch.bfloat16, torch.float16)
LARGEST_SIDE = 2**31
LARGEST_STIMULUS = 2**24
"""Values of one stimulus; maps of convolutions grow with it, whatever the number of their weights."""
_NUMBERS = list_of(number())
_SPEC: Check = record(
    {
        "model": is_text,
        "stimulus_shape": list_of(whole(1, LARGEST_SIDE)),
        "stimulus_mean": _NUMBERS,
        "stimulus_std": _NUMBERS,
        "concept_names": list_of(is_text),
    },
    {
        "stimulus_divisor": optional(number(0)),
        "stimulus_limits": optional(list_of(number(), length=2)),
        "concept_size": whole(),
        "time_steps": whole(1),
        "seed": whole(most=2**63 - 1),
        **dict.fromkeys(("widths", "channels", "dense"), list_of(whole(1, LARGEST_SIDE))),
        "blocks": list_of(whole(0, LARGEST_SIDE)),
        **{f"quantity_{part}": _NUMBERS for part in ("mean", "std", "scale")},
        "quantity_present": list_of(whole()),
    },
)
"""Check of a description. What else it holds are options of the model, which the builder checks."""
_FAULTS = (KeyError, TypeError, ValueError, RuntimeError, ArithmeticError, AttributeError, IndexError)
"""What builders raise for a value that they do not expect; a builder of another package may check nothing itself."""


def rebuilt_network(spec: Mapping[str, Any], weights: Mapping[str, Tensor], source: object) -> Network:
    """The network of a description, with weights, in their precision.

    Args:
        spec: as `Network.spec`.
        weights: of the whole network, by name.
        source: the file or folder, for messages.

    Raises:
        DamagedError: the description is damaged, or it and the weights do not fit each other.
    """
    _SPEC(spec, f"{source}: network")
    _check_size(spec, weights, source)
    precision = _precision(weights, source)
    try:
        with contextlib.suppress(RuntimeError), torch.device("meta"):  # builders that read values need memory
            expect_weights(models.build(dict(spec)).to(precision).state_dict(), weights, source)
        network = models.build(dict(spec)).to(precision)
    except DamagedError:
        raise
    except _FAULTS as error:
        raise _unbuildable("network", error, source) from error
    load_weights(network, weights, source)
    return network


def rebuilt_rule(name: str, network: Network, options: Mapping[str, Any], source: object) -> Rule:
    """A rule on a rebuilt network, attached to it; its state is that of the beginning.

    Raises:
        DamagedError: there is no such rule, or its options do not fit.
    """
    try:
        return rules.create(name, network, **options)
    except _FAULTS as error:
        raise _unbuildable("rule", error, source) from error


def restore_rule(rule: Rule, state: Mapping[str, Tensor], source: object) -> None:
    """Load the state of a rule.

    Raises:
        DamagedError: it belongs to another rule or network, or is damaged; the rule was not changed.
    """
    for name, value in state.items():
        expect_finite(f"state of rule {rule.name!r}: {name}", value, source)
    like = rule.network.stimulus_mean
    try:
        rule.load_state_dict({name: value.to(like.device) for name, value in state.items()})
    except BispikeError as error:
        raise DamagedError(f"{source}: {error}") from error


def _check_size(spec: Mapping[str, Any], weights: Mapping[str, Tensor], source: object) -> None:
    """Raise a DamagedError if the description is of more layers, or a larger concept code, than there are tensors."""
    layers = sum(len(spec.get(name, ())) for name in ("widths", "channels", "dense")) + sum(spec.get("blocks", ()))
    code = len(spec["concept_names"]) * spec.get("concept_size", 0)
    shape = math.prod(spec["stimulus_shape"])
    most = sum(value.numel() for value in weights.values())
    if layers > len(weights) or code > most or shape > LARGEST_STIMULUS:
        raise DamagedError(
            f"{source}: network: expected a description of what is in its {len(weights)} tensors of together {most} "
            f"values, received one of {layers} layers, a stimulus of {shape} and a concept code of {code} values."
        )


def _precision(weights: Mapping[str, Tensor], source: object) -> torch.dtype:
    like = weights.get("stimulus_mean")
    if like is None or like.dtype not in PRECISIONS:
        received = "none" if like is None else str(like.dtype).removeprefix("torch.")
        raise DamagedError(
            f"{source}: weights: stimulus_mean: expected a tensor of float32 or another precision of networks, "
            f"received {received}."
        )
    return like.dtype


def _unbuildable(what: str, error: Exception, source: object) -> DamagedError:
    return DamagedError(f"{source}: the {what} of this run cannot be built again: {error}")
