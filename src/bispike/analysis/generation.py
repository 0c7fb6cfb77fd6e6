"""Evaluation of an autoencoder: reconstructions against originals, and drawn images against real ones."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ..arguments import checked
from ..data import Split
from ..errors import ConfigurationError
from ..nn import Autoencoder, Network, StimulusNetwork
from .extractors import FeatureExtractor, frechet_between, generation_quality
from .quality import mean_squared_error, psnr, ssim
from .sampling import LatentDensity, expand, reconstruct

BATCH = 500


@checked
def draw_images(network: Autoencoder, density: LatentDensity, count: int, *, seed: int = 0) -> tuple[Tensor, Tensor]:
    """New images `[count, *shape]`, clipped to 0..1, of the classes in turn; and their labels `[count]`."""
    labels = torch.arange(count) % network.concept.classes
    codes = density.draw(labels, generator=torch.Generator().manual_seed(seed))
    return expand(network, codes).clamp(0, 1), labels


def label_accuracy(classifier: StimulusNetwork, images: Tensor, labels: Tensor) -> float:
    """Share of images for which a classifier decides for the given label `[N]`."""
    decisions = torch.cat([classifier.perceive(part) for part in images.split(BATCH)])
    return float((decisions == labels).double().mean())


@checked
def evaluate_autoencoder(
    network: Network,
    train: Split,
    test: Split,
    extractor: FeatureExtractor,
    *,
    classifier: StimulusNetwork | None = None,
    samples: int = 1000,
    components: int = 1,
    seed: int = 0,
) -> dict[str, Any]:
    """Evaluate an autoencoder of images: its reconstructions, its drawn images and its recalled classes.

    Args:
        network: trained.
        train: images to whose codes the density is fitted.
        test: images to reconstruct, and to compare drawn images with.
        extractor: features of the Fréchet distances.
        classifier: decides on the drawn images and on the recalled classes.
        samples: number of images to draw, of the classes in turn.
        components: number of Gaussians per class of the density.
        seed: of the fit and the drawn codes.

    Returns:
        "reconstruction" (mse, psnr, ssim, frechet), "samples" (see `generation_quality`, with "named" the share for
        which the classifier decides for the drawn class), "classes" (how many of the C recalled classes it recognises),
        "extractor".

    Raises:
        ConfigurationError: the network is no autoencoder.
    """
    if not isinstance(network, Autoencoder):
        raise ConfigurationError("judge: expected an autoencoder, received a network that recalls from concepts only.")
    originals, _ = test[:]
    reconstructed = reconstruct(network, originals)
    clipped = reconstructed.clamp(0, 1)
    images, labels = draw_images(
        network, LatentDensity.fit(network, train, components=components, seed=seed), samples, seed=seed
    )
    found: dict[str, Any] = {
        "extractor": extractor.label,
        "reconstruction": {
            "mse": mean_squared_error(reconstructed, originals),
            "psnr": psnr(clipped, originals),
            "ssim": ssim(clipped, originals),
            "frechet": frechet_between(extractor, originals, clipped),
        },
        "samples": generation_quality(extractor, originals, images),
    }
    if classifier is not None:
        classes = torch.arange(network.concept.classes)
        recalled = network.recall(classes).clamp(0, 1)
        found["samples"]["named"] = label_accuracy(classifier, images, labels)
        found["classes"] = round(label_accuracy(classifier, recalled, classes) * len(classes))
    return found
