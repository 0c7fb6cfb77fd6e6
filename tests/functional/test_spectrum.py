"""Frequency bands: an orthogonal split of images and vectors."""

import math

import pytest
import torch

from bispike.errors import ConfigurationError
from bispike.functional import split_bands, weigh_bands


def draw(*shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


@pytest.mark.parametrize("shape", [(3, 2, 9, 8), (4, 11), (4, 12)])
def test_bands_add_up_and_are_orthogonal(shape: tuple[int, ...]) -> None:
    values = draw(*shape)
    low, high = split_bands(values, 0.2)
    torch.testing.assert_close(low + high, values)
    torch.testing.assert_close((low * high).flatten(1).sum(1), torch.zeros(shape[0], dtype=torch.float64))
    torch.testing.assert_close(split_bands(low, 0.2)[0], low)


def test_a_wave_lies_in_its_band() -> None:
    wave = torch.sin(2 * math.pi * 4 * torch.arange(16, dtype=torch.float64) / 16).expand(1, 1, 16, 16)
    low, high = split_bands(wave, 0.2)  # 4 of 16: 0.25 cycles a pixel
    assert float(low.abs().max()) < 1e-12
    torch.testing.assert_close(high, wave)


def test_weights_are_those_of_inner_products() -> None:
    values = draw(2, 1, 8, 8)
    low, high = split_bands(values, 0.3)
    weighed = weigh_bands(values, 0.3, 1.0, 4.0)
    expected = (low[0] * low[1]).sum() + 4 * (high[0] * high[1]).sum()
    torch.testing.assert_close((weighed[0] * weighed[1]).sum(), expected)


def test_the_cutoff_is_checked() -> None:
    with pytest.raises(ConfigurationError, match="cutoff"):
        split_bands(draw(1, 4), 0.0)


@pytest.mark.parametrize("axis", [2, 3])
@pytest.mark.parametrize(("waves", "band"), [(0, 0), (1, 0), (3, 0), (5, 1), (6, 1)])
def test_a_wave_of_an_image_lies_in_its_band_along_either_axis(axis: int, waves: int, band: int) -> None:
    """The cut-off 0.3 lies between 3 and 5 waves over 12 positions, on maps that are not square."""
    line = torch.cos(2 * math.pi * waves * torch.arange(12, dtype=torch.float64) / 12)
    image = line.reshape(1, 1, 12, 1).expand(2, 3, 12, 7) if axis == 2 else line.expand(2, 3, 7, 12)
    bands = split_bands(image, 0.3)
    torch.testing.assert_close(bands[band], image, rtol=0, atol=1e-12)
    torch.testing.assert_close(bands[1 - band], torch.zeros_like(image), rtol=0, atol=1e-12)


def test_a_diagonal_wave_has_the_length_of_both_frequencies() -> None:
    """0.25 along each axis is 0.354 in all: above 0.3, below 0.4."""
    position = torch.arange(8, dtype=torch.float64)
    image = torch.cos(2 * math.pi * 0.25 * (position[:, None] + position))[None, None]
    torch.testing.assert_close(split_bands(image, 0.3)[1], image, rtol=0, atol=1e-12)
    torch.testing.assert_close(split_bands(image, 0.4)[0], image, rtol=0, atol=1e-12)


def test_the_highest_frequencies_need_the_largest_cutoff() -> None:
    checks = torch.tensor([1.0, -1.0], dtype=torch.float64).repeat(4)
    board = (checks[:, None] * checks)[None, None]
    torch.testing.assert_close(split_bands(board, 0.71)[0], board, rtol=0, atol=1e-12)
    torch.testing.assert_close(split_bands(board, 0.7)[1], board, rtol=0, atol=1e-12)


def test_a_frequency_at_the_cutoff_is_high() -> None:
    wave = torch.cos(2 * math.pi * 2 * torch.arange(8, dtype=torch.float64) / 8)[None]
    torch.testing.assert_close(split_bands(wave, 0.25)[1], wave, rtol=0, atol=1e-12)


@pytest.mark.parametrize("cutoff", [-0.1, 0.0, 0.72, float("nan")])
def test_cutoffs_outside_their_range_are_refused(cutoff: float) -> None:
    with pytest.raises(ConfigurationError, match="cutoff"):
        split_bands(draw(1, 4), cutoff)


@pytest.mark.parametrize("shape", [(1, 1, 10, 5), (1, 1, 5, 10), (1, 10)])
def test_frequencies_are_as_exact_as_the_values(shape: tuple[int, ...]) -> None:
    """0.2 rounded to 32 bits is above 0.2 + 1e-10."""
    line = torch.cos(2 * math.pi * 2 * torch.arange(10, dtype=torch.float64) / 10)
    wave = line.reshape(1, 1, 10, 1).expand(shape) if shape[-1] == 5 else line.expand(shape)
    torch.testing.assert_close(split_bands(wave, 0.2 + 1e-10)[0], wave, rtol=0, atol=1e-12)
