"""Codes drawn from a density, and the evaluation of an autoencoder."""

import math
from functools import cache
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from bispike import data, models, rules
from bispike.analysis import ClassifierFeatures, LatentDensity, generation
from bispike.analysis.generation import draw_images, evaluate_autoencoder
from bispike.analysis.sampling import compress
from bispike.data import Dataset
from bispike.errors import ConfigurationError
from bispike.nn import Network


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@cache
def digits() -> Dataset:
    return data.load("digits")


@cache
def trained(model: str, rule: str = "bsd") -> Network:
    dataset = digits()
    sizes = {"widths": [64], "latent": 24} if model == "autoencoder" else {"widths": [64]}
    network = models.create(model, dataset.stimulus, dataset.concept, **sizes)
    learner = rules.create(rule, network)
    optimizer = torch.optim.Adam(learner.parameters(), 5e-3)
    stimuli, labels = dataset.train[:]
    order = torch.Generator().manual_seed(0)
    for _ in range(8):
        for chosen in torch.randperm(len(labels), generator=order)[: len(labels) // 64 * 64].split(64):
            learner.compute_gradients(stimuli[chosen], labels[chosen])
            optimizer.step()
    return network.eval()


@cache
def density() -> LatentDensity:
    return LatentDensity.fit(trained("autoencoder"), digits().train)


def test_drawn_codes_have_the_moments_of_their_class() -> None:
    network = trained("autoencoder")
    stimuli, labels = digits().train[:]
    codes = compress(network, stimuli)[labels == 3]
    drawn = density().draw(torch.full((4000,), 3), generator=torch.Generator().manual_seed(0))
    assert bool(((drawn >= 0) & (drawn <= 1)).all())
    assert float((drawn.mean(0) - codes.mean(0)).abs().mean()) < 0.02
    assert float((drawn.std(0) - codes.std(0)).abs().mean()) < 0.03


def test_a_draw_has_the_mean_and_the_covariance_of_its_mixture() -> None:
    """By the laws of total expectation and total covariance."""
    weights, means = torch.tensor([0.75, 0.25]), torch.tensor([[0.4, 0.5, 0.3], [0.6, 0.4, 0.5]])
    roots = 0.05 * torch.tensor([[[1.0, 0, 0], [0.8, 0.6, 0], [0, 0, 1]], [[1.0, 0, 0], [-1, 0.5, 0], [0.5, 0, 0.2]]])
    spreads = roots @ roots.mT
    mixture = SimpleNamespace(weights_=weights.numpy(), means_=means.numpy(), covariances_=spreads.double().numpy())
    drawn = LatentDensity((None, mixture), 1.0).draw(torch.ones(40000, dtype=torch.int64), generator=seeded(0))
    mean = weights @ means
    away = means - mean
    covariance = (weights[:, None, None] * (spreads + away[:, :, None] * away[:, None])).sum(0)
    torch.testing.assert_close(drawn.mean(0), mean, atol=0.002, rtol=0)
    torch.testing.assert_close(drawn.T.cov(), covariance, atol=2e-4, rtol=0)
    assert float((covariance - covariance.diagonal().diag()).abs().max()) > 1e-3


def test_label_accuracy_counts_all_images_whatever_the_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    classifier = SimpleNamespace(perceive=lambda images: images[:, 0, 0, 0].long())
    images = torch.tensor([0.0, 1, 2, 0, 1, 2, 2])[:, None, None, None]
    monkeypatch.setattr(generation, "BATCH", 3)
    assert generation.label_accuracy(classifier, images, torch.tensor([0, 1, 1, 1, 1, 2, 0])) == 4 / 7  # type: ignore[arg-type]


def test_drawing_follows_the_generator_and_the_labels() -> None:
    labels = torch.tensor([1, 0, 1])
    first, again = (density().draw(labels, generator=torch.Generator().manual_seed(2)) for _ in range(2))
    assert torch.equal(first, again)
    with pytest.raises(ConfigurationError, match="at least one class"):
        density().draw(torch.zeros(0, dtype=torch.int64), generator=torch.Generator())


def test_codes_of_rates_have_no_upper_bound() -> None:
    spiking, rates = (models.mlp((4,), [3], 2) for _ in range(2))
    rules.create("backprop", rates)
    assert (spiking.signals.largest, rates.signals.largest) == (1, math.inf)
    assert density().highest == 1


def test_too_few_samples_for_a_mixture_are_named() -> None:
    with pytest.raises(ConfigurationError, match="components"):
        LatentDensity.fit(trained("autoencoder"), digits().train, samples=30, components=3)


@cache
def evaluated_untrained() -> dict[str, Any]:
    network = models.create("autoencoder", digits().stimulus, digits().concept, widths=[64], latent=24).eval()
    classifier = trained("mlp")
    extractor = ClassifierFeatures(classifier, "digits-mlp")
    return evaluate_autoencoder(network, digits().train, digits().test, extractor, classifier=classifier, samples=200)


@pytest.mark.parametrize("rule", ["bsd", "backprop"])
def test_an_evaluation_tells_good_from_bad(rule: str) -> None:
    classifier = trained("mlp")
    extractor = ClassifierFeatures(classifier, "digits-mlp")
    pytest.importorskip("torchmetrics")
    network = trained("autoencoder", rule)
    found = evaluate_autoencoder(network, digits().train, digits().test, extractor, classifier=classifier, samples=200)
    assert found["extractor"] == "Fréchet (digits-mlp classifier, layer1)"
    originals, _ = digits().test[:]
    error = (network.reconstruct(originals) - originals).square().mean()
    assert found["reconstruction"]["mse"] == pytest.approx(float(error), rel=1e-4)
    assert found["reconstruction"]["mse"] < 0.04
    assert found["samples"]["named"] > 0.6
    assert 0.5 < found["samples"]["diversity"] < 1.5
    worse = evaluated_untrained()
    assert worse["reconstruction"]["mse"] > found["reconstruction"]["mse"]
    assert worse["reconstruction"]["frechet"] > found["reconstruction"]["frechet"]
    assert worse["samples"]["named"] < found["samples"]["named"]
    assert math.isfinite(worse["samples"]["frechet"])


def test_classes_come_in_turn() -> None:
    images, labels = draw_images(trained("autoencoder"), density(), 23)
    assert labels.tolist() == [*range(10), *range(10), 0, 1, 2]
    assert images.shape == (23, *digits().stimulus.shape)
    assert bool(((images >= 0) & (images <= 1)).all())


def test_networks_without_a_latent_code_are_refused() -> None:
    extractor = ClassifierFeatures(trained("mlp"), "digits-mlp")
    with pytest.raises(ConfigurationError, match="autoencoder"):
        evaluate_autoencoder(trained("mlp"), digits().train, digits().test, extractor)
