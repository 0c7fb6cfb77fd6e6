"""The linear probe: the closed form itself, what it separates, and what it cannot."""

from __future__ import annotations

import pytest
import torch

from bispike import models, rules
from bispike.analysis import Sample, layer_rates, linear_probe
from bispike.analysis.probe import RIDGES, _solutions
from bispike.errors import ShapeError


def draws(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("shape", [(30, 6), (6, 30)])
def test_both_forms_solve_the_normal_equations(shape: tuple[int, int]) -> None:
    inputs = torch.randn(*shape, generator=draws(0), dtype=torch.float64)
    targets = torch.randn(shape[0], 3, generator=draws(1), dtype=torch.float64)
    scale = float(inputs.square().sum()) / min(shape)
    for ridge, found in zip(RIDGES, _solutions(inputs, targets), strict=True):
        left = inputs.T @ inputs + ridge * scale * torch.eye(shape[1], dtype=torch.float64)
        torch.testing.assert_close(found, torch.linalg.solve(left, inputs.T @ targets), atol=1e-8, rtol=1e-6)


def parts(features: torch.Tensor, labels: torch.Tensor) -> list[Sample]:
    third = len(labels) // 3
    return [Sample(f, y) for f, y in zip(features.split(third), labels.split(third), strict=True)]


@pytest.mark.parametrize("units", [5, 400])
def test_classes_that_a_plane_parts_are_read_and_labels_of_chance_are_not(units: int) -> None:
    labels = torch.arange(300) % 3
    centres = 4 * torch.nn.functional.normalize(torch.randn(3, units, generator=draws(0)), dim=1)
    features = centres[labels] + 0.1 * torch.randn(300, units, generator=draws(1)) + 7.0  # far from the origin
    assert linear_probe(*parts(features, labels), classes=3).accuracy == 1.0
    shuffled = labels[torch.randperm(300, generator=draws(2))]
    assert linear_probe(*parts(features, shuffled), classes=3).accuracy < 0.5


def test_exclusive_or_is_beyond_a_linear_reader() -> None:
    corners = torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]).repeat(75, 1)
    labels = torch.tensor([0, 1, 1, 0]).repeat(75)
    assert linear_probe(*parts(corners, labels), classes=2).accuracy == 0.5
    product = torch.cat([corners, corners.prod(1, keepdim=True)], 1)
    assert linear_probe(*parts(product, labels), classes=2).accuracy == 1.0


def test_silent_features_give_the_most_frequent_class() -> None:
    labels = torch.tensor([0, 0, 1] * 20)
    assert linear_probe(*parts(torch.zeros(60, 4), labels), classes=2).accuracy == 13 / 20


def test_the_ridge_is_the_one_that_decides_the_held_out_samples_best() -> None:
    labels = torch.randint(0, 3, (90,), generator=draws(3)) % 2 + (torch.arange(90) % 5 == 0)
    noise = torch.randn(90, 25, generator=draws(4), dtype=torch.float64)
    train, validation, test = parts(noise + 0.4 * torch.nn.functional.one_hot(labels, 25), labels)
    mean = train.features.mean(0)
    inputs, targets = train.features - mean, torch.nn.functional.one_hot(train.labels, 3).double()
    scale = float(inputs.square().sum()) / 25
    shares = []
    for ridge in RIDGES:
        left = inputs.T @ inputs + ridge * scale * torch.eye(25, dtype=torch.float64)
        weights = torch.linalg.solve(left, inputs.T @ (targets - targets.mean(0)))
        shares.append(
            [
                float(((part.features - mean) @ weights + targets.mean(0)).argmax(1).eq(part.labels).double().mean())
                for part in (validation, test)
            ]
        )
    best = max(range(len(RIDGES)), key=lambda i: shares[i][0])
    found = linear_probe(train, validation, test, classes=3)
    assert (found.validation, found.accuracy, found.ridge) == (*shares[best], RIDGES[best])
    assert len({share for share, _ in shares}) > 1


def test_a_probe_needs_samples() -> None:
    with pytest.raises(ShapeError):
        Sample(torch.zeros(0, 3), torch.zeros(0, dtype=torch.int64))
    with pytest.raises(ShapeError):
        Sample(torch.zeros(2, 3), torch.zeros(3, dtype=torch.int64))


def test_layer_rates_are_those_of_the_network_that_decides() -> None:
    net = models.mlp((6,), [5, 4], 3, time_steps=3, norm=False)
    stimuli = torch.randn(7, 6, generator=draws(0))
    spiking = layer_rates(net, stimuli, batch_size=3)
    assert {name: list(rates.shape) for name, rates in spiking.items()} == {"layer1": [7, 5], "layer2": [7, 4]}
    for record in net.observe(stimuli):
        torch.testing.assert_close(spiking[record.name], record.rate)
    rules.create("backprop", net)
    for step in net.bottom_up_rates(net.encode(stimuli)):
        torch.testing.assert_close(layer_rates(net, stimuli)[step.layer.name], step.activity.rate.detach())
