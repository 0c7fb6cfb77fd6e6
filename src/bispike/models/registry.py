"""The registry of models: builders by name, and `build`, which rebuilds a network from its description.

A model is one file with a builder and a call of `register`; `bispike.models` imports it once.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ..arguments import checked
from ..errors import ConfigurationError, UnknownNameError, unknown_name
from ..nn import Network
from ..spaces import Concept, Quantities, Stimulus
from .assembly import Options


@dataclass(frozen=True)
class Model:
    """A registered model, which the command line uses by its name.

    Attributes:
        name, summary: name and description in lists.
        builder: the function that builds the network; its name, with hyphens, is `spec["model"]` of its networks.
        sizes: name of the builder's second argument.
        network: class of the networks that it builds (for sequences, their base class).
        defaults: settings of the builder under this name.
    """

    name: str
    summary: str
    builder: Callable[..., Network]
    sizes: str
    network: type[Network]
    defaults: dict[str, Any]

    @property
    def kind(self) -> str:
        """`spec["model"]` of its networks."""
        return self.builder.__name__.replace("_", "-")


registry: dict[str, Model] = {}


@checked
def register(model: Model) -> Model:
    """Register a model by its name."""
    registry[model.name] = model
    return model


@checked
def find(name: str) -> Model:
    """A registered model.

    Raises:
        UnknownNameError: no such model.
    """
    if name not in registry:
        raise UnknownNameError("model", name, registry)
    return registry[name]


@checked
def create(
    name: str,
    stimulus: Stimulus | Sequence[int] | int,
    concept: Concept | Sequence[str] | int,
    **settings: Any,
) -> Network:
    """Build a network by the name of a registered model; settings override the defaults of the name.

    Raises:
        UnknownNameError: no such model.
        ConfigurationError: unknown or wrong settings, listed together.
    """
    model = find(name)
    known = settings_of(name)
    problems = [unknown_name(f"setting of model {name!r}:", key, known) for key in settings if key not in known]
    if problems:
        raise ConfigurationError(problems)
    values = {**model.defaults, **settings}
    return model.builder(stimulus, values.pop(model.sizes), concept, **values)


@checked
def settings_of(name: str) -> dict[str, Any]:
    """All settings of a registered model with their defaults."""
    model = find(name)
    own = {
        key: parameter.default
        for key, parameter in inspect.signature(model.builder).parameters.items()
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY
    }
    shared = Options().plain()
    return {**shared, **own, **model.defaults}


@checked
def build(spec: dict[str, Any]) -> Network:
    """Rebuild the network that `Network.spec` describes, without its weights.

    Raises:
        UnknownNameError: no model of that kind.
    """
    values = dict(spec)
    kind = values.pop("model")
    model = next((model for model in registry.values() if model.kind == kind), None)
    if model is None:
        raise UnknownNameError("model", kind, sorted({model.kind for model in registry.values()}))
    stimulus = Stimulus.from_spec(values)
    names = tuple(values.pop("concept_names"))
    concept = _quantities(names, values) if "quantity_mean" in values else Concept(names)
    return model.builder(stimulus, values.pop(model.sizes), concept, **values)


def _quantities(names: tuple[str, ...], values: dict[str, Any]) -> Quantities:
    """Remove the values of the quantities from a spec and return the quantities."""
    parts = ("mean", "std", "present", "scale")
    return Quantities(names, **{part: tuple(values.pop(f"quantity_{part}")) for part in parts})
