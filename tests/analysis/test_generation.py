"""Codes drawn from a density, and an autoencoder judged."""

import math
from functools import cache

import pytest
import torch

from bispike import data, models, rules
from bispike.analysis import ClassifierFeatures, LatentDensity
from bispike.analysis.generation import draw_images, judge_autoencoder
from bispike.analysis.sampling import compress
from bispike.data import Dataset
from bispike.errors import ConfigurationError
from bispike.nn import Network


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
    for _ in range(12):
        for chosen in torch.randperm(len(labels), generator=order)[: len(labels) // 64 * 64].split(64):
            learner.step(stimuli[chosen], labels[chosen])
            optimizer.step()
    return network.eval()


def test_drawn_codes_have_the_moments_of_their_class() -> None:
    network = trained("autoencoder")
    density = LatentDensity.fit(network, digits().train)
    stimuli, labels = digits().train[:]
    codes = compress(network, stimuli)[labels == 3]
    drawn = density.draw(torch.full((4000,), 3), generator=torch.Generator().manual_seed(0))
    assert bool(((drawn >= 0) & (drawn <= 1)).all())
    assert float((drawn.mean(0) - codes.mean(0)).abs().mean()) < 0.02
    assert float((drawn.std(0) - codes.std(0)).abs().mean()) < 0.03


def test_drawing_follows_the_generator_and_the_labels() -> None:
    density = LatentDensity.fit(trained("autoencoder"), digits().train)
    labels = torch.tensor([1, 0, 1])
    first, again = (density.draw(labels, generator=torch.Generator().manual_seed(2)) for _ in range(2))
    assert torch.equal(first, again)
    with pytest.raises(ConfigurationError, match="at least one class"):
        density.draw(torch.zeros(0, dtype=torch.int64), generator=torch.Generator())


def test_too_few_samples_for_a_mixture_are_named() -> None:
    with pytest.raises(ConfigurationError, match="components"):
        LatentDensity.fit(trained("autoencoder"), digits().train, samples=30, components=3)


@pytest.mark.parametrize("rule", ["bsd", "backprop"])
def test_a_judgement_tells_good_from_bad(rule: str) -> None:
    classifier = trained("mlp")
    extractor = ClassifierFeatures(classifier, "digits-mlp")
    pytest.importorskip("torchmetrics")
    network = trained("autoencoder", rule)
    found = judge_autoencoder(network, digits().train, digits().test, extractor, classifier=classifier, samples=200)
    assert found["extractor"] == "Fréchet (digits-mlp classifier, layer1)"
    assert found["reconstruction"]["mse"] < 0.04
    assert found["samples"]["named"] > 0.6
    assert 0.5 < found["samples"]["diversity"] < 1.5
    blank = models.create("autoencoder", digits().stimulus, digits().concept, widths=[64], latent=24).eval()
    worse = judge_autoencoder(blank, digits().train, digits().test, extractor, classifier=classifier, samples=200)
    assert worse["reconstruction"]["mse"] > found["reconstruction"]["mse"]
    assert worse["reconstruction"]["frechet"] > found["reconstruction"]["frechet"]
    assert worse["samples"]["named"] < found["samples"]["named"]
    assert math.isfinite(worse["samples"]["frechet"])


def test_classes_come_in_turn() -> None:
    density = LatentDensity.fit(trained("autoencoder"), digits().train)
    images, labels = draw_images(trained("autoencoder"), density, 23)
    assert labels.tolist() == [*range(10), *range(10), 0, 1, 2]
    assert images.shape == (23, *digits().stimulus.shape)
    assert bool(((images >= 0) & (images <= 1)).all())


def test_networks_without_a_latent_code_are_refused() -> None:
    extractor = ClassifierFeatures(trained("mlp"), "digits-mlp")
    with pytest.raises(ConfigurationError, match="autoencoder"):
        judge_autoencoder(trained("mlp"), digits().train, digits().test, extractor)
