"""The fused kernels of a layer's alignment against autograd of the same loss, written out in float64."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from bispike.functional import AlignmentLoss, Neuron, map_of, mean_field_slope, native_usable
from bispike.functional.backends import compiled

pytestmark = pytest.mark.skipif(not native_usable(torch.ones(1)), reason="no compiled kernels")
CLOSE: dict[str, Any] = {"rtol": 2e-4, "atol": 2e-5}


def draw(*shape: int, seed: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("kind", ["reco", "infonce", "cross-entropy"])
@pytest.mark.parametrize("reduction", ["sum", "sample", "mean"])
@pytest.mark.parametrize("centre", ["none", "constant", "batch"])
@given(
    rows=st.integers(2, 6), classes=st.integers(2, 4), width=st.sampled_from([1, 5, 64, 150]), seed=st.integers(0, 9)
)
@settings(max_examples=6, deadline=None)
def test_meeting_is_the_loss_and_its_gradient(
    kind: str, reduction: str, centre: str, rows: int, classes: int, width: int, seed: int
) -> None:
    rates, templates = draw(rows, width, seed=seed), draw(classes, width, seed=seed + 1)
    labels = torch.arange(rows) % classes
    counts = torch.rand(rows, classes, generator=torch.Generator().manual_seed(seed)) * 5 + 0.1
    prior = torch.rand(classes, generator=torch.Generator().manual_seed(seed + 2))
    prior = prior / prior.sum()
    constant = draw(width, seed=seed + 3)
    x, p = rates.double().requires_grad_(), templates.double().requires_grad_()
    a, w = x, p
    if centre != "none":
        a = x - (x.mean(0) if centre == "batch" else constant.double())
        w = p - prior.double() @ p
    weights = counts.double()
    if reduction == "mean":
        weights = weights / weights.sum(1, keepdim=True) * (1 if kind == "reco" else classes - 1)
    if kind == "cross-entropy":
        affinity = a @ w.T / math.sqrt(width)
    else:
        affinity = (a @ w.T) / (a.square().sum(1) + 1e-4).sqrt()[:, None] / (w.square().sum(1) + 1e-4).sqrt()
    own = affinity[torch.arange(rows), labels]
    if kind == "reco":
        each = (1 - own) ** 2 + 0.4 * (weights * affinity.clamp(min=0) ** 2).sum(1)
    else:
        each = ((own / 0.5).exp() + (weights * (affinity / 0.5).exp()).sum(1)).log() - own / 0.5
    total = each.sum() if reduction == "sum" else each.sum() / 7
    expected = torch.autograd.grad(total, (x, p))
    value, on_rates, on_templates = compiled.align(
        rates,
        templates,
        labels,
        counts,
        AlignmentLoss(kind, 0.4, 0.5, reduction),
        centre={"none": None, "constant": constant, "batch": rates.mean(0)}[centre],
        prior=None if centre == "none" else prior,
        batch_mean=(lambda values: values.mean(0)) if centre == "batch" else None,
        samples=7,
    )
    torch.testing.assert_close(value.double(), total.detach(), **CLOSE)
    scale = max(1.0, float(expected[0].abs().max()), float(expected[1].abs().max()))
    torch.testing.assert_close(on_rates.double() / scale, expected[0] / scale, **CLOSE)
    torch.testing.assert_close(on_templates.double() / scale, expected[1] / scale, **CLOSE)


def as_activity(rows: Tensor, side: tuple[int, int] | None) -> Tensor:
    """Rows `[B, positions, C]` in the shape of a population, `[B, C]` or `[B, C, H, W]`."""
    return rows.squeeze(1) if side is None else map_of(rows, side)


@pytest.mark.parametrize("slope", ["none", "mean-field", "unrolled"])
@pytest.mark.parametrize("norm", [False, True])
@pytest.mark.parametrize(
    ("shape", "side"), [((3, 1, 5), None), ((2, 6, 50), (2, 3)), ((4, 1, 300), None), ((2, 6, 3), (3, 2))]
)
def test_the_gradient_of_the_drive_and_its_sums(
    slope: str, norm: bool, shape: tuple[int, int, int], side: tuple[int, int] | None
) -> None:
    """The gradient of the feature times the slope 1 / (1 + ½ (π (drive − 0.6 θ))²); Σ g and Σ g ẑ per channel."""
    batch, positions, channels = shape
    grad, raw = draw(batch, positions * channels, seed=1), draw(*shape, seed=2)
    scale, shift, mean, inverse = (draw(channels, seed=seed) for seed in (3, 4, 5, 6))
    unrolled = draw(*shape, seed=7)
    expected = grad.view(shape).double()
    if slope == "mean-field":
        drive = raw.double() * scale + shift if norm else raw.double()
        expected = expected / (1 + 0.5 * (math.pi * (drive - 0.6 * 0.8)) ** 2)
    elif slope == "unrolled":
        expected = expected * unrolled
    followed = as_activity(unrolled, side)
    found, sums = compiled.drive_gradient(
        grad.clone(),
        as_activity(raw, side),
        Neuron(threshold=0.8),
        affine=(scale, shift) if norm else None,
        through_rate=slope != "none",
        unrolled=followed if slope == "unrolled" else None,
        moments=(mean, inverse) if norm else None,
    )
    assert found.shape == shape
    torch.testing.assert_close(found.double(), expected, **CLOSE)
    if not norm:
        assert sums is None
        return
    unit = (raw.double() - mean) * inverse
    assert sums is not None
    torch.testing.assert_close(sums[0].double(), expected.sum((0, 1)), **CLOSE)
    torch.testing.assert_close(sums[1].double(), (expected * unit).sum((0, 1)), **CLOSE)


def test_a_slope_is_left_out_where_the_feature_is_the_drive() -> None:
    grad, raw = draw(3, 7, seed=1), draw(3, 7, seed=2)
    found, _ = compiled.drive_gradient(
        grad.clone(), raw, Neuron(), affine=None, through_rate=False, unrolled=draw(3, 7, seed=3), moments=None
    )
    assert torch.equal(found.squeeze(1), grad)


@pytest.mark.parametrize("fixed", [False, True])
@pytest.mark.parametrize("side", [None, (3, 2)])
def test_the_end_of_the_norms_backward(fixed: bool, side: tuple[int, int] | None) -> None:
    """γ/σ (g − mean g − ẑ mean gẑ); without the means γ/σ g."""
    positions = 1 if side is None else 6
    raw, grad = draw(4, positions, 5, seed=1), draw(4, positions, 5, seed=2)
    weight, mean, variance = draw(5, seed=3), raw.mean((0, 1)), raw.var((0, 1), correction=0)
    leaf = raw.double().requires_grad_()
    m, v = (leaf.mean((0, 1)), leaf.var((0, 1), correction=0)) if not fixed else (mean.double(), variance.double())
    ((leaf - m) / (v + 1e-5).sqrt() * weight).backward(grad.double())
    inverse = (variance + 1e-5).rsqrt()
    unit = (raw - mean) * inverse
    means = None if fixed else torch.stack([grad.mean((0, 1)), (grad * unit).mean((0, 1))])
    received = compiled.through_norm(grad.clone(), as_activity(raw, side), weight * inverse, (mean, inverse), means)
    torch.testing.assert_close(received.double(), leaf.grad, **CLOSE)


def test_the_kernel_has_the_constants_of_the_mean_field_slope() -> None:
    drive = torch.linspace(-3, 3, 31)[:, None]
    for threshold in (0.5, 0.8):
        neuron = Neuron(threshold=threshold)
        found, _ = compiled.drive_gradient(
            torch.ones(31, 1), drive, neuron, affine=None, through_rate=True, unrolled=None, moments=None
        )
        torch.testing.assert_close(found.squeeze(1), mean_field_slope(drive, neuron), rtol=1e-6, atol=0)
