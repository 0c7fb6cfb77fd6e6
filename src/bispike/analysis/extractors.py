"""Feature extractors for images, and measures of generated images in their feature space.

`ClassifierFeatures` uses the firing rates of a trained network. It needs no download, but two numbers compare only if
they come from the same classifier. `Inception` is the network of the published Fréchet inception distance (FID).
"""

from __future__ import annotations

import io
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor, nn

from ..arguments import checked
from ..data.download import download, matches
from ..errors import (
    ConfigurationError,
    DamagedError,
    DataError,
    DownloadError,
    UnknownNameError,
    UserError,
    expect_shape,
)
from ..functional import frechet_distance, gaussian_of
from ..nn import StimulusNetwork
from ..restoring import expect_finite
from ..runs.checkpoint import read_tensors
from .quality import diversity, optional_module, set_quality
from .recorded_passes import layer_rates

Weights = dict[str, Tensor]

VARIABLE = "BISPIKE_INCEPTION_WEIGHTS"
WEIGHTS_URL = (
    "https://github.com/toshas/torch-fidelity/releases/download/v0.2.0/weights-inception-2015-12-05-6726825d.pth"
)
WEIGHTS_CHECKSUM = "sha256:6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2"


class FeatureExtractor(Protocol):
    """Maps images to features.

    Attributes:
        name: name of the extractor, for records.
        label: name of the Fréchet distance of these features, for tables.
    """

    name: str
    label: str

    def features(self, images: Tensor) -> Tensor:
        """Features `[N, D]`, float32 on the CPU, of images `[N, C, H, W]` in 0..1."""
        ...


class ClassifierFeatures:
    """Firing rates of a layer of a trained classifier; of a rate network its activations.

    Args:
        network: the classifier; its stimuli are the images.
        name: name of the classifier, for the label, such as `"mnist-mlp-bsd"`.
        layer: name of the layer; None: the last one.
        batch_size: number of images per pass.

    Raises:
        UnknownNameError: the network has no such layer.
        ConfigurationError: the name contains FID, which only `Inception` measures.
    """

    def __init__(self, network: StimulusNetwork, name: str, layer: str | None = None, *, batch_size: int = 64) -> None:
        self.layer = network.layer_names[-1] if layer is None else layer
        if self.layer not in network.layer_names:
            raise UnknownNameError("layer", self.layer, network.layer_names)
        if re.search(r"\bFID\b", name, re.IGNORECASE):
            raise ConfigurationError(f"name: {name!r} contains FID, which only Inception measures; take another name.")
        self.network, self.name, self.batch_size = network, name, batch_size
        self.label = f"Fréchet ({name} classifier, {self.layer})"

    def features(self, images: Tensor) -> Tensor:
        """Rates `[N, D]` of images `[N, *stimulus.shape]` in the units of the classifier's data."""
        _check_images(images)
        batches = images.split(self.batch_size)
        return torch.cat([layer_rates(self.network, batch)[self.layer] for batch in batches])


@checked
def inception_v3(weights: Weights) -> nn.Module:
    """The network of FID, from torch-fidelity: uint8 images `[B, 3, H, W]` to features `[B, 2048]`.

    It resizes to 299 × 299 pixels as the first implementation did. Its constructor unpickles its file, so it gets a
    stream of weights that were read safely before.

    Raises:
        UserError: torch-fidelity is not installed.
    """
    library = optional_module("torch_fidelity.feature_extractor_inceptionv3")
    stream = io.BytesIO()
    torch.save(weights, stream)
    stream.seek(0)
    return library.FeatureExtractorInceptionV3("inception-v3-compat", ["2048"], feature_extractor_weights_path=stream)


class Inception:
    """Features of the Inception network, whose Fréchet distance is FID.

    Grey images are repeated to three channels; values are clipped to 0..1 and rounded to 8 bits, as when a picture is
    saved. Weights come from a `.pth` file, of which only tensors are read (never arbitrary objects) and whose SHA-256
    must be that of the published one, or from a `.safetensors` file, which is not verified: the label names it.
    Source: Heusel et al., NeurIPS 2017; weights and network as in torch-fidelity.

    Args:
        weights: the file; None: `$BISPIKE_INCEPTION_WEIGHTS`, else torch's hub cache, into which it is downloaded.
        build: builds another network from the weights, from uint8 `[B, 3, H, W]` to `[B, D]`; its file is not compared
            with the published one, and its label does not contain FID.
        device: device of the network.
        batch_size: number of images per pass.

    Raises:
        UserError: torch-fidelity is not installed.
        DataError: the file is missing, damaged, or has other weights.
        DownloadError: there is no file, and it cannot be downloaded; the message gives the location for it.
    """

    def __init__(
        self,
        weights: str | os.PathLike[str] | None = None,
        *,
        build: Callable[[Weights], nn.Module] = inception_v3,
        device: torch.device | str = "cpu",
        batch_size: int = 64,
    ) -> None:
        path = weights_file(weights)
        published = path.suffix != ".safetensors"
        if build is inception_v3:
            if published and not matches(path, WEIGHTS_CHECKSUM):
                raise DataError(
                    f"{path}: is not the published file ({WEIGHTS_CHECKSUM}). Download it from {WEIGHTS_URL}"
                )
            self.name = "inception-v3"
            self.label = "FID" if published else f"FID (weights {path.name})"
        else:
            self.name = getattr(build, "__name__", type(build).__name__)
            self.label = f"Fréchet ({self.name}, {path.name})"
        stored = read_weights(path)
        try:
            network = build(stored)
        except (RuntimeError, TypeError, AttributeError) as error:
            raise DataError(f"{path}: does not contain the weights of {self.name} ({error}).") from error
        self.network = network.to(device).eval()
        self.device, self.batch_size = device, batch_size

    def features(self, images: Tensor) -> Tensor:
        """Features `[N, D]`, float32 on the CPU, of images `[N, 1 or 3, H, W]` in 0..1.

        Raises:
            ShapeError: another number of channels or axes.
        """
        _check_images(images)
        if images.shape[1] not in (1, 3):
            raise expect_shape("images", "samples, 1 or 3 channels, height, width", images.shape)
        with torch.no_grad():
            return torch.cat([self._features(batch) for batch in images.split(self.batch_size)])

    def _features(self, batch: Tensor) -> Tensor:
        pixels = (batch.to(self.device).clamp(0, 1) * 255).round().to(torch.uint8).expand(-1, 3, -1, -1)
        found = self.network(pixels)
        return (found[0] if isinstance(found, tuple) else found).float().cpu()


@checked
def weights_file(given: str | os.PathLike[str] | None = None) -> Path:
    """The file of Inception's weights: the one given, else `$BISPIKE_INCEPTION_WEIGHTS`, else in torch's hub cache.

    Raises:
        DataError: the file named does not exist.
        DownloadError: none is named or in the cache, and it cannot be downloaded.
    """
    for origin, named in (("weights", given), (f"${VARIABLE}", os.environ.get(VARIABLE) or None)):
        if named is not None:
            path = Path(named).expanduser().absolute()
            if not path.is_file():
                raise DataError(f"{origin}: {path} is not a file.")
            return path
    cached = Path(torch.hub.get_dir()).absolute() / "checkpoints" / WEIGHTS_URL.rpartition("/")[2]
    if cached.is_file():
        return cached
    try:
        return download([WEIGHTS_URL], cached, checksum=WEIGHTS_CHECKSUM)
    except (DataError, DownloadError) as error:
        raise DownloadError(
            f"FID needs the weights of Inception. Download {WEIGHTS_URL} to {cached}, or set "
            f"{VARIABLE} to the path of the file. Cause: {error}"
        ) from error


@checked
def read_weights(path: Path) -> Weights:
    """Tensors by name from a `.safetensors` file, or from one that torch saved.

    Raises:
        DataError: the file is damaged, contains other objects than tensors, or has a weight that is not finite.
    """
    try:
        if path.suffix == ".safetensors":
            found = read_tensors(path)
        else:  # The file exists, so nothing is downloaded; weights_only refuses everything but tensors.
            found = torch.hub.load_state_dict_from_url(
                path.as_uri(), str(path.parent), map_location="cpu", file_name=path.name, weights_only=True
            )
    except Exception as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise DataError(f"{path}: cannot be read as weights ({reason})") from error
    if not isinstance(found, dict) or not all(isinstance(value, Tensor) for value in found.values()):
        raise DataError(f"{path}: expected tensors by name, received {type(found).__name__}.")
    try:
        for name, value in found.items():
            expect_finite(str(name), value, path)
    except DamagedError as error:
        raise DataError(str(error)) from error
    return found


@checked
def frechet_between(extractor: FeatureExtractor, real_images: Tensor, generated_images: Tensor) -> float:
    """Fréchet distance of the features of two sets of images `[N, C, H, W]` and `[M, C, H, W]`.

    It decreases with the number of samples: compare only distances of sets of the same sizes.
    """
    return _frechet(extractor.features(real_images), extractor.features(generated_images))


@checked
def generation_quality(
    extractor: FeatureExtractor, real_images: Tensor, generated_images: Tensor, *, neighbours: int = 5
) -> dict[str, float]:
    """All measures of a generated set of images `[M, C, H, W]` relative to a real one `[N, C, H, W]`.

    Returns:
        `"frechet"`, `"precision"`, `"recall"`, `"density"`, `"coverage"`, `"diversity"`; see `analysis.quality`.
    """
    real, generated = extractor.features(real_images), extractor.features(generated_images)
    found = set_quality(real, generated, neighbours)
    return {
        "frechet": _frechet(real, generated),
        "precision": found.precision,
        "recall": found.recall,
        "density": found.density,
        "coverage": found.coverage,
        "diversity": diversity(real, generated),
    }


def _frechet(real: Tensor, generated: Tensor) -> float:
    return float(frechet_distance(*gaussian_of(real), *gaussian_of(generated)))


def _check_images(images: Tensor) -> None:
    if images.dim() != 4 or images.numel() == 0:
        raise expect_shape("images", "samples, channels, height, width", images.shape)
    if not bool(images.isfinite().all()):
        raise UserError("images: expected values in 0..1, received NaN or infinity.")
