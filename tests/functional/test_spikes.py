"""Spike trains as bits, tensors, and two side by side: the same train in every form."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from torch import Tensor

from bispike.functional import (
    JoinedSpikes,
    PackedSpikes,
    dense_spikes,
    map_of,
    native_usable,
    pool_spikes,
    rate_of,
    rows_of,
)

packs = pytest.mark.skipif(not native_usable(torch.ones(1)), reason="no compiled kernels")


def train(*shape: int, density: float = 0.4, seed: int = 0) -> Tensor:
    return (torch.rand(shape, generator=torch.Generator().manual_seed(seed)) < density).float()


def pooled_by_hand(spikes: Tensor, side: int, *, ceil: bool) -> Tensor:
    """A cell fires where any of its positions does; with `ceil` cells at the edge may be smaller."""
    height, width = spikes.shape[3:]
    tall, wide = (-(-n // side) if ceil else n // side for n in (height, width))
    result = torch.zeros(*spikes.shape[:3], tall, wide)
    for y in range(tall):
        for x in range(wide):
            cell = spikes[:, :, :, y * side : (y + 1) * side, x * side : (x + 1) * side]
            result[:, :, :, y, x] = cell.amax((3, 4))
    return result


SIZES = [(4, 6), (7, 5), (6, 7), (5, 4), (3, 8)]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("side", [2, 3])
@pytest.mark.parametrize("ceil", [False, True])
@pytest.mark.parametrize("form", ["float32", "int8", pytest.param("packed", marks=packs)])
def test_pooling_is_an_or_over_each_cell(size: tuple[int, int], side: int, ceil: bool, form: str) -> None:
    spikes = train(3, 2, 35, *size, density=0.15)
    given = PackedSpikes.pack(spikes) if form == "packed" else spikes.to(getattr(torch, form))
    received = pool_spikes(given, side, ceil=ceil)
    expected = pooled_by_hand(spikes, side, ceil=ceil)
    assert received.shape == expected.shape
    assert isinstance(received, Tensor) == (form != "packed")
    if isinstance(received, Tensor) and isinstance(given, Tensor):
        assert received.dtype == given.dtype
    assert torch.equal(dense_spikes(received, like=expected), expected)


@packs
def test_pooling_drops_the_edge_unless_told_otherwise() -> None:
    spikes = torch.zeros(1, 1, 1, 3, 3)
    spikes[..., 2, 2] = 1
    packed = PackedSpikes.pack(spikes)
    assert dense_spikes(pool_spikes(packed, 2), like=spikes).flatten().tolist() == [0]
    assert packed.pool(2).shape == (1, 1, 1, 1, 1)
    assert packed.pool(2, ceil=True).dense().flatten().tolist() == [0, 0, 0, 1]


@packs
@pytest.mark.parametrize("shape", [(1,), (32,), (33,), (70, 3, 2)])
def test_events_list_what_fired_row_by_row(shape: tuple[int, ...]) -> None:
    spikes = train(2, 3, *shape)
    packed = PackedSpikes.pack(spikes)
    rows = rows_of(spikes.flatten(0, 1)).flatten(0, 1)
    starts, fired = packed.events
    assert packed.rows == len(rows) == len(starts) - 1
    for row, (first, last) in enumerate(pairwise(starts.tolist())):
        assert fired[first:last].tolist() == rows[row].nonzero().flatten().tolist()
    assert packed.count == int(spikes.sum())
    assert packed.density == pytest.approx(float(spikes.mean()))


@packs
def test_a_silent_train_and_an_empty_one_have_density_zero() -> None:
    assert PackedSpikes.pack(torch.zeros(2, 3, 4)).density == 0
    assert PackedSpikes.pack(torch.zeros(2, 0, 4)).density == 0


@pytest.mark.parametrize("form", ["float64", "int8", pytest.param("packed", marks=packs)])
def test_the_rate_is_the_share_of_the_steps(form: str) -> None:
    spikes = train(5, 2, 3, 4, 2)
    given = PackedSpikes.pack(spikes) if form == "packed" else spikes.to(getattr(torch, form))
    like = torch.empty(0, dtype=torch.float64 if form == "float64" else torch.float32)
    expected = sum(spikes.to(like.dtype)) / 5
    received = rate_of(given, like=like)
    assert received.dtype == like.dtype
    torch.testing.assert_close(received, expected)


@pytest.mark.parametrize("form", ["float32", pytest.param("packed", marks=packs)])
def test_joined_trains_are_their_channels_side_by_side(form: str) -> None:
    near, far = train(4, 2, 3, 2, 5, seed=1), train(4, 2, 6, 2, 5, seed=2)
    both = [PackedSpikes.pack(part) if form == "packed" else part for part in (near, far)]
    joined = JoinedSpikes(*both)
    like = torch.empty(0)
    assert torch.equal(dense_spikes(joined, like=like), torch.cat([near, far], 2))
    torch.testing.assert_close(rate_of(joined, like=like), torch.cat([near, far], 2).mean(0))


def test_dense_spikes_take_the_type_that_is_asked_for() -> None:
    assert dense_spikes(train(2, 3, 4).to(torch.int8), like=torch.empty(0, dtype=torch.float64)).dtype == torch.float64


def test_rows_and_maps_are_the_same_values_in_another_order() -> None:
    values = torch.arange(2 * 3 * 4 * 5.0).reshape(2, 3, 4, 5)
    rows = rows_of(values)
    assert rows.shape == (2, 20, 3)
    assert rows[1, 7].tolist() == values[1, :, 1, 2].tolist()
    assert torch.equal(map_of(rows, (4, 5)), values)
    flat = values.reshape(2, 60)
    assert rows_of(flat).shape == (2, 1, 60)
    assert torch.equal(map_of(rows_of(flat), ()), flat)
    assert rows_of(values).is_contiguous()
