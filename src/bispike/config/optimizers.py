"""Any `torch.optim` optimizer by name.

The optimizer only sees the parameters that the rule trains, in two groups: the bottom-up pathway with the learning
rate `lr`, the top-down pathway with `top_down_lr`.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import nn

from ..arguments import checked, is_number, shown
from ..errors import ConfigurationError, UnknownNameError, unknown_name
from ..settings import setting

# Need a loss that can be evaluated again and again, or sparse gradients: a rule gives one dense gradient.
_UNSUITABLE = {"lbfgs", "sparseadam", "optimizer"}

OPTIMIZERS: dict[str, type[torch.optim.Optimizer]] = {
    name.lower(): value
    for name, value in vars(torch.optim).items()
    if inspect.isclass(value) and issubclass(value, torch.optim.Optimizer) and name.lower() not in _UNSUITABLE
}


@checked
def optimizer_class(name: str) -> type[torch.optim.Optimizer]:
    """The optimizer with this name, whatever its case.

    Raises:
        UnknownNameError: with the nearest name.
    """
    if name.lower() not in OPTIMIZERS:
        raise UnknownNameError("optimizer", name, OPTIMIZERS)
    return OPTIMIZERS[name.lower()]


@checked
def optimizer_settings(name: str) -> dict[str, Any]:
    """The settings that an optimizer takes beside parameters, learning rate and weight decay, with defaults."""
    signature = inspect.signature(optimizer_class(name).__init__)
    reserved = {"self", "params", "lr", "weight_decay"}
    taken = {key: value for key, value in signature.parameters.items() if key not in reserved}
    # SGD's momentum is a number whose default is written 0
    return {key: float(v.default) if v.annotation in (float, "float") else v.default for key, v in taken.items()}


def problems(name: str, options: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with the name of an optimizer or with its options, a sentence each.

    torch says itself what ranges it takes: an optimizer of one number is made with the options.
    """
    if name.lower() not in OPTIMIZERS:
        yield unknown_name("optimizer", name, OPTIMIZERS)
        return
    known = {key: setting(key, default) for key, default in optimizer_settings(name).items()}
    yield from (unknown_name(f"option of optimizer {name!r}:", key, known) for key in options if key not in known)
    wrong = [known[key].problem(value) for key, value in options.items() if key in known]
    wrong += [
        f"{key}: expected {len(one.default)} numbers such as {list(one.default)}, received {shown(options[key])}."
        for key, one in known.items()
        if isinstance(one.default, tuple) and key in options and one.fits(options[key])
        if not _is_row(options[key], one.default)
    ]
    yield from filter(None, wrong)
    if options and not any(wrong) and options.keys() <= known.keys():
        try:
            build(name, [{"params": [nn.Parameter(torch.zeros(1, 1))], "base_lr": 1e-3}], options=options)
        except ConfigurationError as error:
            yield from error.problems


@checked
def parameter_groups(
    trained: Sequence[nn.Parameter],
    bottom_up: Iterable[nn.Parameter],
    top_down: Iterable[nn.Parameter],
    *,
    lr: float,
    top_down_lr: float | None = None,
) -> list[dict[str, Any]]:
    """The trained parameters as groups with their base learning rate under "base_lr".

    A trained parameter of neither pathway (a rule's own) goes with the bottom-up ones. Empty groups are left out.

    Raises:
        ConfigurationError: nothing is trained.
    """
    down = {id(parameter) for parameter in top_down} - {id(parameter) for parameter in bottom_up}
    groups = [
        {"params": [p for p in trained if id(p) not in down], "base_lr": lr},
        {"params": [p for p in trained if id(p) in down], "base_lr": lr if top_down_lr is None else top_down_lr},
    ]
    groups = [group for group in groups if group["params"]]
    if not groups:
        raise ConfigurationError("the rule trains no parameters of this network; there is nothing to fit.")
    return groups


@checked
def build(
    name: str,
    groups: list[dict[str, Any]],
    *,
    weight_decay: float = 0.0,
    options: Mapping[str, Any] | None = None,
) -> torch.optim.Optimizer:
    """An optimizer over parameter groups, with the fused kernel where there is one.

    Raises:
        ConfigurationError: the optimizer does not take these settings.
    """
    kind = optimizer_class(name)
    accepted = inspect.signature(kind.__init__).parameters
    settings: dict[str, Any] = {key: _as_tuple(value) for key, value in (options or {}).items()}
    if "weight_decay" in accepted:
        settings["weight_decay"] = weight_decay
    elif weight_decay:
        raise ConfigurationError(f"optimizer {name!r} has no weight decay; set weight_decay to 0.")
    for group in groups:
        group["lr"] = group["base_lr"]
    if "fused" in accepted and not {"fused", "foreach", "maximize", "differentiable"} & settings.keys():
        try:
            return kind(groups, **settings, fused=True)  # type: ignore[call-arg]
        except (RuntimeError, ValueError, TypeError):
            pass  # no fused kernel for this device or type, or a wrong setting: the plain call says which
    try:
        return kind(groups, **settings)
    except (RuntimeError, ValueError, TypeError) as error:
        raise ConfigurationError(f"optimizer {name!r}: {error}.") from error


def set_learning_rate(optimizer: torch.optim.Optimizer, factor: float) -> None:
    """Give each group its base learning rate times the schedule's factor."""
    for group in optimizer.param_groups:
        group["lr"] = group["base_lr"] * factor


def _is_row(values: Sequence[Any], like: Sequence[Any]) -> bool:
    """Whether values are as many numbers as a default has; None only where the default has it."""
    if len(values) != len(like):
        return False
    return all(is_number(one) or (one is None and default is None) for one, default in zip(values, like, strict=True))


def _as_tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
