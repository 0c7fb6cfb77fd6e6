"""Pairs of images and sets of features: cases worked out by hand, and what must hold for any."""

from __future__ import annotations

import importlib.util
import math
import sys

import pytest
import torch
from torch import Tensor

from bispike.analysis import SetQuality, diversity, mean_squared_error, psnr, quality, set_quality, ssim
from bispike.errors import ShapeError, UserError

needs_torchmetrics = pytest.mark.skipif(
    importlib.util.find_spec("torchmetrics") is None, reason="torchmetrics is not installed"
)


def draw(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def column(*values: float) -> Tensor:
    return torch.tensor(values, dtype=torch.float32)[:, None]


# ------------------------------------------------------------------ pairs of images


def test_errors_of_pairs_are_averaged_over_the_batch() -> None:
    a = torch.zeros(2, 1, 2, 2)
    b = torch.stack([torch.full((1, 2, 2), 0.1), torch.full((1, 2, 2), 0.01)])
    assert mean_squared_error(a, b) == pytest.approx((1e-2 + 1e-4) / 2)
    assert psnr(a, b) == pytest.approx((20 + 40) / 2, abs=1e-5)
    assert psnr(255 * a, 255 * b, peak=255) == pytest.approx(30, abs=1e-5)
    assert psnr(a, a) == math.inf


@needs_torchmetrics
def test_ssim_of_constant_images_compares_their_brightness() -> None:
    low, high = torch.full((3, 1, 8, 8), 0.2), torch.full((3, 1, 8, 8), 0.6)
    expected = (2 * 0.2 * 0.6 + 0.01**2) / (0.2**2 + 0.6**2 + 0.01**2)
    assert ssim(low, high) == pytest.approx(expected, abs=1e-4)
    assert ssim(255 * low, 255 * high, peak=255) == pytest.approx(expected, abs=1e-4)


@needs_torchmetrics
def test_ssim_falls_with_noise_and_is_one_for_equal_images() -> None:
    image = draw(2, 3, 16, 16)
    noisy = [ssim(image, image + level * draw(2, 3, 16, 16, seed=1)) for level in (0.0, 0.2, 1.0)]
    assert noisy[0] == pytest.approx(1, abs=1e-5)
    assert noisy[0] > noisy[1] > noisy[2]


def test_ssim_names_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torchmetrics.functional.image", None)
    with pytest.raises(UserError, match=r'pip install "bispike\[quality\]"'):
        ssim(draw(1, 1, 8, 8), draw(1, 1, 8, 8))


@pytest.mark.parametrize("measure", [mean_squared_error, psnr, ssim])
def test_pairs_of_other_shapes_are_refused(measure: object) -> None:
    assert callable(measure)
    for a, b in ((draw(2, 8, 8), draw(2, 8, 8)), (draw(2, 1, 8, 8), draw(1, 1, 8, 8))):
        with pytest.raises(ShapeError, match="images"):
            measure(a, b)


def test_ssim_refuses_images_smaller_than_its_window() -> None:
    with pytest.raises(ShapeError, match="above 5"):
        ssim(draw(1, 1, 8, 5), draw(1, 1, 8, 5))


# ------------------------------------------------------------------ sets of features


def test_a_case_by_hand() -> None:
    """Radii of the real points 0, 1, 3, 7: 1, 1, 2, 4. Of the generated 0.5, 2, 20: 1.5, 1.5, 18."""
    found = set_quality(column(0, 1, 3, 7), column(0.5, 2, 20), neighbours=1)
    # 0.5 lies in the balls of 0 and 1; 2 in that of 3 alone (1 and 1 + 1 only touch); 20 in none.
    assert found.precision == pytest.approx(2 / 3)
    assert found.density == pytest.approx(3 / 3)
    assert found.coverage == pytest.approx(3 / 4)
    # (-1, 2) holds 0 and 1; (0.5, 3.5) holds 1 and 3; (2, 38) holds 3 and 7.
    assert found.recall == 1


@pytest.mark.parametrize("neighbours", [1, 5])
def test_a_set_is_as_good_as_itself(neighbours: int) -> None:
    real = draw(60, 8)
    assert set_quality(real, real.clone(), neighbours) == SetQuality(1, 1, 1, 1)
    assert diversity(real, real.clone()) == 1


def test_copies_of_a_few_samples_are_realistic_but_cover_little() -> None:
    real = draw(100, 8)
    copies = real[:2].repeat(10, 1)
    found = set_quality(real, copies, neighbours=3)
    assert found.precision == 1
    assert found.recall == 0.02  # the two that were copied
    assert found.coverage < 0.2
    assert 0 < diversity(real, copies) < 1
    assert diversity(real, real[:1].repeat(10, 1)) == 0


def test_samples_far_away_share_nothing() -> None:
    real = draw(40, 4)
    assert set_quality(real, real + 100) == SetQuality(0, 0, 0, 0)
    assert diversity(real, real + 100) == pytest.approx(1, rel=1e-3)


def test_diversity_is_a_ratio_of_scales() -> None:
    real = draw(40, 4).double()
    assert diversity(real, 3 * real) == pytest.approx(3)
    assert diversity(column(0, 1, 3), column(0, 4)) == pytest.approx(2)


def test_parts_of_the_distances_make_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    real, generated = draw(50, 3), draw(35, 3, seed=1)
    whole = set_quality(real, generated), diversity(real, generated)
    monkeypatch.setattr(quality, "ROWS", 7)
    found = set_quality(real, generated), diversity(real, generated)
    assert found[0] == whole[0]
    assert found[1] == pytest.approx(whole[1])


def test_sets_that_are_too_small_or_differ_are_refused() -> None:
    with pytest.raises(ShapeError, match="real features: expected shape \\[at least 6 samples"):
        set_quality(draw(5, 2), draw(9, 2))
    with pytest.raises(ShapeError, match="generated features"):
        set_quality(draw(9, 2), draw(9))
    with pytest.raises(ShapeError, match="expected 2 per sample"):
        diversity(draw(9, 2), draw(9, 3))
    with pytest.raises(UserError, match="neighbours"):
        set_quality(draw(9, 2), draw(9, 2), neighbours=0)


def test_a_set_of_ties_covers_itself() -> None:
    ties = torch.zeros(12, 3)
    found = set_quality(ties, ties, neighbours=3)
    assert (found.precision, found.recall, found.coverage) == (1, 1, 1)
