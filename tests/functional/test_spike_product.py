"""Where a product with spikes finds its weights: defaults, gathers, and the choice of the kernel."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from bispike.functional import PackedSpikes, Wiring, convolution_gather, native_usable
from bispike.functional.backends import compiled, native

packs = pytest.mark.skipif(not native_usable(torch.ones(1)), reason="no compiled kernels")


def whole(*shape: int, seed: int = 0) -> Tensor:
    """Whole numbers: every sum is exact."""
    return torch.randint(-8, 9, shape, generator=torch.Generator().manual_seed(seed)).float()


class Recorder:
    """The compiled kernels, with the names of those that were asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __getattr__(self, name: str) -> Any:
        self.asked.append(name)
        return getattr(native.kernels(), name)


@packs
@pytest.mark.parametrize("density", [0.02, 0.6])
@pytest.mark.parametrize("bias", [False, True])
def test_a_dense_synapse_needs_no_more_than_its_sizes_and_strides(density: float, bias: bool) -> None:
    spikes = (torch.rand(3, 5, 40, generator=torch.Generator().manual_seed(1)) < density).float()
    weight, level = whole(70, 40), whole(70, seed=2) if bias else None
    found = compiled.spike_product(PackedSpikes.pack(spikes), weight, level, Wiring(70, 40, (40, 1, 1)))
    expected = spikes.flatten(0, 1) @ weight.T + (0 if level is None else level)
    assert torch.equal(found.squeeze(1), expected)


@packs
def test_strides_and_offset_say_where_weights_lie() -> None:
    """Weights `[input, output]` behind three numbers that do not belong to them."""
    spikes = (torch.rand(2, 4, 9, generator=torch.Generator().manual_seed(1)) < 0.5).float()
    weight = whole(9, 7)
    stored = torch.cat([torch.full((3,), 1e6), weight.flatten()])
    found = compiled.spike_product(PackedSpikes.pack(spikes), stored, None, Wiring(7, 9, (1, 7, 1), offset=3))
    assert torch.equal(found.squeeze(1), spikes.flatten(0, 1) @ weight)


@packs
@pytest.mark.parametrize(
    ("density", "largest", "kernel"),
    [
        (0.02, None, "product_events"),
        (0.02, 10**9, "product_events"),
        (0.02, 63, "product_tables"),
        (0.5, 10**9, "product_tables"),
    ],
)
def test_events_serve_sparse_trains_whose_columns_fit_the_cache(
    density: float, largest: int | None, kernel: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = Recorder()
    monkeypatch.setattr(compiled, "kernels", lambda: library)
    if largest is not None:
        monkeypatch.setattr(compiled, "_LARGEST", largest)
    spikes = (torch.rand(2, 50, 64, generator=torch.Generator().manual_seed(1)) < density).float()
    weight = whole(5, 64)
    found = compiled.spike_product(PackedSpikes.pack(spikes), weight, None, Wiring(5, 64, (64, 1, 1)))
    assert torch.equal(found.squeeze(1), spikes.flatten(0, 1) @ weight.T)
    assert [name for name in library.asked if name.startswith("product")] == [kernel]


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("padding", [(0, 0, 0, 0), (1, 2, 0, 3), (2, 0, 1, 0)])
def test_a_gather_names_the_position_that_each_tap_reads(stride: int, padding: tuple[int, int, int, int]) -> None:
    left, right, top, bottom = padding
    index = torch.arange(4 * 5).reshape(4, 5)
    index[1, 2] = -1  # a gap
    found = convolution_gather(index, kernel=3, stride=stride, padding=padding)
    tall, wide = ((n - 3) // stride + 1 for n in (4 + top + bottom, 5 + left + right))
    expected = torch.full((9, tall * wide), -1, dtype=torch.int32)
    for tap in range(9):
        for place in range(tall * wide):
            y = place // wide * stride + tap // 3 - top
            x = place % wide * stride + tap % 3 - left
            if 0 <= y < 4 and 0 <= x < 5:
                expected[tap, place] = int(index[y, x])
    assert found.dtype == torch.int32
    assert torch.equal(found, expected)
