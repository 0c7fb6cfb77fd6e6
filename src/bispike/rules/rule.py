"""The protocol of a learning rule and the registry of rules.

A rule receives a batch and writes `.grad` of the parameters that it trains; any `torch.optim` optimizer applies them.
As soon as gradients are final the rule announces them (`gradients_ready`), so that they can be summed over processes or
applied while the pass continues. A new rule is one file with a subclass of `Rule`, decorated with `@register`.
"""

from __future__ import annotations

import dataclasses
import weakref
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

import torch
from torch import Tensor, nn

from ..arguments import checked, expect, shown
from ..errors import ConfigurationError, ShapeError, UnknownNameError, unknown_name
from ..nn import SPIKES, Classifier, Network, Signals
from ..nn.inference import learning, without_inference_mode
from ..restoring import LEAST, fit_tensors
from .options import RateOptions, RuleOptions


@dataclass
class StepReport:
    """Report of one step; tensors are scalars on the device of the network, so that no step waits for them.

    Attributes:
        loss: task loss at the top.
        correct: number of right decisions in the batch, before the update.
        layer_losses: local loss of each layer, if the rule has one.
        spike_rate: mean firing rate of each layer, bottom to top (mean activity for rate networks).
    """

    loss: Tensor
    correct: Tensor
    layer_losses: dict[str, Tensor] = field(default_factory=dict)
    spike_rate: list[Tensor] = field(default_factory=list)


class Rule:
    """Base of all rules.

    Subclasses set `name`, `summary` (one line), `signals` (what the layers of the network emit under this rule),
    `networks` (the classes of networks for which it is defined; a rule that works differently on another class is a
    second class of the same name), `needs_chain` (if it is not defined for networks with shortcuts), `Options` (a
    frozen dataclass) and, where the defaults of a training do not suit the rule, `recommended` (settings of
    `TrainConfig` by name). They implement `learn`, and `parameters` if they train more or less than the bottom-up
    pathway. Tensors and modules of the rule, such as fixed feedback, are passed to `register_state`: checkpoints
    include them, and the optimizer updates those that `parameters` returns.

    Creating a rule does not change the network. `attach` makes the network decide as under this rule;
    `rules.create`, `fit` and the first `compute_gradients` call it.

    Args:
        network: the network to train.
        **options: fields of `Options`.

    Attributes:
        on_gradients_ready: callback during `compute_gradients` with parameters whose gradients are final, each once per
            step. It may change their values and delete their gradients.
        decision: function from an encoded stimulus to scores `[B, C]`, if the rule does not use the readout; else None.

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
        expect_complete(type(self))
        expect("network", network, Network, "a network of bispike.models")
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
        self._place = (self.network.stimulus_mean.dtype, self.network.stimulus_mean.device)

    @classmethod
    def mismatch(cls, network: Network) -> list[str]:
        """Reasons why the rule is not defined for a network, in sentences; empty if it is defined."""
        if not isinstance(network, cls.networks):
            return [not_defined(cls.name, type(network))]
        if cls.needs_chain and network.shortcuts:
            return [_no_chain(cls.name, network.shortcuts)]
        return []

    def attach(self) -> Self:
        """Set signals, activation and decision of the network to those of this rule; return the rule."""
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
        """Current options, as plain values."""
        return dataclasses.asdict(self.settings)

    def parameters(self) -> list[nn.Parameter]:
        """The parameters that this rule trains, by default those of the bottom-up pathway."""
        return self.network.bottom_up_parameters()

    def learn(self, stimulus: Tensor, labels: Tensor, *, generator: torch.Generator | None) -> StepReport:
        """Write the gradients of a batch; each rule defines this. `compute_gradients` has checked the arguments."""
        raise NotImplementedError

    def compute_gradients(
        self, stimulus: Tensor, labels: Tensor, *, generator: torch.Generator | None = None
    ) -> StepReport:
        """Write `.grad` of `parameters()` for one batch; earlier gradients are replaced.

        Args:
            stimulus: `[B, *stimulus.shape]` in the units of the data, B ≥ 1; left unchanged.
            labels: `[B]` int64 in 0..C−1.
            generator: source of randomness for stochastic codes.

        Returns:
            StepReport.

        Raises:
            ShapeError, ConfigurationError: wrong shapes, labels out of range, or values that are not finite.
        """
        if generator is not None:
            expect("generator", generator, torch.Generator, "a torch.Generator or none")
        if self.network.attached_rule() is not self:
            self.attach()
        if self._place != (self.network.stimulus_mean.dtype, self.network.stimulus_mean.device):
            self.move_state()
        self.network.check_stimulus(stimulus)
        self.network.check_labels(labels)
        axes = len(self.network.shared_axes)
        if labels.shape[:axes] != stimulus.shape[:axes] or 0 in labels.shape[:axes]:
            raise ShapeError(
                f"compute_gradients: expected stimuli and labels of the same {' and '.join(self.network.shared_axes)}, "
                f"at least one; received {list(stimulus.shape)} and {list(labels.shape)}."
            )
        self.network.check_finite(stimulus)
        self._announced.clear()
        with learning(self.network):
            report = self.learn(without_inference_mode(stimulus), labels, generator=generator)
            if self.on_gradients_ready is not None:
                self.gradients_ready(self.parameters())
        return report

    def gradients_ready(self, parameters: Iterable[nn.Parameter]) -> None:
        """Announce that these gradients are final and that this step no longer reads these parameters.

        A rule calls it layer by layer; `compute_gradients` calls it at its end for the remaining parameters.
        """
        if self.on_gradients_ready is None:
            return
        fresh = [parameter for parameter in parameters if id(parameter) not in self._announced]
        self._announced.update(id(parameter) for parameter in fresh)
        if fresh:
            self.on_gradients_ready(fresh)

    def state_dict(self) -> dict[str, Tensor]:
        """Tensors that the rule stores between steps."""
        return self.state.state_dict()

    def decision_state(self) -> dict[str, Tensor]:
        """Those tensors of `state_dict` by which the network decides; a saved model has them beside the weights.

        None where the readout decides, and all of them where the rule has a `decision`; a rule that needs only some of
        them to decide says so.
        """
        return {} if self.decision is None else self.state_dict()

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Load the tensors of `state_dict`.

        Raises:
            DamagedError: names, shapes or types differ from those of this rule, or values are not finite; nothing was
                changed.
        """
        fit_tensors(state, self.state.state_dict(), f"rule {self.name!r}: state", least=LEAST)
        self.state.load_state_dict(state)

    def random_source(self) -> torch.Generator:
        """Generator for initial weights of the rule; depends on the seed of the network, but draws other numbers."""
        return torch.Generator().manual_seed(int(self.network.spec.get("seed", 0)) + 7919)

    def step_generator(self, generator: torch.Generator | None) -> torch.Generator:
        """Generator of a step: the given one, or else one that draws the same numbers at each step."""
        return self.random_source() if generator is None else generator

    def register_state(self, parts: Mapping[str, Tensor | nn.Module]) -> None:
        """Add tensors (as buffers) and modules to the state of the rule."""
        for name, part in parts.items():
            if isinstance(part, Tensor):
                self.state.register_buffer(name, part)
            else:
                self.state.add_module(name, part)
        self.move_state()

    def move_state(self) -> None:
        """Move the state of the rule to the device and precision of the network."""
        like = self.network.stimulus_mean
        self.state.to(like)
        self._place = (like.dtype, like.device)


registry: dict[str, type[Rule]] = {}
"""Rules by name; where a name has several classes, the class that was registered first."""
_variants: dict[str, list[type[Rule]]] = {}


def expect_complete(rule: type[Rule]) -> None:
    """Check that a class defines what every rule defines.

    Raises:
        ConfigurationError: it has no name, or does not learn; all of it is listed.
    """
    expect("rule", rule, type, "a subclass of Rule")
    if not issubclass(rule, Rule):
        raise ConfigurationError(f"rule: expected a subclass of Rule, received {shown(rule)}.")
    name = getattr(rule, "name", None)
    problems = []
    if not isinstance(name, str) or not name.strip():
        problems.append(f"rule {rule.__name__}: expected a class attribute `name` with a text, received {shown(name)}.")
    if rule.learn is Rule.learn:
        problems.append(f"rule {rule.__name__}: expected a method `learn` of its own, which writes the gradients.")
    if not dataclasses.is_dataclass(rule.Options):
        problems.append(f"rule {rule.__name__}: expected a dataclass as `Options`, received {shown(rule.Options)}.")
    if problems:
        raise ConfigurationError(problems)


def register(rule: type[Rule]) -> type[Rule]:
    """Class decorator: register a rule by its name. Several classes may share a name, each for other networks.

    Raises:
        ConfigurationError: another class of this name is registered for the same networks.
    """
    expect_complete(rule)
    known = _variants.get(rule.name, [])
    others = [
        other for other in known if not _same_place(other, rule)
    ]  # a class that was defined again replaces itself
    taken = [network.kind for other in others for network in other.networks if network in rule.networks]
    if taken:
        raise ConfigurationError(
            f"rule: {rule.name!r} is registered already for {' and '.join(taken)}; choose another name."
        )
    again = [rule if _same_place(other, rule) else other for other in known]
    _variants[rule.name] = again if rule in again else [*again, rule]
    registry[rule.name] = _variants[rule.name][0]
    return rule


def _same_place(one: type[Rule], other: type[Rule]) -> bool:
    return (one.__module__, one.__qualname__) == (other.__module__, other.__qualname__)


@checked
def find(name: str, network: type[Network] | None = None) -> type[Rule]:
    """The class of a rule, for a class of networks if one is given.

    Raises:
        UnknownNameError: there is no rule of this name.
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


@checked
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
    expect("network", network, Network, "a network of bispike.models")
    return find(name, type(network))(network, **options).attach()


@checked
def defined_for(network: type[Network]) -> list[str]:
    """Names of the rules that are defined for a class of networks."""
    return sorted(name for name in registry if any(_fits(rule, network) for rule in classes_of(name)))


def _fits(rule: type[Rule], network: type[Network]) -> bool:
    """Whether a rule is defined for a class of networks, or for one of its final classes."""
    return issubclass(network, rule.networks) or any(issubclass(one, network) for one in rule.networks)


def not_defined(rule: str, network: type[Network]) -> str:
    """The message that a rule is not defined for a class of networks."""
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
    """Write autograd gradients to `.grad`; earlier gradients are replaced.

    Args:
        value: tensor with a tape: a scalar loss, or any tensor with a `signal`.
        parameters: parameters on the tape.
        signal: dL/d value, of the same shape.
    """
    grads = torch.autograd.grad(value, parameters, signal)
    for parameter, grad in zip(parameters, grads, strict=True):
        # The memory layout is that of the parameter: fused optimizers read both element by element.
        parameter.grad = grad if grad.stride() == parameter.stride() else torch.empty_like(parameter).copy_(grad)
