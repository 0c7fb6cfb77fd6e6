"""New images from an autoencoder: latent codes are drawn from a density that is fitted after training.

The density is one mixture of Gaussians per class, so that codes of a given class can be drawn. The top-down pathway
maps codes to images.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..arguments import checked
from ..data import Split
from ..errors import ConfigurationError
from ..nn import Autoencoder

BATCH = 500


@checked
def compress(network: Autoencoder, stimuli: Tensor) -> Tensor:
    """Latent rates `[N, D]` of stimuli `[N, *shape]`, batch by batch."""
    return torch.cat([network.compress(part).flatten(1) for part in stimuli.split(BATCH)])


@checked
def expand(network: Autoencoder, codes: Tensor) -> Tensor:
    """Stimuli `[N, *shape]` that the top-down pathway decodes from latent codes `[N, D]`, batch by batch."""
    shape = network.layers[-1].output_shape
    return torch.cat([network.expand(part.unflatten(1, shape)) for part in codes.split(BATCH)])


@checked
def reconstruct(network: Autoencoder, stimuli: Tensor) -> Tensor:
    """Reconstructions `[N, *shape]` of stimuli, batch by batch."""
    return torch.cat([network.reconstruct(part) for part in stimuli.split(BATCH)])


@dataclass(frozen=True)
class LatentDensity:
    """A mixture of Gaussians over latent codes for each class.

    Args:
        mixtures: scikit-learn's `GaussianMixture`, one per class.
        highest: largest value of a code: 1 for spiking networks, infinity for rate networks.
    """

    mixtures: tuple[Any, ...]
    highest: float

    @classmethod
    def fit(
        cls, network: Autoencoder, split: Split, *, components: int = 1, samples: int = 20000, seed: int = 0
    ) -> LatentDensity:
        """Fit the density to the codes of stimuli.

        Args:
            network: an autoencoder.
            split: with at least two stimuli of each class among the first `samples`.
            components: number of Gaussians per class.
            samples: largest number of stimuli to use.
            seed: of the initialisation of the fit.

        Raises:
            ConfigurationError: a class has too few stimuli.
        """
        from sklearn.mixture import GaussianMixture

        stimuli, labels = split[: min(samples, len(split))]
        codes = compress(network, stimuli).double().numpy()
        mixtures = []
        for label, name in enumerate(network.concept.names):
            own = codes[(labels == label).numpy()]
            if len(own) < 2 * components:
                raise ConfigurationError(
                    f"components: expected at least two stimuli of class {name!r} for each of {components} Gaussians, "
                    f"received {len(own)}; take fewer components or more samples."
                )
            mixture = GaussianMixture(components, covariance_type="full", reg_covar=1e-4, random_state=seed)
            mixtures.append(mixture.fit(own))
        return cls(tuple(mixtures), network.signals.largest)

    def draw(self, labels: Tensor, *, generator: torch.Generator) -> Tensor:
        """Latent codes `[N, D]` of classes `[N]`."""
        codes: Tensor | None = None
        for label in labels.unique().tolist():
            places = (labels == label).nonzero()[:, 0]
            drawn = self._draw(self.mixtures[label], len(places), generator)
            if codes is None:
                codes = drawn.new_zeros((len(labels), drawn.shape[1]))
            codes[places] = drawn
        if codes is None:
            raise ConfigurationError("labels: expected at least one class, received none.")
        return codes.clamp(0, self.highest)

    @staticmethod
    def _draw(mixture: Any, count: int, generator: torch.Generator) -> Tensor:
        weights = torch.from_numpy(np.asarray(mixture.weights_)).float()
        which = torch.multinomial(weights, count, replacement=True, generator=generator)
        means = torch.from_numpy(np.asarray(mixture.means_))[which]
        roots = torch.linalg.cholesky(torch.from_numpy(np.asarray(mixture.covariances_)))
        noise = torch.randn(means.shape, generator=generator, dtype=torch.float64)
        return (means + (roots[which] @ noise[:, :, None]).squeeze(2)).float()
