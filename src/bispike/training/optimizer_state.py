"""The state of an optimizer, as tensors and plain values that a checkpoint keeps, and back.

Fused kernels trust the shape and type of their state. What is restored is therefore compared with what a step of this
very optimizer makes for a parameter of that shape; hyper-parameters come from the settings, never from the file.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from ..errors import CheckpointError, DamagedError
from ..json_values import expect
from ..restoring import fit_tensors

Memory = dict[int, dict[str, Any]]
_PLAIN = (bool, int, float, str, type(None))
_NOT_NEGATIVE = (
    *("step", "exp_avg_sq", "max_exp_avg_sq", "exp_inf", "square_avg", "acc_delta", "sum", "row_var", "col_var"),
    *("variance", "step_size", "mu_product", "eta", "mu"),
)
"""Parts of the state that are counts, sums of squares or sizes: torch divides by them or takes their root."""


def optimizer_state(optimizer: torch.optim.Optimizer) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The state of an optimizer as tensors ("optimizer/parameter/name") and plain values ("parameter/name").

    Raises:
        CheckpointError: the optimizer keeps something else.
    """
    tensors: dict[str, Tensor] = {}
    scalars: dict[str, Any] = {}
    for index, memory in optimizer.state_dict()["state"].items():
        for name, value in memory.items():
            if isinstance(value, Tensor):
                tensors[f"optimizer/{index}/{name}"] = value
            elif isinstance(value, _PLAIN):
                scalars[f"{index}/{name}"] = value
            else:
                raise CheckpointError(
                    f"optimizer {type(optimizer).__name__}: expected a state of tensors and plain values, received "
                    f"{name!r} of type {type(value).__name__}, which a checkpoint cannot hold. Take another optimizer."
                )
    return tensors, scalars


def state_for(
    optimizer: torch.optim.Optimizer,
    tensors: Mapping[str, Tensor],
    scalars: Mapping[str, Any],
    *,
    most: int,
    source: object = "checkpoint",
) -> Memory:
    """The state of an earlier optimizer, checked against a fresh one, which is left as it is.

    Args:
        optimizer: that is to continue.
        tensors, scalars: as `optimizer_state` returned them, tensors without "optimizer/".
        most: largest number of steps that it can have made.
        source: the file, for messages.

    Returns:
        The state by the number of the parameter, for `restore_optimizer`.

    Raises:
        DamagedError: it does not fit the parameters of this optimizer.
    """
    memory: Memory = {}
    parameters = [(parameter, group) for group in optimizer.param_groups for parameter in group["params"]]
    for key, value in [*tensors.items(), *scalars.items()]:
        number, _, name = key.partition("/")
        known = number.isascii() and number.isdecimal() and len(number) < 10 and int(number) < len(parameters)
        expect(known and bool(name), f"{source}: optimizer", f"state of {len(parameters)} parameters", key)
        memory.setdefault(int(number), {})[name] = value
    models: dict[Any, dict[str, Any]] = {}
    for index, received in memory.items():
        parameter, group = parameters[index]
        kind = (parameter.shape, parameter.dtype, parameter.device, id(group))
        if kind not in models:
            models[kind] = _state_after_a_step(optimizer, parameter, group)
        _compare(received, models[kind], f"{source}: optimizer: parameter {index}", most)
    return memory


def restore_optimizer(optimizer: torch.optim.Optimizer, memory: Memory) -> None:
    """Give a fresh optimizer the state that `state_for` found to fit."""
    optimizer.load_state_dict({"state": memory, "param_groups": optimizer.state_dict()["param_groups"]})


def _state_after_a_step(
    optimizer: torch.optim.Optimizer, parameter: nn.Parameter, group: Mapping[str, Any]
) -> dict[str, Any]:
    """The state that a step makes for a parameter like this one."""
    stand_in = nn.Parameter(torch.zeros_like(parameter))
    stand_in.grad = torch.zeros_like(stand_in)
    trial = type(optimizer)([{**group, "params": [stand_in]}])  # type: ignore[call-arg]
    trial.step()
    return dict(trial.state[stand_in])


def _compare(received: Mapping[str, Any], model: Mapping[str, Any], place: str, most: int) -> None:
    """Raise a DamagedError unless a state has the names, types and shapes of the model."""
    tensors = {name: value for name, value in model.items() if isinstance(value, Tensor)}
    fit_tensors(
        {k: v for k, v in received.items() if isinstance(v, Tensor)},
        tensors,
        place,
        least=dict.fromkeys(_NOT_NEGATIVE, 0.0),
    )
    plain = {name: value for name, value in received.items() if not isinstance(value, Tensor)}
    names = sorted(model.keys() - tensors.keys())
    expect(sorted(plain) == names, place, f"the plain values {names}", sorted(plain))
    for name, value in plain.items():
        expect(type(value) is type(model[name]), f"{place}: {name}", type(model[name]).__name__, value)
    if "step" in received:
        step = float(received["step"])
        if not 0 <= step <= most or step != int(step):
            raise DamagedError(f"{place}: step: expected a whole number from 0 to {most}, received {step:g}.")
