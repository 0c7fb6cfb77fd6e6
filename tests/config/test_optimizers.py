"""Optimizers by name over two groups; schedules as functions of the step."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from bispike.config import optimizers, schedules
from bispike.errors import ConfigurationError, UnknownNameError


def parameters(count: int) -> list[nn.Parameter]:
    return [nn.Parameter(torch.ones(2, 2)) for _ in range(count)]


@pytest.mark.parametrize("name", sorted(optimizers.OPTIMIZERS))
def test_every_optimizer_moves_both_groups_by_their_own_rate(name: str) -> None:
    up, down = parameters(2)
    groups = optimizers.parameter_groups([up, down], [up], [down], lr=0.1, top_down_lr=0.0)
    optimizer = optimizers.build(name.upper(), groups)
    up.grad = down.grad = torch.ones(2, 2)
    for _ in range(2):
        optimizer.step()
    assert not torch.equal(up, torch.ones(2, 2))
    if name not in ("rprop", "asgd"):  # whose steps do not scale with the rate
        assert torch.equal(down, torch.ones(2, 2))


def test_only_trained_parameters_are_given_and_strangers_go_with_the_bottom_up_ones() -> None:
    up, down, stranger, untrained = parameters(4)
    groups = optimizers.parameter_groups([down, stranger, up], [up, untrained], [down], lr=0.5, top_down_lr=0.25)
    assert [len(group["params"]) for group in groups] == [2, 1]
    assert groups[0]["params"][0] is stranger
    assert groups[1]["params"][0] is down
    assert [group["base_lr"] for group in groups] == [0.5, 0.25]
    assert optimizers.parameter_groups([up], [up], [down], lr=0.5) == [{"params": [up], "base_lr": 0.5}]
    with pytest.raises(ConfigurationError, match="nothing to fit"):
        optimizers.parameter_groups([], [up], [down], lr=0.5)


def test_the_fused_kernel_is_used_where_there_is_one() -> None:
    groups = [{"params": parameters(1), "base_lr": 0.1}]
    assert optimizers.build("adam", groups).param_groups[0]["fused"]
    assert optimizers.build("rmsprop", groups).param_groups[0]["lr"] == 0.1


def test_options_and_decay_reach_the_optimizer_and_wrong_ones_are_named() -> None:
    groups = [{"params": parameters(1), "base_lr": 0.1}]
    built = optimizers.build("adamw", groups, weight_decay=0.3, options={"betas": [0.5, 0.6]})
    assert built.param_groups[0]["betas"] == (0.5, 0.6)
    assert built.param_groups[0]["weight_decay"] == 0.3
    with pytest.raises(ConfigurationError, match="beta"):
        optimizers.build("adam", groups, options={"betas": [2.0, 0.9]})
    with pytest.raises(ConfigurationError, match="no weight decay"):
        optimizers.build("rprop", groups, weight_decay=0.1)
    with pytest.raises(UnknownNameError, match="did you mean 'adamw'"):
        optimizers.build("adamww", groups)


@given(st.sampled_from(sorted(schedules.SCHEDULES)), st.integers(1, 200), st.integers(0, 50))
def test_a_schedule_rises_over_the_warm_up_and_never_after(name: str, total: int, warmup: int) -> None:
    factors = [schedules.schedule_factor(name, step, total, warmup_steps=warmup) for step in range(total)]
    assert all(0 < factor <= 1 for factor in factors)
    rising, falling = factors[:warmup], factors[warmup:]
    assert rising == sorted(rising)
    assert falling == sorted(falling, reverse=True)
    if falling:
        assert falling[0] == 1


def test_schedules_at_known_points() -> None:
    assert schedules.schedule_factor("cosine", 50, 100) == pytest.approx(0.5)
    assert schedules.schedule_factor("cosine", 25, 100) == pytest.approx((1 + math.sqrt(0.5)) / 2)
    assert schedules.schedule_factor("linear", 75, 100) == pytest.approx(0.25)
    assert [schedules.schedule_factor("step", step, 8) for step in (3, 4, 5, 6)] == [1, 0.1, 0.1, 0.01]
    assert schedules.schedule_factor("constant", 99, 100) == 1
    with pytest.raises(UnknownNameError):
        schedules.schedule_factor("cosin", 0, 1)


def test_the_factor_scales_each_groups_own_rate() -> None:
    up, down = parameters(2)
    optimizer = optimizers.build("sgd", optimizers.parameter_groups([up, down], [up], [down], lr=0.5, top_down_lr=0.25))
    optimizers.set_learning_rate(optimizer, 0.5)
    optimizers.set_learning_rate(optimizer, 0.5)
    assert [group["lr"] for group in optimizer.param_groups] == [0.25, 0.125]
