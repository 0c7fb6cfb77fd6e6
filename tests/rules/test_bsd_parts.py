"""The parts of BSD's local loss: the feature against autograd, the centre and the contrast against a loop by hand."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from bispike import models
from bispike.errors import DamagedError
from bispike.functional import rows_of
from bispike.functional.backends import native
from bispike.nn import ALONE, Activity, Classifier, Pathway
from bispike.rules.bsd.parts import Centre, Contrast, Feature, load_state
from tests.builders import exact, shaken, stimuli

TIGHT: dict[str, Any] = {"rtol": 1e-9, "atol": 1e-11}


class Shared:
    """One of two processes with 3 samples of a batch of 7: sums come back with those of the other."""

    shares = True

    def __init__(self, others: Tensor) -> None:
        self.others = others

    def count(self, samples: int) -> int:
        return samples + 4

    def sum(self, values: Tensor) -> Tensor:
        return values + self.others


def network(kind: str, *, norm: bool) -> Classifier:
    if kind == "dense":
        return exact(shaken(models.mlp((2, 3, 3), [11, 7], 3, norm=norm, gain=1.7)))
    return exact(shaken(models.cnn((2, 7, 5), [3, 4], 3, strides=[1, 2], norm=norm, gain=1.7)))


def populations(net: Classifier, *, unrolled: bool) -> list[tuple[Pathway, Tensor, Activity]]:
    """Pathway, what it received and what it did: bottom-up ones, then top-down ones."""
    up = [(s.layer.up, s.below, s.activity) for s in net.bottom_up_pass(net.encode(stimuli(net, 5)), unrolled=unrolled)]
    taken = net.top_down_pass(unrolled=unrolled)
    down = []
    for i, layer in enumerate(net.layers):
        above, activity = taken.take(i)
        down.append((layer.down, above, activity))
    return up + down


@pytest.mark.parametrize("kind", ["dense", "convolutions"])
@pytest.mark.parametrize("norm", [False, True])
@pytest.mark.parametrize("feature", ["rate", "drive"])
@pytest.mark.parametrize("slope", ["mean-field", "unrolled"])
@pytest.mark.parametrize("pool", [0, 2, 6])
def test_a_feature_backwards_is_autograd_of_it_forwards(
    kind: str, norm: bool, feature: str, slope: str, pool: int
) -> None:
    """Pools of 2 average maps of 7×5 and 4×3; of 6 only the former."""
    net, part = network(kind, norm=norm), Feature(feature, slope, pool)
    assert part.unrolled == (feature == "rate" and slope == "unrolled")
    assert part.of_rate == (feature == "rate")
    for pathway, source, activity in populations(net, unrolled=part.unrolled):
        parameters = list(pathway.parameters())
        drive = pathway.synapse(source)
        if pathway.norm is not None:
            axes = [0, *range(2, drive.dim())]
            mean, variance = drive.mean(axes, keepdim=True), drive.var(axes, keepdim=True, correction=0)
            shape = (1, -1, *[1] * (drive.dim() - 2))
            drive = (drive - mean) / (variance + pathway.norm.eps).sqrt()
            drive = drive * pathway.norm.weight.view(shape) + pathway.norm.bias.view(shape)
        values = drive
        if feature == "rate":
            values = activity.rate + pathway.rate_slope(activity) * (drive - drive.detach())
        if values.dim() == 4 and 0 < pool < max(values.shape[2:]):
            values = F.adaptive_avg_pool2d(values, pool)
        expected = values.movedim(1, -1).flatten(1) if values.dim() == 4 else values
        rows = part.rows(activity)
        torch.testing.assert_close(rows, expected.detach(), **TIGHT)
        weights = torch.randn(rows.shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
        gradients = torch.autograd.grad((expected * weights).sum(), parameters)
        with torch.no_grad():
            part.backward(pathway, weights.clone(), source, activity, fused=False)
        for parameter, gradient in zip(parameters, gradients, strict=True):
            torch.testing.assert_close(parameter.grad, gradient, **TIGHT)


@pytest.mark.skipif(native.library() is None, reason=f"no compiled kernels: {native.reason()}")
@pytest.mark.parametrize("kind", ["dense", "convolutions"])
@pytest.mark.parametrize("norm", [False, True])
@pytest.mark.parametrize(("feature", "slope"), [("rate", "mean-field"), ("rate", "unrolled"), ("drive", "mean-field")])
def test_the_kernels_write_the_same_gradients(kind: str, norm: bool, feature: str, slope: str) -> None:
    net, part = network(kind, norm=norm).float(), Feature(feature, slope, 0)
    for pathway, source, activity in populations_in_float(net, unrolled=part.unrolled):
        rows = part.rows(activity)
        grad = torch.randn(rows.shape, generator=torch.Generator().manual_seed(1))
        found = []
        for fused in (False, True):
            with torch.no_grad():
                part.backward(pathway, grad.clone(), source, activity, fused=fused)
            found.append([parameter.grad.clone() for parameter in pathway.parameters()])
        largest = max(float(plain.abs().max()) for plain in found[0])  # below a norm the bias has none
        assert largest > 0
        for plain, fast in zip(*found, strict=True):
            torch.testing.assert_close(fast, plain, rtol=1e-4, atol=1e-5 * largest)


def populations_in_float(net: Classifier, *, unrolled: bool) -> list[tuple[Pathway, Tensor, Activity]]:
    source = net.encode(stimuli(net, 5).float())
    up = [(s.layer.up, s.below, s.activity) for s in net.bottom_up_pass(source, unrolled=unrolled)]
    taken = net.top_down_pass(unrolled=unrolled)
    return up + [(layer.down, *taken.take(i)) for i, layer in enumerate(net.layers)]


# ------------------------------------------------------------------ the centre


def draw(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_without_a_centre_nothing_is_taken_away() -> None:
    centre = Centre("none", 10)
    assert centre.of("layer1", draw(4, 3), ALONE) == (None, None)
    assert centre.means == {}


def test_the_centre_of_a_batch_is_its_mean_and_gradients_go_through_it() -> None:
    centre, rows = Centre("batch", 10), draw(4, 3)
    found, mean = centre.of("layer1", rows, ALONE)
    torch.testing.assert_close(found, rows.sum(0) / 4)
    assert mean is not None
    torch.testing.assert_close(mean(rows * 2), rows.sum(0) / 2)
    assert centre.means == {}


def test_one_sample_is_centred_by_the_running_mean() -> None:
    """A first sample sets the mean; then it moves by 1 − (1 − 1/memory) = 1/memory."""
    centre, rows = Centre("batch", 10), draw(2, 1, 3)
    found, mean = centre.of("layer1", rows[0], ALONE)
    assert mean is None
    torch.testing.assert_close(found, rows[0, 0])
    found, _ = centre.of("layer1", rows[1], ALONE)
    torch.testing.assert_close(found, rows[0, 0] + (rows[1, 0] - rows[0, 0]) / 10)


def test_the_running_centre_by_hand() -> None:
    """Of each layer its own; a batch of B moves it as far as B samples, each by 1/memory."""
    centre, memory = Centre("running", 7), 7
    expected: dict[str, Tensor] = {}
    for step in range(4):
        for layer, width in (("layer1", 3), ("layer2", 5)):
            rows = draw(2 + step, width, seed=10 * step + width)
            mean = rows.mean(0)
            if layer not in expected:
                expected[layer] = mean
            else:
                for _ in range(len(rows)):
                    expected[layer] = expected[layer] + (mean - expected[layer]) / memory
            found, backward = centre.of(layer, rows, ALONE)
            torch.testing.assert_close(found, expected[layer])
            assert backward is None


@pytest.mark.parametrize("mode", ["batch", "running"])
def test_processes_centre_by_the_mean_of_all_their_samples(mode: str) -> None:
    mine, others = draw(3, 2), draw(4, 2, seed=1)
    group: Any = Shared(others.sum(0))
    centre = Centre(mode, 5)
    found, mean = centre.of("layer1", mine, group)
    torch.testing.assert_close(found, torch.cat([mine, others]).mean(0))
    if mode == "batch":
        assert mean is not None
        torch.testing.assert_close(mean(mine), torch.cat([mine, others]).mean(0))
        return
    assert mean is None
    centre.means["layer1"] = torch.zeros(2, dtype=torch.float64)
    moved, _ = centre.of("layer1", mine, group)
    torch.testing.assert_close(moved, torch.cat([mine, others]).mean(0) * (1 - (4 / 5) ** 7))


# ------------------------------------------------------------------ the contrast


def contrast(kind: str, prior: str = "uniform") -> Contrast:
    return Contrast(kind, 4, prior=prior, memory=9, reference_batch=20, like=torch.zeros(1, dtype=torch.float64))


LABELS = torch.tensor([2, 0, 2, 2, 1])
COUNTS = {
    # class by class, for samples of class 0, 1 and 2: how many other samples of the batch, or of a batch of 20
    "batch": {0: [0, 1, 3, 0], 1: [1, 0, 3, 0], 2: [1, 1, 2, 0]},
    "masked": {0: [0, 1, 3, 0], 1: [1, 0, 3, 0], 2: [1, 1, 0, 0]},
    "classes": {0: [0, 5, 5, 5], 1: [5, 0, 5, 5], 2: [5, 5, 0, 5]},
    "expected": {0: [4, 5, 5, 5], 1: [5, 4, 5, 5], 2: [5, 5, 4, 5]},
}


@pytest.mark.parametrize("kind", COUNTS)
def test_negatives_by_hand(kind: str) -> None:
    part = contrast(kind)
    found = part.negatives(LABELS, ALONE, dtype=torch.float64)
    expected = torch.tensor([COUNTS[kind][int(label)] for label in LABELS], dtype=torch.float64)
    torch.testing.assert_close(found, expected)
    assert part.prior.tolist() == [0.25] * 4
    assert part.state_dict() == {}


@pytest.mark.parametrize("kind", ["classes", "expected"])
def test_a_running_prior_by_hand(kind: str) -> None:
    """Each batch moves it as far as its samples, each by 1/memory; then n_c = 20 prior_c, of the own class one less."""
    part = contrast(kind, "running")
    prior = torch.full((4,), 0.25, dtype=torch.float64)
    for labels in (LABELS, torch.tensor([3, 3]), LABELS[:3]):
        shares = torch.tensor([(labels == c).double().mean() for c in range(4)])
        for _ in range(len(labels)):
            prior = prior + (shares - prior) / 9
        found = part.negatives(labels, ALONE, dtype=torch.float64)
        torch.testing.assert_close(part.prior, prior)
        torch.testing.assert_close(part.prior.sum(), torch.tensor(1.0, dtype=torch.float64))
        for row, label in zip(found, labels.tolist(), strict=True):
            expected = 20 * prior
            expected[label] = max(float(expected[label]) - 1, 0) if kind == "expected" else 0
            torch.testing.assert_close(row, expected)
    torch.testing.assert_close(part.state_dict()["prior"], prior)


@pytest.mark.parametrize("kind", ["batch", "masked"])
def test_processes_count_the_samples_of_all(kind: str) -> None:
    others = torch.tensor([1, 1, 0, 2])
    found = contrast(kind).negatives(LABELS[:3], Shared(others), dtype=torch.float64)  # type: ignore[arg-type]
    counts = torch.bincount(LABELS[:3], minlength=4) + others
    for row, label in zip(found, LABELS[:3].tolist(), strict=True):
        expected = counts.double()
        expected[label] = expected[label] - 1 if kind == "batch" else 0
        torch.testing.assert_close(row, expected)


def test_processes_move_one_prior() -> None:
    part = contrast("expected", "running")
    others = torch.tensor([1, 1, 0, 2])
    part.negatives(LABELS[:3], Shared(others), dtype=torch.float64)  # type: ignore[arg-type]
    shares = (torch.bincount(LABELS[:3], minlength=4) + others).double() / 7
    torch.testing.assert_close(part.prior, 0.25 + (shares - 0.25) * (1 - (8 / 9) ** 7))


def test_a_checkpoint_brings_means_and_prior_back() -> None:
    centre, part = Centre("running", 7), contrast("expected", "running")
    mean, prior = draw(3), torch.tensor([0.1, 0.2, 0.3, 0.4], dtype=torch.float64)
    state = {"centre.layer2": mean, "prior": prior}
    load_state(centre, part, state, sizes={"layer1": 4, "layer2": 3}, like=mean)
    assert list(state) == ["centre.layer2", "prior"]  # the caller's own is left as it is
    assert list(centre.means) == ["layer2"]
    assert torch.equal(centre.means["layer2"], mean)
    assert torch.equal(part.prior, prior)
    centre.of("layer2", draw(4, 3, seed=1), ALONE)
    part.negatives(LABELS, ALONE, dtype=torch.float64)
    assert torch.equal(mean, draw(3))
    assert prior.tolist() == pytest.approx([0.1, 0.2, 0.3, 0.4])
    for wrong, message in (({"mean": mean, **state}, "also has mean"), ({"centre.layer1": mean, **state}, "shape")):
        with pytest.raises(DamagedError, match=message):
            load_state(centre, part, wrong, sizes={"layer1": 4, "layer2": 3}, like=mean)
    with pytest.raises(DamagedError, match="also has prior"):
        load_state(centre, contrast("expected"), state, sizes={"layer2": 3}, like=mean)


def test_rows_of_maps_lie_position_by_position() -> None:
    """So that a kernel goes through memory in order: [B, H·W·C], channels fastest."""
    values = draw(2, 3, 4, 5)
    activity = Activity(values, values, values)
    rows = Feature("rate", "mean-field", 0).rows(activity)
    for b, c, y, x in ((0, 0, 0, 0), (1, 2, 3, 4), (0, 1, 2, 3)):
        assert rows[b, (y * 5 + x) * 3 + c] == values[b, c, y, x]
    assert torch.equal(rows_of(values).flatten(1), rows)
