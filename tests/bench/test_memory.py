"""The memory meter: known allocations give known peaks, and torch's own account of its allocator agrees to the byte."""

import sys

import pytest
import torch
from torch import Tensor, nn
from torch.profiler import ProfilerActivity, profile

from bispike import models, rules
from bispike.bench import network_tensors, peak_step_bytes, saved_bytes
from bispike.bench.resident import resident_step_bytes


def test_peak_of_known_allocations() -> None:
    batch = torch.ones(1000)

    def step() -> None:
        first = batch + 1  # 4000 bytes
        second = first * 2  # 4000 more
        del first
        third = torch.cat([second, second])  # 8000 beside 4000
        del second, third
        torch.zeros(100)

    assert peak_step_bytes(step, [], [batch]) == 12000


def test_gradients_are_left_out() -> None:
    weight = nn.Parameter(torch.ones(1000))

    def step() -> None:
        weight.grad = torch.zeros(1000)
        torch.zeros(10)

    assert peak_step_bytes(step, [weight]) == 40


def allocator_peak(step: object) -> int:
    """Largest sum of what the allocator handed out and took back during `step()`, by torch's profiler."""
    assert callable(step)
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler:
        step()
    events = [e for e in profiler.profiler.kineto_results.events() if e.name() == "[memory]"]
    sums, total = [0], 0
    for event in sorted(events, key=lambda e: e.start_ns()):
        total += event.nbytes()
        sums.append(total)
    return max(sums)


def test_meter_agrees_with_the_allocator() -> None:
    weight = torch.ones(300, 200)
    source = torch.ones(50, 300)

    def step() -> Tensor:
        drive = source @ weight
        spikes = (drive.exp() > 1).float()
        return torch.cat([spikes, drive]).sum(0)

    assert peak_step_bytes(step, [], [weight, source]) == pytest.approx(allocator_peak(step), abs=64)


def test_saved_for_backward_counts_what_autograd_keeps_at_once() -> None:
    weight = nn.Parameter(torch.ones(1000))

    def step() -> None:
        for _ in range(3):  # one graph after the other: never more than one is kept
            value = weight.exp()  # keeps its result, 4000 bytes
            (value * value).sum().backward()  # keeps the same storage again
            del value

    assert saved_bytes(step, [weight]) == 4000
    assert saved_bytes(torch.no_grad()(lambda: weight.exp()), [weight]) == 0


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the peak of a process can be reset on Linux only")
def test_resident_memory_sees_what_was_written_and_freed() -> None:
    size = 96 * 2**20

    def step() -> None:
        block = torch.ones(size // 4)
        del block

    step()
    measured = resident_step_bytes(step, torch.device("cpu"))
    assert measured is None or measured == pytest.approx(size, rel=0.1)


def test_bsd_holds_less_than_half_of_bptt_and_does_not_grow_with_depth() -> None:
    stimulus, labels = torch.rand(64, 40), torch.arange(64) % 10

    def peak(name: str, depth: int) -> int:
        net = models.mlp(40, [128] * depth, 10, time_steps=8)
        rule = rules.create(name, net)
        return peak_step_bytes(
            lambda: rule.compute_gradients(stimulus, labels), rule.parameters(), network_tensors(net)
        )

    assert peak("bsd", 4) < 0.5 * peak("bptt", 4)
    top_down = 12 * (8 * 10 * 128 + 4 * 4 * 10 * 128)
    assert peak("bsd", 16) - peak("bsd", 4) <= top_down
    assert peak("bptt", 16) > 3 * peak("bptt", 4)
