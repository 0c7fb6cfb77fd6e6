"""The backward of average pooling, from the definition of its cells."""

from __future__ import annotations

import pytest
import torch

from bispike.functional import spread_average


@pytest.mark.parametrize(("size", "cells"), [((4, 6), (2, 3)), ((5, 7), (2, 3)), ((3, 3), (3, 3)), ((7, 4), (3, 1))])
def test_each_cell_spreads_its_gradient_over_its_positions(size: tuple[int, int], cells: tuple[int, int]) -> None:
    """Cell i of h covers the positions from ⌊iH/h⌋ to ⌈(i+1)H/h⌉; cells may overlap."""
    grad = torch.randn(2, 3, *cells, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    expected = torch.zeros(2, 3, *size, dtype=torch.float64)
    for i in range(cells[0]):
        rows = slice(i * size[0] // cells[0], -(-(i + 1) * size[0] // cells[0]))
        for j in range(cells[1]):
            columns = slice(j * size[1] // cells[1], -(-(j + 1) * size[1] // cells[1]))
            area = (rows.stop - rows.start) * (columns.stop - columns.start)
            expected[:, :, rows, columns] += grad[:, :, i : i + 1, j : j + 1] / area
    with torch.no_grad():
        received = spread_average(grad, size)
    assert not received.requires_grad
    torch.testing.assert_close(received, expected, rtol=1e-12, atol=1e-12)
