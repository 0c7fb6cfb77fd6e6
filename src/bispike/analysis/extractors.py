"""Features of images by which sets are compared: those of a trained bispike network, or of Inception-v3 (the real FID).

A distance always goes by its extractor's label; only Inception's is called FID.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, Protocol

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from ..errors import ConfigurationError, DataError, ShapeError
from ..functional import frechet_distance, gaussian_of
from ..nn import Network
from .quality import set_quality

BATCH = 500
WEIGHTS_VARIABLE = "BISPIKE_INCEPTION"
WEIGHTS_FILE = "weights-inception-2015-12-05-6726825d.pth"
WEIGHTS_ADDRESS = f"https://github.com/toshas/torch-fidelity/releases/download/v0.2.0/{WEIGHTS_FILE}"
WEIGHTS_DIGEST = "6726825d"  # first digits of its SHA-256, as its name says


class Extractor(Protocol):
    """What turns images into features.

    Attributes:
        label: how a Fréchet distance of these features is called in tables.
    """

    label: str

    def features(self, images: Tensor) -> Tensor:
        """`[N, D]` features of images `[N, C, H, W]` in 0..1."""
        ...


class ClassifierFeatures:
    """Firing rates of a stage of a trained network; works offline.

    Args:
        network: that tells classes apart, on stimuli like the images.
        name: of the network, for the label.
        stage: name of the stage; None is the last.
    """

    def __init__(self, network: Network, name: str, *, stage: str | None = None) -> None:
        names = network.stage_names
        if stage is not None and stage not in names:
            raise ConfigurationError(f"stage: expected one of {', '.join(names)}, received {stage!r}.")
        self.network, self.stage = network, stage or names[-1]
        self.label = f"Fréchet ({name}, {self.stage})"

    def features(self, images: Tensor) -> Tensor:
        place = self.network.stage_names.index(self.stage)
        return torch.cat([self._rates(part, place).flatten(1).double() for part in images.split(BATCH)])

    def _rates(self, images: Tensor, place: int) -> Tensor:
        if self.network.activity == "spikes":
            return self.network.observe(images)[place].rate
        with self.network.inference():
            return list(self.network.sweep_rates(self.network.encode(images)))[place].activity.rate


class Inception:
    """Inception-v3 as the FID defines it: 2048 features.

    Args:
        weights: file of its weights; None looks at $BISPIKE_INCEPTION. Safetensors files are read as they are; the
            original `.pth` is checked against the digest in its name and read by torch-fidelity.
        build: makes another network `[N, 3, H, W]` uint8 -> `[N, D]` for weights in a safetensors file.

    Raises:
        DataError: there are no weights, with where they can be fetched; or the file is another one.
        ConfigurationError: torch-fidelity is not installed.
    """

    label = "FID"

    def __init__(self, weights: str | Path | None = None, *, build: Callable[[], nn.Module] | None = None) -> None:
        given = weights or os.environ.get(WEIGHTS_VARIABLE)
        if not given:
            raise DataError(
                f"FID: expected the weights of Inception-v3, received none. Fetch {WEIGHTS_FILE} (91 MB) from "
                f"{WEIGHTS_ADDRESS} and give its path, or set ${WEIGHTS_VARIABLE} to it."
            )
        path = Path(given).expanduser()
        if not path.is_file():
            raise DataError(
                f"FID: {path}: there is no such file; {WEIGHTS_FILE} can be fetched from {WEIGHTS_ADDRESS}."
            )
        if path.suffix != ".safetensors":
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            if not digest.startswith(WEIGHTS_DIGEST):
                raise DataError(
                    f"FID: {path}: expected the file {WEIGHTS_FILE} (SHA-256 {WEIGHTS_DIGEST}...), its digest is "
                    f"{digest[:8]}...; fetch it again from {WEIGHTS_ADDRESS}."
                )
            self.network = _inception(path)
        else:
            self.network = build() if build else _inception(None)
            self.network.load_state_dict(load_file(path))
        self.network.eval()

    def features(self, images: Tensor) -> Tensor:
        if images.dim() != 4 or images.shape[1] not in (1, 3):
            raise ShapeError(f"images: expected [N, 1 or 3, height, width], received {list(images.shape)}.")
        colour = images.expand(-1, 3, -1, -1)
        found = []
        with torch.no_grad():
            for part in colour.split(BATCH):
                made = self.network((part.clamp(0, 1) * 255).round().to(torch.uint8))
                found.append((made[0] if isinstance(made, tuple) else made).flatten(1).double())
        return torch.cat(found)


def _inception(path: Path | None) -> nn.Module:
    try:
        from torchmetrics.image.fid import NoTrainInceptionV3

        network: nn.Module = NoTrainInceptionV3(
            "inception-v3-compat", ["2048"], feature_extractor_weights_path=None if path is None else str(path)
        )
    except (ImportError, ModuleNotFoundError) as error:
        raise ConfigurationError(
            'FID needs torchmetrics and torch-fidelity: pip install "bispike[quality]".'
        ) from error
    return network


def frechet_between(extractor: Extractor, real: Tensor, generated: Tensor) -> float:
    """Fréchet distance between the features of two sets of images `[N, C, H, W]` in 0..1."""
    return _distance(extractor.features(real), extractor.features(generated))


def judge(extractor: Extractor, real: Tensor, generated: Tensor, *, neighbours: int = 5) -> dict[str, Any]:
    """Everything that a set of generated images is judged by, under one extractor.

    Args:
        real, generated: images `[N, C, H, W]` in 0..1.
        neighbours: see `set_quality`.

    Returns:
        "extractor" (its label), "frechet", and the fields of `SetQuality`.
    """
    a, b = extractor.features(real), extractor.features(generated)
    return {"extractor": extractor.label, "frechet": _distance(a, b), **asdict(set_quality(a, b, neighbours))}


def _distance(a: Tensor, b: Tensor) -> float:
    return float(frechet_distance(*gaussian_of(a), *gaussian_of(b)))
