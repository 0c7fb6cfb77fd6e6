"""The checks of reports and of trainings by themselves, and the problems that the contract is checked on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import pytest
import torch
from torch import Tensor

from bispike import rules
from bispike.nn import Network
from bispike.rules import RuleOptions, StepReport
from bispike.rules.contract import problems, report, training

from .test_contract_checks import STEP, fails, frozen

REPORT = [report.reports_what_it_did, report.draws_from_its_generator]
TRAINING = [
    training.saves_its_state,
    training.replaces_gradients,
    training.allows_updates_during_the_pass,
    training.repeats_itself,
    training.resumes_exactly,
    training.learns,
]


@pytest.mark.parametrize("check", [*REPORT, *TRAINING], ids=lambda check: check.__name__)
def test_a_sound_rule_passes(check: Callable[..., None]) -> None:
    check(frozen(), {})


# ------------------------------------------------------------------ reports


def reporting(**changes: Callable[[Any, StepReport], Any]) -> type[rules.Rule]:
    def after(self: Any, stimulus: Tensor, labels: Tensor, made: StepReport) -> StepReport:
        parts: dict[str, Any] = {
            "loss": made.loss,
            "correct": made.correct,
            "layer_losses": made.layer_losses,
            "spike_rate": made.spike_rate,
        }
        return StepReport(**{**parts, **{name: change(self, made) for name, change in changes.items()}})

    return frozen(after)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"loss": lambda self, made: float(made.loss)}, "loss: expected a tensor, received float"),
        ({"loss": lambda self, made: made.loss[None]}, r"loss: expected a scalar, received \[1\]"),
        ({"loss": lambda self, made: made.loss * float("nan")}, "loss is not finite"),
        ({"loss": lambda self, made: made.loss + 0 * self.network.readout.bias.sum()}, "loss carries a tape"),
        ({"correct": lambda self, made: made.correct * 0 - 1}, "correct: expected 0 to 31 samples, received -1"),
        ({"correct": lambda self, made: made.correct * 0 + 32}, "correct: expected 0 to 31 samples, received 32"),
        ({"correct": lambda self, made: (made.correct + 1).clamp(max=31) - 2}, "correct: expected .* received"),
        ({"spike_rate": lambda self, made: [*made.spike_rate, made.spike_rate[0]]}, "expected one per layer, received"),
        (
            {"spike_rate": lambda self, made: [made.spike_rate[0] * 0 + 1.5, made.spike_rate[1]]},
            "a share in",
        ),
        (
            {"spike_rate": lambda self, made: [made.spike_rate[0], made.spike_rate[1] * 0 - 0.1]},
            "a share in",
        ),
        (
            {"spike_rate": lambda self, made: [made.spike_rate[0], made.spike_rate[1] + 1e-3]},
            "rate of layer2: exp",
        ),
        (
            {"spike_rate": lambda self, made: [made.spike_rate[0], float(made.spike_rate[1])]},
            "expected a tensor",
        ),
        (
            {"layer_losses": lambda self, made: {"readout": made.loss}},
            r"received \['readout'\]",
        ),
        ({"layer_losses": lambda self, made: {"layer1": made.loss * float("inf")}}, "layer1 is not finite"),
    ],
)
def test_reports(changes: dict[str, Any], message: str) -> None:
    fails(report.reports_what_it_did, reporting(**changes), message)


def test_reports_of_layers_and_recall_are_allowed() -> None:
    report.reports_what_it_did(
        reporting(layer_losses=lambda self, made: {"layer1": made.loss, "recall": made.loss}), {}
    )


@pytest.mark.parametrize(
    ("change", "network"),
    [
        ("norm", lambda self: self.network.layers[0].up.norm is not None),
        ("maps", lambda self: len(self.network.layers) == 3),
    ],
)
def test_reports_are_checked_on_each_network(change: str, network: Callable[[Any], bool]) -> None:
    broken = reporting(correct=lambda self, made: made.correct + 1 if network(self) else made.correct)
    fails(report.reports_what_it_did, broken, "correct: expected")


def test_gradients_without_a_tape() -> None:
    def with_tape(self: Any, *rest: Any) -> None:
        readout = self.network.readout
        with torch.enable_grad():
            taped = readout.bias.grad + 0 * readout.bias
        readout.bias.grad = taped

    def missing(self: Any, *rest: Any) -> None:
        self.network.readout.bias.grad = None

    fails(report.reports_what_it_did, frozen(with_tape), "a gradient carries a tape")
    fails(report.reports_what_it_did, frozen(missing), "a gradient is missing")


def test_generators() -> None:
    check = report.draws_from_its_generator

    def global_draw(self: Any, *rest: Any) -> None:
        torch.rand(1)

    fails(check, frozen(global_draw), "drew from torch's global generator")
    calls = [0]

    def differs(self: Any, *rest: Any) -> None:
        calls[0] += 1
        self.network.readout.bias.grad += calls[0]

    fails(check, frozen(differs), "two steps with the same seed differ")

    class DrawsMore(rules.Frozen):
        calls: ClassVar[int] = 0

        def learn(self, stimulus: Tensor, labels: Tensor, *, generator: torch.Generator | None) -> StepReport:
            made = super().learn(stimulus, labels, generator=generator)
            DrawsMore.calls += 1
            torch.rand(DrawsMore.calls * 1000, generator=generator)
            return made

    fails(check, DrawsMore, "leave different generators")

    class FixedSeed(rules.Frozen):
        def learn(self, stimulus: Tensor, labels: Tensor, *, generator: torch.Generator | None) -> StepReport:
            return super().learn(stimulus, labels, generator=torch.Generator().manual_seed(1))

    fails(check, FixedSeed, "the code of the stimulus does not come from the generator")


# ------------------------------------------------------------------ several steps


class Remembers(rules.Frozen):
    """Scales its gradient by the number of its steps, which it keeps in its state."""

    def __init__(self, network: Network, **options: Any) -> None:
        super().__init__(network, **options)
        self.register_state({"steps": torch.zeros(())})

    def learn(self, stimulus: Tensor, labels: Tensor, *, generator: torch.Generator | None) -> StepReport:
        made = super().learn(stimulus, labels, generator=generator)
        self.state.get_buffer("steps").add_(1)
        self.network.readout.bias.grad *= self.state.get_buffer("steps")
        return made


@pytest.mark.parametrize("check", [*STEP, *REPORT, *TRAINING], ids=lambda check: check.__name__)
def test_a_rule_that_remembers_passes(check: Callable[..., None]) -> None:
    check(Remembers, {})


def test_states() -> None:
    class Forgets(Remembers):
        def load_state_dict(self, state: dict[str, Tensor]) -> None:
            if "no such tensor" in state:
                super().load_state_dict(state)

    class TakesAnything(Remembers):
        def load_state_dict(self, state: dict[str, Tensor]) -> None:
            self.state.load_state_dict(state, strict=False)

    fails(training.saves_its_state, Forgets, "the state differs after it was written and read")
    fails(training.saves_its_state, TakesAnything, "no error for a state with a tensor that is not the rule's")
    fails(training.replaces_gradients, Forgets, "gradients accumulate over steps")
    fails(training.resumes_exactly, Forgets, "training after a reload differs")


def test_sums_over_steps() -> None:
    class Adds(rules.Frozen):
        def learn(self, stimulus: Tensor, labels: Tensor, *, generator: torch.Generator | None) -> StepReport:
            bias = self.network.readout.bias
            before = None if bias.grad is None else bias.grad.clone()
            made = super().learn(stimulus, labels, generator=generator)
            if before is not None:
                bias.grad = bias.grad + before
            return made

    fails(training.replaces_gradients, Adds, "gradients accumulate over steps")

    class Drops(rules.Frozen):
        calls = 0

        def learn(self, stimulus: Tensor, labels: Tensor, *, generator: torch.Generator | None) -> StepReport:
            made = super().learn(stimulus, labels, generator=generator)
            self.calls += 1
            if self.calls > 1:
                self.network.readout.bias.grad = None
            return made

    fails(training.replaces_gradients, Drops, "the set of gradients changed between steps")


def test_updates_while_a_step_runs() -> None:
    def reads_on(self: Any, *rest: Any) -> None:
        readout = self.network.readout
        self.gradients_ready([readout.weight])
        readout.bias.grad = readout.bias.grad + readout.weight.detach().sum(1)

    fails(training.allows_updates_during_the_pass, frozen(reads_on), "reads a weight, or writes its gradient, after")


def test_repetition() -> None:
    calls = [0]

    def drifts(self: Any, *rest: Any) -> None:
        calls[0] += 1
        self.network.readout.bias.grad += calls[0]

    fails(training.repeats_itself, frozen(drifts), "two runs from the same seed differ")

    def only_in_the_tenth(self: Any, *rest: Any) -> None:
        calls[0] += 1
        if calls[0] == 20:
            self.network.readout.bias.grad += 1

    calls[0] = 0
    fails(training.repeats_itself, frozen(only_in_the_tenth), "two runs from the same seed differ")


def test_learning() -> None:
    def nothing(self: Any, *rest: Any) -> None:
        for parameter in self.parameters():
            parameter.grad = torch.zeros_like(parameter)

    with pytest.raises(AssertionError, match=r"expected at least 0.9 on a separable problem, reached 0\.\d\d"):
        training.learns(frozen(nothing), {})


@dataclass(frozen=True)
class Options(RuleOptions):
    scale: float = 1.0


@pytest.mark.parametrize("check", [*STEP, *REPORT, *TRAINING], ids=lambda check: check.__name__)
def test_options_reach_the_rule(check: Callable[..., None]) -> None:
    seen: list[float] = []

    def make(self: Any, network: Network, **options: Any) -> None:
        rules.Frozen.__init__(self, network, **options)
        seen.append(self.settings.scale)

    check(frozen(__init__=make, Options=Options), {"scale": 1.25})
    assert seen
    assert set(seen) <= {1.25, 1.0}
    assert 1.25 in seen


# ------------------------------------------------------------------ what the checks run on


def test_the_toy_problem_is_separable_and_its_networks_are_small() -> None:
    stimuli, labels = problems.toy_problem()
    assert stimuli.shape == (96, 12)
    assert labels.tolist() == [0, 1, 2] * 32
    centres = torch.stack([stimuli[labels == c].mean(0) for c in range(3)])
    assert torch.equal(torch.cdist(stimuli, centres).argmin(1), labels)
    within = torch.stack([(stimuli[labels == c] - centres[c]).std() for c in range(3)])
    assert float((within - 0.15).abs().max()) < 0.02
    assert torch.equal(problems.toy_problem()[0], stimuli)
    assert not torch.equal(problems.toy_problem(seed=1)[0], stimuli)
    assert problems.toy_problem(31)[0].shape == (31, 12)
    net = problems.network_of(torch.float64, norm=False)
    assert net.stimulus_mean.dtype == torch.float64
    assert [layer.feature_shape for layer in net.layers] == [(32,), (24,)]
    assert all(layer.up.norm is None for layer in net.layers)
    maps = problems.conv_network()
    assert [(layer.feature_shape, layer.pool) for layer in maps.layers] == [((4, 8, 8), 2), ((6, 4, 4), 1), ((10,), 1)]


def test_a_training_goes_through_the_problem_in_order_with_the_rules_optimizer() -> None:
    seen: list[Sequence[int]] = []
    stimuli, labels = problems.toy_problem()

    def record(self: Any, batch: Tensor, given: Tensor, made: StepReport) -> None:
        seen.append([int((stimuli == row).all(1).nonzero()) for row in batch])
        assert torch.equal(labels[seen[-1]], given)

    net = problems.network_of()
    problems.train(net, frozen(record)(net), 5)
    assert seen == [list(range(24 * k % 96, 24 * k % 96 + 24)) for k in range(5)]
    for advised, expected in (
        ({}, (torch.optim.Adam, 0.01, {})),
        ({"lr": 0.5}, (torch.optim.Adam, 0.01, {})),
        ({"optimizer": "sgd"}, (torch.optim.SGD, 0.01, {})),
        (
            {"optimizer": "sgd", "lr": 0.3, "optimizer_options": {"momentum": 0.8}},
            (torch.optim.SGD, 0.3, {"momentum": 0.8}),
        ),
    ):
        rule = frozen(recommended=advised)(problems.network_of())
        optimizer = problems._optimizer(rule, 0.01)
        kind, rate, options = expected
        assert type(optimizer) is kind
        assert optimizer.param_groups[0]["lr"] == rate
        assert all(optimizer.param_groups[0][name] == value for name, value in options.items())
        assert [id(p) for p in optimizer.param_groups[0]["params"]] == [id(p) for p in rule.parameters()]


def test_weights_are_copied_and_compared_bit_for_bit() -> None:
    net: Any = problems.network_of()
    before = problems.weights_of(net)
    assert problems.are_equal(before, problems.weights_of(net))
    with torch.no_grad():
        net.readout.bias[0] += 1e-7
    assert not problems.are_equal(before, problems.weights_of(net))
    assert not problems.are_equal(before, {name: value for name, value in before.items() if name != "readout.bias"})
    assert float(before["readout.bias"][0]) == 0


@pytest.mark.parametrize("check", [*STEP, *REPORT, *TRAINING], ids=lambda check: check.__name__)
def test_checks_draw_from_generators_of_their_own(check: Callable[..., None]) -> None:
    before = torch.get_rng_state()
    check(frozen(), {})
    assert torch.equal(torch.get_rng_state(), before)
