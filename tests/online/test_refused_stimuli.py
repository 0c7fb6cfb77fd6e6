"""A stimulus that is refused is never learned: every tensor of the learner is what it was before, bit for bit."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from bispike import models
from bispike.errors import ConfigurationError, DivergenceError, ShapeError, UserError
from bispike.online import Learner
from tests.online.conftest import KNOWN, NAMES, WIDTH, clouds, consolidated, small, trained

NOT_FINITE = [math.nan, math.inf, -math.inf]
PHASES = ["layers learn", "consolidated", "metric fixed"]


def learner_in(phase: str, **options: object) -> Learner:
    """A learner that has learned a little in this phase, so that none of its state is empty."""
    stimuli, labels = clouds(24, seed=1, classes=KNOWN)
    if phase == "layers learn":
        learner = Learner(small(**options), rule_options={"prior": "running"})
        learner.run(zip(stimuli.split(4), labels.split(4), strict=True))
        return learner
    learner = consolidated(trained(**options))
    if phase == "metric fixed":
        learner.add_class("emu")
        learner.run([(stimuli[0] + 3, "emu"), (stimuli[1] + 3, "emu")])
    return learner


def state(learner: Learner) -> dict[str, Tensor]:
    """Every tensor that a later decision or update depends on."""
    found = {f"network.{name}": value for name, value in learner.network.state_dict().items()}
    if learner.memory is not None:
        found |= {f"memory.{name}": value for name, value in learner.memory.state_dict().items()}
    if learner.layer_trainer is not None:
        trainer = learner.layer_trainer
        found |= {f"rule.{name}": value for name, value in trainer.rule.state_dict().items()}
        for place, (_, moments) in enumerate(trainer.optimizer.state.items()):
            found |= {f"optimizer.{place}.{name}": torch.as_tensor(value) for name, value in moments.items()}
    found["taught"] = torch.tensor(learner.taught)
    return {name: value.clone() for name, value in found.items()}


def assert_unchanged(learner: Learner, before: dict[str, Tensor]) -> None:
    after = state(learner)
    assert after.keys() == before.keys()
    for name, value in before.items():
        assert torch.equal(value, after[name]), name


@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("value", NOT_FINITE)
def test_a_stimulus_that_is_not_finite_is_refused_when_it_is_observed(phase: str, value: float) -> None:
    learner = learner_in(phase)
    before = state(learner)
    stimuli, labels = clouds(3, seed=5, classes=KNOWN)
    learner.observe(stimuli)  # must not be taught in place of the refused one
    stimuli[1, 4] = value
    with pytest.raises(ConfigurationError, match="NaN or infinity in 1 of 3 samples"):
        learner.observe(stimuli)
    with pytest.raises(UserError, match="call `observe` first"):
        learner.teach(labels)
    with pytest.raises(ConfigurationError, match="NaN or infinity"):
        learner.run(zip(stimuli[1:], labels[1:], strict=True))
    assert_unchanged(learner, before)


@pytest.mark.parametrize("value", [1e25, 1e37])
def test_values_whose_squares_overflow_change_neither_weights_nor_norm_statistics(value: float) -> None:
    learner = learner_in("layers learn")
    before = state(learner)
    stimuli, labels = clouds(2, seed=5, classes=KNOWN)
    learner.observe(stimuli * value)
    with pytest.raises(DivergenceError, match="were left as they are"):
        learner.teach(labels)
    assert_unchanged(learner, before)
    learner.observe(stimuli)  # and it goes on
    learner.teach(labels)
    assert all(bool(torch.isfinite(value).all()) for value in learner.network.state_dict().values())


@pytest.mark.parametrize("phase", PHASES[1:])
def test_templates_of_a_feature_that_is_not_finite_stay(phase: str) -> None:
    """The stimulus is finite, the features are not: the weights of a frozen layer are damaged."""
    learner = learner_in(phase)
    stimuli, labels = clouds(2, seed=5, classes=KNOWN)
    with torch.no_grad():
        learner.network.layers[-1].up.synapse.weight[0].fill_(1e30)
    before = state(learner)
    learner.observe(stimuli)
    with pytest.raises(DivergenceError, match="templates were left"):
        learner.teach(labels)
    assert_unchanged(learner, before)


def test_a_value_that_overflows_in_the_precision_of_the_network_is_not_finite() -> None:
    learner = Learner(small())
    with pytest.raises(ConfigurationError, match="NaN or infinity"):
        learner.observe(torch.full((1, WIDTH), 1e300, dtype=torch.float64))


def test_nothing_is_observed_in_an_empty_batch() -> None:
    with pytest.raises(ShapeError, match="at least one"):
        Learner(small()).observe(torch.zeros(0, WIDTH))


def test_a_refused_name_leaves_the_templates_alone() -> None:
    learner = learner_in("consolidated")
    before = state(learner)
    for name in ("", NAMES[0], " "):
        with pytest.raises(ConfigurationError, match="add_class"):
            learner.add_class(name)
    assert_unchanged(learner, before)


def test_a_refused_rule_is_not_attached() -> None:
    network = models.mlp(4, [3], 2)
    with pytest.raises(ConfigurationError, match="expected 'bsd'"):
        Learner(network, rule="forward-forward")
    assert network.decision is None
    assert network.attached_rule() is None


@pytest.mark.parametrize("value", NOT_FINITE)
def test_the_network_refuses_to_perceive_what_is_not_finite(value: float) -> None:
    network = small()
    stimuli, _ = clouds(4, seed=0)
    stimuli[2, 0] = value
    for call in (network.perceive, network.logits, network.observe, network):
        with pytest.raises(ConfigurationError, match="1 of 4 samples"):
            call(stimuli)
