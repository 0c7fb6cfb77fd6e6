"""The fused meeting of the pathways, in float32, against the step-by-step one in float64 on the same network."""

import copy
from typing import Any

import pytest
import torch

from bispike import models
from bispike.functional.backends import native
from bispike.nn import Network, passes
from bispike.rules import BPTT, BSD

pytestmark = pytest.mark.skipif(native.library() is None, reason=f"no compiled kernels: {native.reason()}")

OPTIONS: list[dict[str, Any]] = [
    {},
    {"centre": "none"},
    {"centre": "batch", "slope": "unrolled"},
    {"centre": "batch", "contrast": "batch", "reduction": "sum"},
    {"loss": "infonce", "reduction": "mean"},
    {"feature": "drive"},
    {"template": "drive", "slope": "unrolled"},
    {"loss": "cross-entropy", "template": "drive", "centre": "batch"},
]


def network(kind: str, *, norm: bool) -> Network:
    if kind == "mlp":
        return models.mlp((1, 8, 8), [40, 21], 5, norm=norm, seed=1)
    if kind == "many classes":
        return models.mlp((1, 8, 8), [40, 21], 40, norm=norm, seed=1)
    if kind == "resnet":
        return models.resnet((1, 8, 8), [20, 34], 5, blocks=[1, 1], norm=norm, seed=1)
    return models.cnn((1, 8, 8), [24, 40], 5, pools=[2, 1], dense=[20], norm=norm, seed=1)


def gradients(rule: BSD | BPTT, net: Network) -> list[torch.Tensor]:
    stimulus = torch.rand(48, 1, 8, 8, generator=torch.Generator().manual_seed(2)).to(net.stimulus_mean.dtype)
    for _ in range(2):  # the second step also has a centre to remember
        rule.compute_gradients(stimulus, torch.arange(48) % 5)
    return [p.grad.double() for p in rule.parameters() if p.grad is not None]


@pytest.mark.parametrize("kind", ["mlp", "many classes", "cnn", "resnet"])
@pytest.mark.parametrize("norm", [False, True])
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_the_fused_step_is_the_plain_one(kind: str, norm: bool, options: dict[str, Any]) -> None:
    single, double = network(kind, norm=norm), network(kind, norm=norm).double()
    fast, plain = gradients(BSD(single, **options), single), gradients(BSD(double, **options), double)
    largest = max(float(g.abs().max()) for g in plain)
    assert len(fast) == len(plain)
    for a, b in zip(fast, plain, strict=True):
        torch.testing.assert_close(a, b, rtol=2e-3, atol=1e-5 * largest)


@pytest.mark.parametrize("kind", ["mlp", "cnn", "resnet"])
def test_bptt_through_the_kernels_is_plain_bptt(kind: str) -> None:
    single, double = network(kind, norm=True), network(kind, norm=True).double()
    fast, plain = gradients(BPTT(single), single), gradients(BPTT(double), double)
    largest = max(float(g.abs().max()) for g in plain)
    for a, b in zip(fast, plain, strict=True):
        torch.testing.assert_close(a, b, rtol=2e-3, atol=1e-5 * largest)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_descent_computed_again_changes_no_bit(monkeypatch: pytest.MonkeyPatch, dtype: torch.dtype) -> None:
    whole = models.mlp(12, [16] * 10, 3).to(dtype)
    again = copy.deepcopy(whole)
    stimulus, labels = torch.rand(40, 12, dtype=dtype), torch.arange(40) % 3
    monkeypatch.setattr(passes, "KEPT_WHOLE", 100)
    first = BSD(whole)
    first.compute_gradients(stimulus, labels)
    monkeypatch.setattr(passes, "KEPT_WHOLE", 2)
    second = BSD(again)
    second.compute_gradients(stimulus, labels)
    for a, b in zip(first.parameters(), second.parameters(), strict=True):
        assert torch.equal(a.grad, b.grad)
    for a, b in zip(whole.buffers(), again.buffers(), strict=True):
        assert torch.equal(a, b), "a pass that is computed again must not move the running statistics twice"
