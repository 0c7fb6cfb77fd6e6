"""A layer: two populations of one shape, each with its own synapse and norm. Only spikes leave a layer.

Both pathways of a layer are instances of one class, `Pathway`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, overload

from torch import Tensor, nn
from torch.nn import functional as F

from ..functional import Spikes, pool_spikes
from .pathway import Pathway


class Layer(nn.Module):
    """Two populations of the same shape, one for each pathway.

    Args:
        name: the name in reports.
        up: bottom-up pathway.
        down: top-down pathway; its target is the shape of the bottom-up population.
        pool: side of the max pooling of the bottom-up spikes (1: none); a maximum of spikes is a spike.
    """

    def __init__(self, name: str, up: Pathway, down: Pathway, *, pool: int = 1) -> None:
        super().__init__()
        self.name, self.up, self.down, self.pool = name, up, down, pool

    @property
    def feature_shape(self) -> tuple[int, ...]:
        """Shape of both populations, `[features]` or `[channels, height, width]`."""
        return self.up.synapse.target

    @property
    def output_shape(self) -> tuple[int, ...]:
        """Shape of the bottom-up output, after pooling."""
        shape = self.feature_shape
        return shape if self.pool == 1 else (shape[0], *(n // self.pool for n in shape[1:]))

    def pool_spikes(self, spikes: Spikes) -> Spikes:
        """Pooled spikes `[T, B, *output]`."""
        return spikes if self.pool == 1 else pool_spikes(spikes, self.pool)

    def pool_rates(self, values: Tensor) -> Tensor:
        """Pooled values `[N, *output]`, differentiable."""
        return values if self.pool == 1 else F.max_pool2d(values, self.pool)

    def unpool(self, grad: Tensor, values: Tensor) -> Tensor:
        """Backward of `pool_rates`: dL/d values from dL/d pooled `[N, *output]`, at the largest value per cell."""
        if self.pool == 1:
            return grad
        _, places = F.max_pool2d(values, self.pool, return_indices=True)
        return F.max_unpool2d(grad, places, [self.pool, self.pool], output_size=values.shape[2:])


class LayerList(nn.ModuleList, Sequence[Layer]):
    """The layers of a network, bottom to top; iteration and indices give `Layer`."""

    if TYPE_CHECKING:

        def __iter__(self) -> Iterator[Layer]: ...

        @overload  # type: ignore[override]  # torch and typing declare the two in opposite orders
        def __getitem__(self, index: int) -> Layer: ...

        @overload
        def __getitem__(self, index: slice) -> LayerList: ...

        def __getitem__(self, index: int | slice) -> Layer | LayerList: ...
