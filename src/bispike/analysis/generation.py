"""An autoencoder judged: what comes down again beside what went up, and new images beside real ones."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ..data import Split
from ..errors import ConfigurationError
from ..nn import Network
from .extractors import FeatureExtractor, frechet_between, generation_quality
from .quality import mean_squared_error, psnr, ssim
from .sampling import LatentDensity, expand, reconstruct

BATCH = 500


def draw_images(network: Network, density: LatentDensity, count: int, *, seed: int = 0) -> tuple[Tensor, Tensor]:
    """New images `[count, *shape]`, cut to 0..1, of the classes in turn; and their labels `[count]`."""
    labels = torch.arange(count) % network.concept.classes
    codes = density.draw(labels, generator=torch.Generator().manual_seed(seed))
    return expand(network, codes).clamp(0, 1), labels


def named_rightly(classifier: Network, images: Tensor, labels: Tensor) -> float:
    """Share of images that a classifier gives the label that was asked for."""
    named = torch.cat([classifier.perceive(part) for part in images.split(BATCH)])
    return float((named == labels).double().mean())


def judge_autoencoder(
    network: Network,
    train: Split,
    test: Split,
    extractor: FeatureExtractor,
    *,
    classifier: Network | None = None,
    samples: int = 1000,
    components: int = 1,
    seed: int = 0,
) -> dict[str, Any]:
    """Everything an autoencoder of images is judged by.

    Args:
        network: trained.
        train: what the density of codes is fitted to.
        test: images to go up and come down again, and to compare new ones with.
        extractor: features of the Fréchet distances.
        classifier: names the drawn images, and what each class calls up.
        samples: images to draw, the classes in turn.
        components: Gaussians a class of the density.
        seed: of the draws.

    Returns:
        "reconstruction" (mse, psnr, ssim, frechet), "samples" (see `generation_quality`, with "named" the share that
        the classifier gives the class that was drawn), "classes" (how many of the C recalled classes it names rightly),
        "extractor".
    """
    if not network.latent:
        raise ConfigurationError("judge: expected an autoencoder, received a network that recalls from concepts only.")
    originals, _ = test[: len(test)]
    reconstructed = reconstruct(network, originals)
    seen = reconstructed.clamp(0, 1)
    images, labels = draw_images(
        network, LatentDensity.fit(network, train, components=components, seed=seed), samples, seed=seed
    )
    found: dict[str, Any] = {
        "extractor": extractor.label,
        "reconstruction": {
            "mse": mean_squared_error(reconstructed, originals),
            "psnr": psnr(seen, originals),
            "ssim": ssim(seen, originals),
            "frechet": frechet_between(extractor, originals, seen),
        },
        "samples": generation_quality(extractor, originals, images),
    }
    if classifier is not None:
        classes = torch.arange(network.concept.classes)
        recalled = network.recall(classes).clamp(0, 1)
        found["samples"]["named"] = named_rightly(classifier, images, labels)
        found["classes"] = round(named_rightly(classifier, recalled, classes) * len(classes))
    return found
