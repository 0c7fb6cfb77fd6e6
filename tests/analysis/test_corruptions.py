"""Corruptions: exact limits and invariances, independent of the code under test."""

from __future__ import annotations

import pytest
import torch

from bispike.analysis import corruptions
from bispike.errors import UserError

KINDS = sorted(corruptions.registry)


@pytest.fixture
def images() -> torch.Tensor:
    return torch.rand(6, 3, 12, 10, generator=torch.Generator().manual_seed(1))


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("severity", [1, 3, 5])
def test_shape_range_and_input_are_kept(kind: str, severity: int, images: torch.Tensor) -> None:
    before = images.clone()
    damaged = corruptions.corrupt(images, kind, severity, generator=seeded())
    assert damaged.shape == images.shape
    assert damaged.dtype == images.dtype
    assert torch.equal(images, before)
    assert damaged.min() >= -1e-6
    assert damaged.max() <= 1 + 1e-6
    assert not torch.equal(damaged, images)


@pytest.mark.parametrize("kind", KINDS)
def test_damage_grows_with_severity(kind: str, images: torch.Tensor) -> None:
    distance = [
        float((corruptions.corrupt(images, kind, level, generator=seeded()) - images).square().mean())
        for level in range(1, 6)
    ]
    assert distance == sorted(distance)
    assert len(set(distance)) == 5


@pytest.mark.parametrize("kind", KINDS)
def test_the_generator_alone_decides(kind: str, images: torch.Tensor) -> None:
    first = corruptions.corrupt(images, kind, 4, generator=seeded(3))
    assert torch.equal(first, corruptions.corrupt(images, kind, 4, generator=seeded(3)))


@pytest.mark.parametrize(("severity", "deviation"), [(1, 0.08), (2, 0.12), (3, 0.18)])
def test_noise_has_the_published_deviation(severity: int, deviation: float) -> None:
    """The levels of Hendrycks & Dietterich, as far as clipping at 0 and 1 is rare."""
    grey = torch.full((64, 1, 32, 32), 0.5)
    noise = corruptions.gaussian_noise(grey, severity, generator=seeded()) - grey
    assert float(noise.std()) == pytest.approx(deviation, rel=0.02)
    assert abs(float(noise.mean())) < 0.003


@pytest.mark.parametrize("kind", ["blur", "contrast"])
def test_a_constant_image_stays(kind: str) -> None:
    flat = torch.full((2, 1, 9, 9), 0.3)
    assert torch.allclose(corruptions.corrupt(flat, kind, 5), flat, atol=1e-6)


@pytest.mark.parametrize(("severity", "level"), [(1, 0.4), (2, 0.3), (3, 0.2), (4, 0.1), (5, 0.05)])
def test_contrast_keeps_the_mean_and_scales_the_deviation(severity: int, level: float, images: torch.Tensor) -> None:
    damaged = corruptions.contrast(images, severity)
    assert torch.allclose(damaged.mean((1, 2, 3)), images.mean((1, 2, 3)), atol=1e-6)
    ratio = damaged.std((1, 2, 3)) / images.std((1, 2, 3))
    assert torch.allclose(ratio, torch.full_like(ratio, level), atol=1e-5)


def test_blur_of_a_point_is_a_symmetric_bell() -> None:
    point = torch.zeros(1, 1, 41, 61)
    point[0, 0, 20, 30] = 1
    bell = corruptions.blur(point, 5)[0, 0]
    assert float(bell.sum()) == pytest.approx(1, abs=1e-5)
    assert torch.allclose(bell, bell.flip(0), atol=1e-7)
    assert torch.allclose(bell, bell.flip(1), atol=1e-7)
    for axis, size in ((0, 61), (1, 41)):  # the shorter side sets the width in both directions
        squared = (torch.arange(size) - size // 2).double() ** 2
        assert float((bell.double().sum(axis) * squared).sum().sqrt()) == pytest.approx(0.08 * 41, rel=0.03)


def test_occlusion_covers_one_grey_square_of_the_stated_area() -> None:
    black = torch.zeros(50, 1, 20, 30)
    covered = corruptions.occlusion(black, 3, generator=seeded())
    assert set(covered.unique().tolist()) == {0.0, 0.5}
    side = round((0.2 * 600) ** 0.5)
    assert ((covered > 0).sum((1, 2, 3)) == side * side).all()
    rows = (covered > 0).any(3).sum(2)
    assert (rows == side).all()
    assert len({tuple(mask.flatten().tolist()) for mask in covered > 0}) > 10


def test_a_text_names_a_corruption() -> None:
    images = torch.rand(8, 1, 6, 6, generator=seeded(2))
    damaged = corruptions.transform("gaussian-noise:3")(images, seeded(7))
    assert torch.equal(damaged, corruptions.corrupt(images, "gaussian-noise", 3, generator=seeded(7)))


@pytest.mark.parametrize(
    ("text", "word"),
    [("blurr:3", "blur"), ("blur", "SEVERITY"), ("blur:0", "1 to 5"), ("blur:6", "1 to 5"), ("blur:x", "1 to 5")],
)
def test_a_wrong_text_is_explained(text: str, word: str) -> None:
    with pytest.raises(UserError, match=word):
        corruptions.parse(text)


@pytest.mark.parametrize("kind", ["blur", "occlusion"])
def test_features_are_not_images(kind: str) -> None:
    with pytest.raises(UserError, match="images only"):
        corruptions.corrupt(torch.rand(4, 7), kind, 1)
