"""Each check of one step by itself: it passes a sound rule and names what is wrong with a broken one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import pytest
import torch
from torch import Tensor, nn

from bispike import rules
from bispike.errors import ConfigurationError
from bispike.nn import Network
from bispike.rules import StepReport
from bispike.rules.contract import step

STEP = [
    step.owns_its_parameters,
    step.leaves_inputs_unchanged,
    step.reads_memory_maps,
    step.announces_its_gradients,
    step.takes_any_batch,
    step.accepts_shortcuts_or_refuses_them,
    step.refuses_wrong_input,
]


def frozen(after: Callable[..., StepReport | None] | None = None, **members: Any) -> type[rules.Rule]:
    """The sound rule that trains the readout alone, with something done after its step."""

    def learn(self: Any, stimulus: Tensor, labels: Tensor, *, generator: torch.Generator | None) -> StepReport:
        made = rules.Frozen.learn(self, stimulus, labels, generator=generator)
        changed = None if after is None else after(self, stimulus, labels, made)
        return made if changed is None else changed

    return type("Broken", (rules.Frozen,), {"learn": learn, **members})


@pytest.mark.parametrize("check", STEP, ids=lambda check: check.__name__)
def test_a_sound_rule_passes(check: Callable[..., None]) -> None:
    check(frozen(), {})


def fails(check: Callable[..., None], rule: type[rules.Rule], message: str, **options: Any) -> None:
    with pytest.raises(AssertionError, match=message):
        check(rule, options)


# ------------------------------------------------------------------ what a rule owns


def test_ownership() -> None:
    stranger = nn.Parameter(torch.zeros(1))

    def owns_a_stranger(self: Any) -> list[nn.Parameter]:
        return [*rules.Frozen.parameters(self), stranger]

    def owns_more(self: Any) -> list[nn.Parameter]:
        return [*rules.Frozen.parameters(self), self.network.layers[0].up.synapse.weight]

    def owns_less(self: Any) -> list[nn.Parameter]:
        return rules.Frozen.parameters(self)[:1]

    def moves_the_last(self: Any, *rest: Any) -> None:
        with torch.no_grad():
            self.network.stimulus_readout.bias.add_(1e-6)

    fails(step.owns_its_parameters, frozen(parameters=owns_a_stranger), "parameters outside the network and the rule's")
    fails(step.owns_its_parameters, frozen(parameters=owns_more), "layers.0.up.synapse.weight: gradient missing")
    fails(step.owns_its_parameters, frozen(parameters=owns_less), "readout.bias: gradient written")
    fails(step.owns_its_parameters, frozen(moves_the_last), "moved the weights of stimulus_readout.bias")


def test_a_state_of_its_own_may_be_trained() -> None:
    def make(self: Any, network: Network, **options: Any) -> None:
        rules.Frozen.__init__(self, network, **options)
        self.register_state({"map": nn.Linear(2, 2)})

    def owned(self: Any) -> list[nn.Parameter]:
        return [*rules.Frozen.parameters(self), *self.state.parameters()]

    def write(self: Any, *rest: Any) -> None:
        for parameter in self.state.parameters():
            parameter.grad = torch.zeros_like(parameter)

    step.owns_its_parameters(frozen(write, __init__=make, parameters=owned), {})


def test_inputs() -> None:
    def changes_labels(self: Any, stimulus: Tensor, labels: Tensor, made: StepReport) -> None:
        labels.zero_()

    def changes_stimuli(self: Any, stimulus: Tensor, labels: Tensor, made: StepReport) -> None:
        stimulus[-1, -1] += 1

    fails(step.leaves_inputs_unchanged, frozen(changes_labels), "labels were changed")
    fails(step.leaves_inputs_unchanged, frozen(changes_stimuli), "stimuli were changed")


def test_memory_maps() -> None:
    class Counts(rules.Frozen):
        calls: ClassVar[int] = 0

        def learn(self, stimulus: Tensor, labels: Tensor, *, generator: torch.Generator | None) -> StepReport:
            made = super().learn(stimulus, labels, generator=generator)
            Counts.calls += 1
            self.network.readout.bias.grad += Counts.calls
            return made

    fails(step.reads_memory_maps, Counts, "differ between a memory-mapped array and the same values in memory")
    seen: list[bool] = []

    def record(self: Any, stimulus: Tensor, *rest: Any) -> None:
        seen.append(bool(stimulus.numpy().flags.owndata))

    step.reads_memory_maps(frozen(record), {})
    assert len(seen) == 2


# ------------------------------------------------------------------ announcements


def test_announcements() -> None:
    def never(self: Any, parameters: Any) -> None:
        pass

    def only_one(self: Any, parameters: Any) -> None:
        self.on_gradients_ready(list(parameters)[:1])

    def twice(self: Any, parameters: Any) -> None:
        self.on_gradients_ready(list(parameters) * 2)

    check = step.announces_its_gradients
    for broken in (never, only_one, twice):
        fails(check, frozen(gradients_ready=broken), "not every owned parameter is announced once")

    def too_early(self: Any, stimulus: Tensor, labels: Tensor, *, generator: Any) -> StepReport:
        self.gradients_ready(self.parameters())
        return rules.Frozen.learn(self, stimulus, labels, generator=generator)

    fails(check, type("Early", (rules.Frozen,), {"learn": too_early}), "before its gradient was there")

    def changes_afterwards(self: Any, *rest: Any) -> None:
        self.gradients_ready(self.parameters())
        self.network.readout.bias.grad[0] += 1

    fails(check, frozen(changes_afterwards), "changed after it was announced")

    def drops_it(self: Any, *rest: Any) -> None:
        self.gradients_ready(self.parameters())
        self.network.readout.bias.grad = None

    fails(check, frozen(drops_it), "went away after it was announced")


# ------------------------------------------------------------------ batches and networks


def spoils(when: Callable[[Any, Tensor, Tensor], bool]) -> type[rules.Rule]:
    """A rule whose gradient is not finite under a condition."""

    def after(self: Any, stimulus: Tensor, labels: Tensor, made: StepReport) -> None:
        if when(self, stimulus, labels):
            self.network.readout.bias.grad[0] = float("nan")

    return frozen(after)


@pytest.mark.parametrize(
    "when",
    [
        lambda self, x, y: len(x) == 1,
        lambda self, x, y: len(x) == 7,
        lambda self, x, y: len(x) == 32 and len(y.unique()) == 1,
        lambda self, x, y: x.dtype == torch.float64,
        lambda self, x, y: x.dtype == torch.float64 and len(x) == 1 and self.network.layers[0].up.norm is not None,
        lambda self, x, y: x.dtype == torch.float32 and self.network.layers[0].up.norm is None,
        lambda self, x, y: x.dim() == 4,
        lambda self, x, y: self.network.layers[0].pool == 2 and len(x) == 5,
    ],
)
def test_batches(when: Callable[[Any, Tensor, Tensor], bool]) -> None:
    fails(step.takes_any_batch, spoils(when), "a gradient is not finite")


def test_gradients_are_like_their_parameters() -> None:
    def other_precision(self: Any, *rest: Any) -> None:
        bias = self.network.readout.bias
        bias.grad_dtype = None
        bias.grad = bias.grad.double() if bias.dtype == torch.float32 else bias.grad.float()

    def other_layout(self: Any, *rest: Any) -> None:
        weight = self.network.readout.weight
        weight.grad = weight.grad.T.contiguous().T

    def none(self: Any, *rest: Any) -> None:
        self.network.readout.bias.grad = None

    fails(step.takes_any_batch, frozen(other_layout), "lies otherwise in memory than its parameter")
    fails(step.takes_any_batch, frozen(none), "a gradient is missing")
    if hasattr(nn.Parameter(torch.zeros(1)), "grad_dtype"):
        fails(
            step.takes_any_batch, frozen(other_precision), "expected gradients of torch.float32, received torch.float64"
        )


def test_shortcuts() -> None:
    check = step.accepts_shortcuts_or_refuses_them
    fails(check, spoils(lambda self, x, y: bool(self.network.shortcuts)), "a gradient is not finite")
    check(frozen(needs_chain=True), {})
    silent: Any = classmethod(lambda cls, network: [])
    fails(check, frozen(needs_chain=True, mismatch=silent), "no error that names the rule for a network with shortcuts")
    vague: Any = classmethod(lambda cls, network: ["it does not fit"])
    fails(check, frozen(needs_chain=True, mismatch=vague), "no error that names the rule")


def test_wrong_input() -> None:
    def trusting(error: Callable[[Tensor, Tensor], bool], **members: Any) -> type[rules.Rule]:
        """A rule that returns without a word where this is wrong with its input."""

        def compute(self: Any, stimulus: Tensor, labels: Tensor, *, generator: Any = None) -> Any:
            if error(stimulus, labels):
                return None
            return rules.Frozen.compute_gradients(self, stimulus, labels, generator=generator)

        return type("Trusting", (rules.Frozen,), {"compute_gradients": compute, **members})

    check = step.refuses_wrong_input
    fails(check, trusting(lambda x, y: x.shape[1] != 12), r"no error for \[96, 5\] with labels \[0, 1, 2, 0\]")
    fails(check, trusting(lambda x, y: len(x) != len(y)), r"no error for \[96, 12\] with labels \[0, 1, 2, 0\]")
    fails(check, trusting(lambda x, y: bool(len(y)) and int(y.max()) > 2), r"\[96, 12\] with labels \[1, 2, 3, 1\]")
    fails(check, trusting(lambda x, y: len(x) == 0), r"no error for \[0, 12\] with labels \[\]")
    fails(check, trusting(lambda x, y: bool(x.isnan().any())), "what is wrong with a stimulus that holds nan")
    fails(check, trusting(lambda x, y: bool(x.isinf().any())), "what is wrong with a stimulus that holds inf")

    def vague(self: Any, stimulus: Tensor, labels: Tensor, *, generator: Any = None) -> Any:
        if not torch.isfinite(stimulus).all():
            raise ConfigurationError("something is wrong")
        return rules.Frozen.compute_gradients(self, stimulus, labels, generator=generator)

    fails(check, type("Vague", (rules.Frozen,), {"compute_gradients": vague}), "no error that says what is wrong")

    def anything(self: Any, network: Network, **options: Any) -> None:
        rules.Frozen.__init__(self, network)

    fails(check, frozen(__init__=anything), "no error for an unknown option")
