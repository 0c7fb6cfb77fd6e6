"""The memory meter: known allocations give known peaks; gradients and earlier tensors do not count."""

import torch
from torch import nn

from bispike import models, rules
from bispike.bench import compare_steps, network_tensors, peak_step_bytes


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


def test_bsd_holds_less_than_half_of_bptt_and_does_not_grow_with_depth() -> None:
    stimulus, labels = torch.rand(64, 40), torch.arange(64) % 10

    def peak(name: str, depth: int) -> int:
        net = models.mlp(40, [128] * depth, 10, steps=8)
        rule = rules.create(name, net)
        return peak_step_bytes(lambda: rule.step(stimulus, labels), rule.parameters(), network_tensors(net))

    assert peak("bsd", 4) < 0.5 * peak("bptt", 4)
    top_down = 12 * (8 * 10 * 128 + 4 * 4 * 10 * 128)
    assert peak("bsd", 16) - peak("bsd", 4) <= top_down
    assert peak("bptt", 16) > 3 * peak("bptt", 4)


def test_table_of_steps_has_the_published_keys() -> None:
    rows = compare_steps(steps=(2,), widths=(16,), norms=(False,), batch_size=4, repeats=2, warmup=1)
    assert [row["rule"] for row in rows] == ["bsd", "bptt"]
    assert {"case", "rule", "library", "step_ms", "peak_memory_mb", "ratio_time", "ratio_memory"} <= rows[0].keys()
    assert rows[1]["ratio_time"] == 1
