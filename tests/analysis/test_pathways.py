"""Agreement, angles and affinities against closed forms and limits."""

from __future__ import annotations

import math
import statistics

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from bispike import models, rules
from bispike.analysis import (
    LayerReading,
    affinity,
    agreement,
    class_affinity,
    class_means,
    pathway_angles,
    random_angle_spread,
    read_layers,
    summarise_affinity,
)
from bispike.analysis.recorded_passes import equal_share
from bispike.errors import ShapeError
from bispike.functional import angle_between


def reading(seen: torch.Tensor, imagined: torch.Tensor) -> LayerReading:
    return LayerReading("layer1", seen.mean(0), imagined.mean(0), equal_share(seen, imagined))


def test_independent_random_spikes_agree_at_the_chance_level() -> None:
    generator = torch.Generator().manual_seed(0)
    p = torch.rand(50, generator=generator)
    q = torch.rand(50, generator=generator)
    seen = torch.bernoulli(p.expand(8, 400, 50), generator=generator)
    imagined = torch.bernoulli(q.expand(8, 200, 50), generator=generator)
    labels = torch.arange(400) % 200
    found = agreement([reading(seen, imagined)], labels)[0]
    expected = float((p * q + (1 - p) * (1 - q)).mean())
    assert found.own == pytest.approx(expected, abs=0.01)
    assert found.other == pytest.approx(expected, abs=0.01)
    assert found.chance == pytest.approx(expected, abs=0.01)


def test_identical_pathways_agree_fully_and_constant_ones_do_so_by_chance() -> None:
    silent = torch.zeros(4, 2, 5)
    found = agreement([reading(silent, silent)], torch.tensor([0, 1]))[0]
    assert (found.own, found.other, found.chance) == (1.0, 1.0, 1.0)
    classes = torch.zeros(4, 2, 6)
    classes[:, 0, :3] = 1
    classes[:, 1, 3:] = 1
    found = agreement([reading(classes, classes)], torch.tensor([0, 1]))[0]
    assert (found.own, found.other, found.chance) == (1.0, 0.0, 0.5)


@settings(max_examples=25, deadline=None)
@given(
    steps=st.integers(1, 4),
    samples=st.integers(1, 4),
    classes=st.integers(1, 4),
    units=st.integers(1, 6),
    seed=st.integers(0, 999),
)
def test_share_of_equal_entries_is_the_count_of_equal_entries(
    steps: int, samples: int, classes: int, units: int, seed: int
) -> None:
    generator = torch.Generator().manual_seed(seed)
    seen = torch.randint(0, 2, (steps, samples, units), generator=generator).float()
    imagined = torch.randint(0, 2, (steps, classes, units), generator=generator).float()
    counted = (seen[:, :, None] == imagined[:, None]).float().mean((0, 3))
    torch.testing.assert_close(equal_share(seen, imagined), counted)


def test_labels_of_another_length_are_refused() -> None:
    spikes = torch.zeros(2, 3, 4)
    with pytest.raises(ShapeError, match="labels"):
        agreement([reading(spikes, spikes)], torch.tensor([0, 1]))


def test_angle_of_known_directions() -> None:
    w = torch.randn(7, 5, generator=torch.Generator().manual_seed(1))
    assert angle_between(w, w) == 0
    assert angle_between(w, 3 * w) == pytest.approx(0, abs=1e-5)
    assert angle_between(w, -w) == pytest.approx(180)
    plane = torch.tensor([1.0, 0.0]), torch.tensor([math.cos(0.3), math.sin(0.3)])
    assert angle_between(*plane) == pytest.approx(math.degrees(0.3), rel=1e-6)
    assert angle_between(w, torch.zeros_like(w)) == 90
    with pytest.raises(ShapeError):
        angle_between(w, w.T)


def test_random_matrices_are_orthogonal_within_the_stated_spread() -> None:
    generator = torch.Generator().manual_seed(2)
    angles = [
        angle_between(torch.randn(20, 30, generator=generator), torch.randn(20, 30, generator=generator))
        for _ in range(300)
    ]
    found = torch.tensor(angles)
    spread = random_angle_spread(600)
    assert float(found.mean()) == pytest.approx(90, abs=4 * spread / math.sqrt(300))
    assert float(found.std()) == pytest.approx(spread, rel=0.15)


def test_untrained_network_has_unrelated_pathways_and_a_tied_one_does_not() -> None:
    torch.manual_seed(0)
    network = models.mlp((30,), [40, 20], 5, time_steps=3)
    for angle in pathway_angles(network):
        assert abs(angle.degrees - 90) < 5 * angle.spread
    for w, theta in network.pathway_weights().values():
        assert w.shape == theta.shape
        with torch.no_grad():
            theta.copy_(2 * w)
    found = pathway_angles(network)
    assert [angle.name for angle in found] == list(network.pathway_weights())
    assert [angle.degrees for angle in found] == pytest.approx([0.0] * len(found), abs=1e-3)


def test_affinity_of_templates_with_themselves_is_the_identity() -> None:
    templates = torch.eye(4, 6)
    torch.testing.assert_close(affinity(templates, templates), torch.eye(4))
    # Centred one-hot rows: cosine -1 / (C - 1) between classes.
    expected = torch.eye(4) + (torch.eye(4) - 1) / 3
    torch.testing.assert_close(affinity(templates, templates, centred=True), expected)


def test_centring_makes_affinity_blind_to_what_all_rows_share() -> None:
    generator = torch.Generator().manual_seed(3)
    features = torch.randn(5, 8, generator=generator)
    templates = torch.randn(3, 8, generator=generator)
    shifted = affinity(features + 7, templates - 2, centred=True)
    torch.testing.assert_close(shifted, affinity(features, templates, centred=True), atol=1e-5, rtol=1e-4)


def test_silent_rows_have_no_affinity_and_absent_classes_stay_unknown() -> None:
    features = torch.tensor([[1.0, 0.0], [0.0, 0.0], [math.nan, math.nan]])
    found = affinity(features, torch.eye(2))
    assert found[0].tolist() == [1, 0]
    assert found[1].tolist() == [0, 0]
    assert found[2].isnan().all()


def test_class_affinity_uses_the_mean_of_each_class() -> None:
    rates = torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.0, 1.0]])
    labels = torch.tensor([0, 0, 1])
    means = class_means(rates, labels, 2)
    assert means.tolist() == [[0.5, 0.5], [0.0, 1.0]]
    found = class_affinity(LayerReading("layer1", rates, torch.eye(2), None), labels)
    torch.testing.assert_close(found, torch.tensor([[0.5**0.5, 0.5**0.5], [0.0, 1.0]]))
    numbers = summarise_affinity(found)
    assert numbers.own == pytest.approx((0.5**0.5 + 1) / 2)
    assert numbers.other == pytest.approx(0.5**0.5 / 2)


def test_summary_leaves_absent_classes_out() -> None:
    matrix = torch.tensor([[0.9, 0.1, 0.2], [math.nan] * 3, [0.8, 0.0, 0.4]])
    numbers = summarise_affinity(matrix)
    assert numbers.own == pytest.approx((0.9 + 0.4) / 2)
    assert numbers.other == pytest.approx((0.1 + 0.2 + 0.8 + 0.0) / 4)
    assert numbers.matched == 0.5


def test_reading_does_not_depend_on_the_batch_size_and_leaves_the_network_as_it_was() -> None:
    torch.manual_seed(1)
    network = models.mlp((12,), [9, 7], 3, time_steps=4)
    network.train()
    before = {k: v.clone() for k, v in network.state_dict().items()}
    stimuli = torch.rand(11, 12)
    whole, parts = read_layers(network, stimuli, batch_size=64), read_layers(network, stimuli, batch_size=3)
    assert [r.name for r in whole] == network.layer_names
    for a, b in zip(whole, parts, strict=True):
        assert a.rates.shape[0] == 11
        assert a.templates.shape == (3, a.rates.shape[1])
        assert torch.equal(a.rates, b.rates)
        assert a.equal is not None
        assert b.equal is not None
        assert torch.equal(a.equal, b.equal)
    assert network.training
    assert all(torch.equal(v, before[k]) for k, v in network.state_dict().items())
    with pytest.raises(ShapeError, match="at least one"):
        read_layers(network, stimuli[:0])


@pytest.mark.parametrize("kind", ["mlp", "cnn", "rates"])
def test_a_reading_holds_rates_templates_and_equal_entries_of_every_layer(kind: str) -> None:
    lively = {"time_steps": 4, "gain": 3.0, "seed": 1}
    network = (
        models.cnn((2, 5, 4), [3, 4], 3, pools=[2, 1], **lively)
        if kind == "cnn"
        else models.mlp((2, 5, 4), [9, 7], 3, **lively)
    )
    if kind == "rates":
        rules.create("backprop", network)
    stimuli = torch.rand(5, 2, 5, 4, generator=torch.Generator().manual_seed(2))
    seen, imagined = network.observe(stimuli), network.imagine(torch.arange(3))
    for found, up, down in zip(read_layers(network, stimuli, batch_size=2), seen, imagined, strict=True):
        assert found.name == up.name
        torch.testing.assert_close(found.rates, up.rate.flatten(1))
        torch.testing.assert_close(found.templates, down.rate.flatten(1))
        if kind == "rates":
            assert found.equal is None
        else:
            assert found.equal is not None
            pairs = up.spikes[:, :, None] == down.spikes[:, None]
            torch.testing.assert_close(found.equal, pairs.float().flatten(3).mean((0, 3)))
            assert 0 < float(found.rates.mean()) < 1


def test_the_margin_over_other_classes_is_paired_and_its_error_that_of_a_mean() -> None:
    generator = torch.Generator().manual_seed(3)
    seen = torch.bernoulli(torch.full((4, 50, 30), 0.4), generator=generator)
    imagined = torch.bernoulli(torch.full((4, 3, 30), 0.4), generator=generator)
    labels = torch.arange(50) % 3
    equal = (seen[:, :, None] == imagined[:, None]).float().mean((0, 3))
    margins = [float(row[c] - (row.sum() - row[c]) / 2) for row, c in zip(equal, labels.tolist(), strict=True)]
    found = agreement([reading(seen, imagined)], labels)[0]
    assert found.margin == pytest.approx(found.own - found.other, abs=1e-6)
    assert found.margin == pytest.approx(statistics.fmean(margins), abs=1e-6)
    assert found.error == pytest.approx(statistics.stdev(margins) / math.sqrt(50), rel=1e-5)
    assert abs(found.margin) < 4 * found.error  # random imaginations favour no class
