"""Passes: a top-down pass read from the bottom up, one step per layer, and records."""

from __future__ import annotations

import copy

import pytest
import torch

from bispike import models
from bispike.functional import dense_spikes
from bispike.nn import Classifier, passes
from tests import reference
from tests.builders import shaken, stimuli

DEPTHS = [1, 3, 8, 9, 10, 12, 13]


def deep(depth: int, *, code: str = "one-hot") -> Classifier:
    widths = [5 + i % 3 for i in range(depth)]
    options = {"norm": True, "gain": 1.8, "concept_code": code, "concept_size": 6, "seed": 2}
    return shaken(models.mlp(4, widths, 3, **options))


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("code", ["one-hot", "learned"])
@pytest.mark.parametrize("training", [False, True])
def test_segments_that_are_computed_again_equal_the_whole_pass(depth: int, code: str, training: bool) -> None:
    """Networks of up to 8 layers keep the pass; deeper ones compute segments of 4 layers once more."""
    net = deep(depth, code=code).train(training)
    ref = reference.read(net)
    expected = reference.top_down(ref, torch.arange(3))
    source = reference.concept_spikes(ref).mean(0)
    before = copy.deepcopy(net)
    whole = list(before.top_down_steps(torch.arange(3)))[::-1]
    assert [step.layer.name for step in whole] == net.layer_names
    taken = net.top_down_pass(unrolled=True)
    for i in range(depth):
        above, activity = taken.take(i)
        there = expected[i]
        assert torch.equal(dense_spikes(activity.spikes, like=above), there.spikes)
        torch.testing.assert_close(activity.rate, there.rate, rtol=1e-9, atol=1e-10)
        torch.testing.assert_close(activity.drive, there.mean_drive, rtol=1e-9, atol=1e-10)
        arriving = expected[i + 1].rate if i + 1 < depth else source
        torch.testing.assert_close(above, arriving, rtol=1e-9, atol=1e-10)
        torch.testing.assert_close(whole[i].below, above, rtol=1e-9, atol=1e-10)
        assert torch.equal(whole[i].leaving, activity.rate)
        assert activity.unrolled is not None
    for one, two in zip(net.buffers(), before.buffers(), strict=True):  # a norm moves once, not once more per segment
        assert torch.equal(one, two)


def test_each_layer_is_taken_once_and_little_is_kept() -> None:
    net = deep(13)
    taken = net.top_down_pass()
    assert sorted(taken._kept) == [0, 1, 2, 3]
    assert sorted(taken._borders) == [4, 8, 12, 13]
    for i in range(13):
        taken.take(i)
        assert len(taken._kept) < passes.SEGMENT
    assert sorted(deep(8).top_down_pass()._kept) == list(range(8))
    assert sorted(deep(9).top_down_pass()._kept) == [0, 1, 2, 3]


def test_an_unrolled_slope_is_followed_only_on_request() -> None:
    net = deep(2)
    assert net.top_down_pass().take(0)[1].unrolled is None
    steps = list(net.bottom_up_pass(net.encode(stimuli(net)), unrolled=True))
    assert all(step.activity.unrolled is not None for step in steps)
    assert all(step.activity.unrolled is None for step in net.bottom_up_pass(net.encode(stimuli(net))))


def test_records_are_plain_tensors_in_the_order_of_the_layers() -> None:
    net = deep(3).eval()
    labels = torch.tensor([2, 0])
    for records, expected in (
        (net.observe(stimuli(net)), reference.bottom_up(reference.read(net), stimuli(net))),
        (net.imagine(labels), reference.top_down(reference.read(net), labels)),
    ):
        assert [record.name for record in records] == ["layer1", "layer2", "layer3"]
        for record, there in zip(records, expected, strict=True):
            assert torch.equal(record.spikes, there.spikes)
            torch.testing.assert_close(record.rate, there.spikes.mean(0))
            torch.testing.assert_close(record.mean_drive, there.mean_drive)
            assert not record.spikes.requires_grad


def test_pooling_backwards_gives_a_signal_to_the_largest_of_each_cell() -> None:
    net = shaken(models.cnn((1, 6, 4), [3], 2, pools=[2], gain=2.0, time_steps=3))
    (step,) = net.bottom_up_trajectories(net.encode(stimuli(net)))
    spikes = step.trajectory.spikes.clone().requires_grad_()
    pooled = torch.stack([torch.nn.functional.max_pool2d(each, 2) for each in spikes])
    assert torch.equal(step.leaving, pooled)
    signal = torch.randn(pooled.shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    (expected,) = torch.autograd.grad(pooled, spikes, signal)
    torch.testing.assert_close(step.unpool_signal(signal), expected)


def test_an_autoencoders_way_down_follows_slopes_only_on_request() -> None:
    net = models.autoencoder(6, [5], 3, latent=4)
    code = list(net.bottom_up_pass(net.encode(torch.ones(2, 6))))[-1].activity
    assert net.top_down_from_code(code.spikes, code.rate).take(0)[1].unrolled is None
    assert net.top_down_from_code(code.spikes, code.rate, unrolled=True).take(0)[1].unrolled is not None


def test_the_gain_of_a_shortcut_without_weights_is_no_weight() -> None:
    net = models.resnet((1, 7, 5), [4], 3, blocks=[1], shortcut_gain=0.7)
    assert not any("gain" in name for name in net.state_dict())
