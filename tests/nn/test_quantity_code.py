"""Tuned neurons by hand: centres, width, limits, and as many spikes as the rate says."""

from __future__ import annotations

import math

import pytest
import torch

from bispike.functional import Neuron
from bispike.nn import QuantityCode


@pytest.mark.parametrize(("size", "quantities"), [(5, 2), (0, 1), (0, 3), (0, 40), (1, 2)])
def test_rates_are_the_tuning_curves(size: int, quantities: int) -> None:
    """exp(−(v − c)²/2w²), centres evenly from −2.5 to 2.5; values beyond count as the outermost."""
    code = QuantityCode(quantities, size=size, neuron=Neuron())
    each = size or {1: 64, 3: 21, 40: 4}[quantities]
    assert code.each == each
    assert code.size == quantities * each
    assert code.classes == quantities
    centres = [-2.5 + 5 * m / max(each - 1, 1) for m in range(each)]
    width = max(5 / max(each - 1, 1), 0.3)
    assert code.width == pytest.approx(width)
    values = [0.0, 0.3, -1.7, 2.4, -2.6, 9.0]
    found = code.rates(torch.tensor(values)[:, None].expand(len(values), quantities))
    assert found.shape == (len(values), code.size)
    for row, value in zip(found.unflatten(1, (quantities, each)), values, strict=True):
        near = min(max(value, -2.5), 2.5)
        expected = torch.tensor([math.exp(-((near - centre) ** 2) / (2 * width**2)) for centre in centres])
        for quantity in row:
            torch.testing.assert_close(quantity, expected, rtol=1e-5, atol=1e-6)


def test_each_quantity_has_neurons_of_its_own() -> None:
    code = QuantityCode(2, size=7, neuron=Neuron())
    one, other = code.rates(torch.tensor([[0.4, -1.0], [0.4, 2.0]]))
    assert torch.equal(one[:7], other[:7])
    assert not torch.equal(one[7:], other[7:])


def test_spikes_come_to_the_nearest_share_of_the_steps() -> None:
    code = QuantityCode(1, size=9, neuron=Neuron())
    values = torch.tensor([[0.1], [-2.0], [1.3]])
    spikes = code.spikes_of(values, 8)
    assert spikes.shape == (8, 3, 9)
    assert set(spikes.unique().tolist()) == {0, 1}
    assert float((spikes.mean(0) - code.rates(values)).abs().max()) <= 1 / 16 + 1e-6


def test_as_a_concept_a_quantity_is_one_deviation_above_its_mean() -> None:
    code = QuantityCode(2, size=7, neuron=Neuron())
    assert torch.equal(code.spikes(6), code.spikes_of(torch.tensor([[1.0, 0.0], [0.0, 1.0]]), 6))
    torch.testing.assert_close(code.rate(6), code.spikes(6).mean(0))
    assert not code.constant
    assert list(code.parameters()) == []
    code.write_gradient(code.rate(6))  # there is nothing to learn
