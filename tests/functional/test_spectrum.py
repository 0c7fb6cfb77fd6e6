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
