"""The protocol of a learning rule and the registry of rules.

A rule sees a batch and writes `.grad` of the parameters that it owns; any `torch.optim` optimizer does the rest. As
soon as gradients are final the rule says so (`written`), so that they can be summed over processes or applied while
the pass goes on. A new rule is one file with a subclass of `Rule`, decorated with `@register`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from ..errors import ConfigurationError, ShapeError, UnknownNameError, unknown_name
from ..nn import Network
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

    Subclasses set `name`, `summary` (one line), `activity` (what the network's layers emit under this rule),
    `needs_chain` (if it is not defined for networks with shortcuts), `reconstructs` and `sequences` (if it is defined
    for autoencoders, and for recurrent networks), `Options` (a frozen dataclass) and, where the defaults of a training
    do not suit the rule, `recommended` (settings of `TrainConfig` by name). They implement `learn`, and `parameters` if
    they train more or less than the bottom-up pathway. What `keep` is given is the rule's own, such as fixed feedback:
    it is saved with a training, and moved by the optimizer if `parameters` names it.

    Args:
        network: the network to train.
        **options: fields of `Options`.

    Attributes:
        on_gradients_ready: is called during `step` with parameters whose gradients are final, each once
            per step. It may change their values and drop their gradients.

    Raises:
        ConfigurationError: unknown or wrong options, listed together.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    activity: ClassVar[str] = "spikes"
    needs_chain: ClassVar[bool] = False
    trains_top_down: ClassVar[bool] = False
    reconstructs: ClassVar[bool] = False
    sequences: ClassVar[bool] = False
    Options: ClassVar[type] = RuleOptions
    recommended: ClassVar[dict[str, Any]] = {}

    def __init__(self, network: Network, **options: Any) -> None:
        known = self.defaults()
        problems = [unknown_name(f"option of rule {self.name!r}:", key, known) for key in options if key not in known]
        if self.needs_chain and network.shortcuts:
            problems.append(_no_chain(self.name, network.shortcuts))
        if network.latent and not self.reconstructs:
            problems.append(_no_reconstruction(self.name))
        if network.recurrent and not self.sequences:
            problems.append(_no_sequences(self.name))
        if problems:
            raise ConfigurationError(problems)
        self.settings = self.Options(**options)
        self.network = network
        network.activity, network.decision = self.activity, None
        if isinstance(self.settings, RateOptions):
            network.activation = self.settings.activation
        self.own = nn.Module()
        self.on_gradients_ready: Callable[[Sequence[nn.Parameter]], None] | None = None
        self._announced: set[int] = set()

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
        """The rule itself; `step` has checked the arguments."""
        raise NotImplementedError

    def step(self, stimulus: Tensor, labels: Tensor, *, generator: torch.Generator | None = None) -> StepReport:
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
        self.network.check_stimulus(stimulus)
        self.network.check_labels(labels)
        if labels.shape[0] != stimulus.shape[0] or labels.shape[0] == 0:
            raise ShapeError(
                f"step: expected as many labels as stimuli, at least one; received {list(stimulus.shape)} "
                f"and {list(labels.shape)}."
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

        A rule calls it layer by layer; `step` calls it at its end for what is left.
        """
        if self.on_gradients_ready is None:
            return
        fresh = [parameter for parameter in parameters if id(parameter) not in self._announced]
        self._announced.update(id(parameter) for parameter in fresh)
        if fresh:
            self.on_gradients_ready(fresh)

    def state_dict(self) -> dict[str, Tensor]:
        """Tensors that the rule itself remembers between steps."""
        return self.own.state_dict()

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Take back what `state_dict` returned.

        Raises:
            ConfigurationError: other names or shapes than this rule keeps.
        """
        kept = {name: list(value.shape) for name, value in self.own.state_dict().items()}
        received = {name: list(value.shape) for name, value in state.items()}
        if kept != received:
            raise ConfigurationError(
                f"rule {self.name!r}: expected the state {kept or 'of no tensors'}, received {received or 'none'}; "
                "it belongs to another rule, network or version."
            )
        self.own.load_state_dict(state)

    def random_source(self) -> torch.Generator:
        """Generator for the rule's own first weights: follows the network's seed, but draws other numbers."""
        return torch.Generator().manual_seed(int(self.network.spec.get("seed", 0)) + 7919)

    def draws(self, generator: torch.Generator | None) -> torch.Generator:
        """What a step draws from: the generator that it was given, or else the same numbers at each step."""
        return self.random_source() if generator is None else generator

    def keep(self, parts: Mapping[str, Tensor | nn.Module]) -> None:
        """Make tensors (as buffers) and modules the rule's own."""
        for name, part in parts.items():
            if isinstance(part, Tensor):
                self.own.register_buffer(name, part)
            else:
                self.own.add_module(name, part)
        self.settle()

    def settle(self) -> None:
        """Bring what is the rule's own to the network's device and precision."""
        self.own.to(self.network.stimulus_mean)


registry: dict[str, type[Rule]] = {}


def _no_chain(rule: str, shortcuts: Sequence[str]) -> str:
    fitting = ", ".join(sorted(name for name, other in registry.items() if not other.needs_chain))
    return (
        f"rule {rule!r}: expected a chain of layers, received a network with shortcuts (to {', '.join(shortcuts)}), "
        f"for which the rule is not defined. Take a model without shortcuts (mlp, cnn) or one of the rules {fitting}."
    )


def _no_reconstruction(rule: str) -> str:
    fitting = ", ".join(sorted(name for name, other in registry.items() if other.reconstructs))
    return (
        f"rule {rule!r}: expected a network that tells classes apart, received an autoencoder, for which the rule is "
        f"not defined. Take one of the rules {fitting}."
    )


def _no_sequences(rule: str) -> str:
    fitting = ", ".join(sorted(name for name, other in registry.items() if other.sequences))
    return (
        f"rule {rule!r}: expected a network for single stimuli, received a recurrent one, for which the rule is not "
        f"defined. Take one of the rules {fitting}."
    )


def register(rule: type[Rule]) -> type[Rule]:
    """Class decorator: make a rule known by its name."""
    registry[rule.name] = rule
    return rule


def create(name: str, network: Network, **options: Any) -> Rule:
    """Rule by name.

    Raises:
        UnknownNameError: no such rule.
        ConfigurationError: unknown or wrong options.
    """
    if name not in registry:
        raise UnknownNameError("rule", name, registry)
    return registry[name](network, **options)


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
