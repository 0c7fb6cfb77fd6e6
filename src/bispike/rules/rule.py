"""The protocol of a learning rule and the registry of rules.

A rule sees a batch and writes `.grad` of the parameters that it owns; any `torch.optim` optimizer does the rest. As
soon as gradients are final the rule announces them (`gradients_ready`), so that they can be summed over processes or
applied while the pass goes on. A new rule is one file with a subclass of `Rule`, decorated with `@register`.
"""

from __future__ import annotations

import dataclasses
import weakref
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

import torch
from torch import Tensor, nn

from ..errors import ConfigurationError, ShapeError, UnknownNameError, unknown_name
from ..nn import SPIKES, Classifier, Network, Signals
from .options import RateOptions, RuleOptions


@dataclass
class StepReport:
    """What one step did; tensors are scalars on the network's device, so that nobody waits for them.

    Attributes:
        loss: task loss at the top.
        correct: number of samples of the batch that were decided rightly, before the update.
        layer_losses: local loss of each layer, where the rule has one.
        spike_rate: mean firing rate of each layer, bottom to top (mean activity for rate networks).
    """

    loss: Tensor
    correct: Tensor
    layer_losses: dict[str, Tensor] = field(default_factory=dict)
    spike_rate: list[Tensor] = field(default_factory=list)


class Rule:
    """Base of all rules.

    Subclasses set `name`, `summary` (one line), `signals` (what the network's layers emit under this rule), `networks`
    (the classes of networks that it is defined for; a rule that works differently on another class is a second class
    of the same name), `needs_chain` (if it is not defined for networks with shortcuts), `Options` (a frozen dataclass)
    and, where the defaults of a training do not suit the rule, `recommended` (settings of `TrainConfig` by name). They
    implement `learn`, and `parameters` if they train more or less than the bottom-up pathway. What `register_state` is
    given belongs to the rule, such as fixed feedback: it is saved with a training, and moved by the optimizer if
    `parameters` names it.

    A rule does not change the network when it is made. `attach` makes the network decide as under this rule;
    `rules.create`, `fit` and the first `compute_gradients` call it.

    Args:
        network: the network to train.
        **options: fields of `Options`.

    Attributes:
        on_gradients_ready: is called during `compute_gradients` with parameters whose gradients are final, each once
            per step. It may change their values and drop their gradients.
        decision: scores `[B, C]` from an encoded stimulus, of rules that do not decide by the readout; else None.

    Raises:
        ConfigurationError: unknown or wrong options, or a network that the rule is not defined for, listed together.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    signals: ClassVar[Signals] = SPIKES
    networks: ClassVar[tuple[type[Network], ...]] = (Classifier,)
    needs_chain: ClassVar[bool] = False
    trains_top_down: ClassVar[bool] = False
    Options: ClassVar[type] = RuleOptions
    recommended: ClassVar[dict[str, Any]] = {}

    def __init__(self, network: Network, **options: Any) -> None:
        known = self.defaults()
        problems = [unknown_name(f"option of rule {self.name!r}:", key, known) for key in options if key not in known]
        problems += self.mismatch(network)
        if problems:
            raise ConfigurationError(problems)
        self.settings = self.Options(**options)
        self.network: Any = network
        self.state = nn.Module()
        self.decision: Callable[[Tensor], Tensor] | None = None
        self.on_gradients_ready: Callable[[Sequence[nn.Parameter]], None] | None = None
        self._announced: set[int] = set()

    @classmethod
    def mismatch(cls, network: Network) -> list[str]:
        """Why the rule is not defined for a network, in sentences; empty if it is."""
        if not isinstance(network, cls.networks):
            return [not_defined(cls.name, type(network))]
        if cls.needs_chain and network.shortcuts:
            return [_no_chain(cls.name, network.shortcuts)]
        return []

    def attach(self) -> Self:
        """Make the network emit, activate and decide as under this rule; return the rule."""
        self.network.signals = self.signals
        if isinstance(self.settings, RateOptions):
            self.network.activation = self.settings.activation
        self.network.decision = self.decision
        self.network.attached_rule = weakref.ref(self)
        return self

    @classmethod
    def defaults(cls) -> dict[str, Any]:
        """Options with their default values."""
        return {f.name: f.default for f in dataclasses.fields(cls.Options)}

    @property
    def options(self) -> dict[str, Any]:
        """Options in force, as plain values."""
        return dataclasses.asdict(self.settings)

    def parameters(self) -> list[nn.Parameter]:
        """The parameters that this rule trains, by default those of the bottom-up pathway; all others stay."""
        return self.network.bottom_up_parameters()

    def learn(self, stimulus: Tensor, labels: Tensor, *, generator: torch.Generator | None) -> StepReport:
        """The rule itself; `compute_gradients` has checked the arguments."""
        raise NotImplementedError

    def compute_gradients(
        self, stimulus: Tensor, labels: Tensor, *, generator: torch.Generator | None = None
    ) -> StepReport:
        """Write `.grad` of `parameters()` for one batch; earlier gradients are replaced.

        Args:
            stimulus: `[B, *stimulus.shape]` in the units of the data, B ≥ 1; left unchanged.
            labels: `[B]` int64 in 0..C−1.
            generator: source of randomness of stochastic codes.

        Returns:
            StepReport.

        Raises:
            ShapeError, ConfigurationError: wrong shapes, labels out of range, or values that are not finite.
        """
        if self.network.attached_rule() is not self:
            self.attach()
        self.network.check_stimulus(stimulus)
        self.network.check_labels(labels)
        axes = len(self.network.shared_axes)
        if labels.shape[:axes] != stimulus.shape[:axes] or 0 in labels.shape[:axes]:
            raise ShapeError(
                f"compute_gradients: expected stimuli and labels of the same {' and '.join(self.network.shared_axes)}, "
                f"at least one; received {list(stimulus.shape)} and {list(labels.shape)}."
            )
        if not torch.isfinite(stimulus.sum()):
            bad = int((~torch.isfinite(stimulus)).flatten(1).any(1).sum())
            if bad:
                raise ConfigurationError(
                    f"stimulus: expected finite values, received NaN or infinity in {bad} of {len(stimulus)} samples. "
                    "Look for missing values in the data, or a division by a deviation of zero."
                )
        self._announced.clear()
        report = self.learn(stimulus, labels, generator=generator)
        if self.on_gradients_ready is not None:
            self.gradients_ready(self.parameters())
        return report

    def gradients_ready(self, parameters: Iterable[nn.Parameter]) -> None:
        """Announce that these gradients are final and that this step reads these parameters no more.

        A rule calls it layer by layer; `compute_gradients` calls it at its end for what is left.
        """
        if self.on_gradients_ready is None:
            return
        fresh = [parameter for parameter in parameters if id(parameter) not in self._announced]
        self._announced.update(id(parameter) for parameter in fresh)
        if fresh:
            self.on_gradients_ready(fresh)

    def state_dict(self) -> dict[str, Tensor]:
        """Tensors that the rule itself remembers between steps."""
        return self.state.state_dict()

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Take back what `state_dict` returned.

        Raises:
            ConfigurationError: other names or shapes than this rule keeps.
        """
        kept = {name: list(value.shape) for name, value in self.state.state_dict().items()}
        received = {name: list(value.shape) for name, value in state.items()}
        if kept != received:
            raise ConfigurationError(
                f"rule {self.name!r}: expected the state {kept or 'of no tensors'}, received {received or 'none'}; "
                "it belongs to another rule, network or version."
            )
        self.state.load_state_dict(state)

    def random_source(self) -> torch.Generator:
        """Generator for the rule's own first weights: follows the network's seed, but draws other numbers."""
        return torch.Generator().manual_seed(int(self.network.spec.get("seed", 0)) + 7919)

    def step_generator(self, generator: torch.Generator | None) -> torch.Generator:
        """What a step draws from: the generator that it was given, or else the same numbers at each step."""
        return self.random_source() if generator is None else generator

    def register_state(self, parts: Mapping[str, Tensor | nn.Module]) -> None:
        """Make tensors (as buffers) and modules the rule's own."""
        for name, part in parts.items():
            if isinstance(part, Tensor):
                self.state.register_buffer(name, part)
            else:
                self.state.add_module(name, part)
        self.move_state()

    def move_state(self) -> None:
        """Bring what is the rule's own to the network's device and precision."""
        self.state.to(self.network.stimulus_mean)


registry: dict[str, type[Rule]] = {}
"""Rules by name; where a name has several classes, the first one that was registered."""
_variants: dict[str, list[type[Rule]]] = {}


def register(rule: type[Rule]) -> type[Rule]:
    """Class decorator: make a rule known by its name. Several classes may share a name, for other networks each."""
    variants = _variants.setdefault(rule.name, [])
    if any(set(known.networks) & set(rule.networks) for known in variants):  # replaces what was registered before
        variants.clear()
        registry.pop(rule.name, None)
    variants.append(rule)
    registry.setdefault(rule.name, rule)
    return rule


def find(name: str, network: type[Network] | None = None) -> type[Rule]:
    """The class of a rule, for a class of networks if one is given.

    Raises:
        UnknownNameError: no such rule.
        ConfigurationError: the rule is not defined for such networks.
    """
    if name not in registry:
        raise UnknownNameError("rule", name, registry)
    if network is None:
        return registry[name]
    for rule in classes_of(name):
        if _fits(rule, network):
            return rule
    raise ConfigurationError(not_defined(name, network))


def classes_of(name: str) -> list[type[Rule]]:
    """The classes of a rule, one for each case; the first is `registry[name]`.

    Raises:
        UnknownNameError: no such rule.
    """
    if name not in registry:
        raise UnknownNameError("rule", name, registry)
    return list(_variants.get(name, [registry[name]]))


def create(name: str, network: Network, **options: Any) -> Rule:
    """Rule by name, attached to the network.

    Raises:
        UnknownNameError: no such rule.
        ConfigurationError: unknown or wrong options, or a network that the rule is not defined for.
    """
    return find(name, type(network))(network, **options).attach()


def defined_for(network: type[Network]) -> list[str]:
    """Names of the rules that are defined for a class of networks."""
    return sorted(name for name in registry if any(_fits(rule, network) for rule in classes_of(name)))


def _fits(rule: type[Rule], network: type[Network]) -> bool:
    """Whether a rule is defined for a class of networks, or for one of its final classes."""
    return issubclass(network, rule.networks) or any(issubclass(one, network) for one in rule.networks)


def not_defined(rule: str, network: type[Network]) -> str:
    """The message about a rule and a class of networks that it is not defined for."""
    classes = classes_of(rule) if rule in registry else []
    kinds = " or ".join(dict.fromkeys(one.kind for known in classes for one in known.networks)) or "another network"
    return (
        f"rule {rule!r}: expected {kinds}, received {network.kind}, for which the rule is not defined. Take one of the "
        f"rules {', '.join(defined_for(network))}."
    )


def _no_chain(rule: str, shortcuts: Sequence[str]) -> str:
    fitting = ", ".join(sorted(name for name, other in registry.items() if not other.needs_chain))
    return (
        f"rule {rule!r}: expected a chain of layers, received a network with shortcuts (to {', '.join(shortcuts)}), "
        f"for which the rule is not defined. Take a model without shortcuts (mlp, cnn) or one of the rules {fitting}."
    )


def write_gradients(value: Tensor, parameters: Sequence[nn.Parameter], signal: Tensor | None = None) -> None:
    """Autograd gradients into `.grad`, replacing what was there.

    Args:
        value: with a tape; a scalar loss, or anything with a `signal`.
        parameters: what the tape leads to.
        signal: dL/d value, of its shape.
    """
    grads = torch.autograd.grad(value, parameters, signal)
    for parameter, grad in zip(parameters, grads, strict=True):
        # Laid out as the parameter: fused optimizers go through both element by element.
        parameter.grad = grad if grad.stride() == parameter.stride() else torch.empty_like(parameter).copy_(grad)
