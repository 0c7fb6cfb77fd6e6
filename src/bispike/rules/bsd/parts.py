"""The parts of the local loss of BSD: the feature that is aligned, its centre, and the contrast.

Each is a small object with a forward and, where a gradient passes through it, a backward.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from ...functional import map_of, negative_counts, rows_of, spread_average
from ...nn import Activity, Group, Pathway
from ...restoring import fit_tensors

PRIOR = "prior"  # key of the state


class Feature:
    """Feature of a population that is aligned, as rows.

    Args:
        kind: `"rate"` or `"drive"`.
        slope: `"mean-field"` or `"unrolled"`: how the slope of a rate is computed.
        pool: side of the grid to which larger maps are averaged; 0: whole maps.

    Attributes:
        unrolled: whether a pass has to compute the slope of its neurons through the time steps.
    """

    def __init__(self, kind: str, slope: str, pool: int) -> None:
        self.kind, self.pool = kind, pool
        self.of_rate = kind == "rate"
        self.unrolled = self.of_rate and slope == "unrolled"

    def rows(self, activity: Activity) -> Tensor:
        """Rate or drive `[B, D]` of a population; maps position by position, in the order of memory."""
        values = activity.rate if self.of_rate else activity.drive
        if values.dim() == 2:
            return values.contiguous()
        if self._pools(values.shape):
            values = F.adaptive_avg_pool2d(values, self.pool)
        return rows_of(values).flatten(1)

    def size(self, shape: Sequence[int]) -> int:
        """Number D of the values in a row of a population of this shape."""
        return shape[0] * self.pool**2 if self._pools((1, *shape)) else math.prod(shape)

    def backward(self, pathway: Pathway, grad: Tensor, source: Tensor, activity: Activity, *, fused: bool) -> None:
        """Write the gradients of a pathway from dL/d rows `[B, D]`, which are overwritten.

        Args:
            pathway: pathway of the population.
            grad: dL/d `rows(activity)`.
            source: `[B, *source]` rate that its synapse received.
            activity: activity of the population.
            fused: whether the compiled kernels compute the gradient through slope and norm.
        """
        if fused:
            pathway.backward_rows(grad, source, activity, through_rate=self.of_rate)
            return
        shape = activity.raw_drive.shape
        if self._pools(shape):
            grad = grad.unflatten(1, (self.pool * self.pool, shape[1]))
            grad = spread_average(map_of(grad, (self.pool, self.pool)), shape[2:])
        else:
            grad = map_of(grad.unflatten(1, (-1, shape[1])), shape[2:])
        if self.of_rate:
            grad = grad.mul_(pathway.rate_slope(activity))
        pathway.backward(grad, source, activity)

    def _pools(self, shape: Sequence[int]) -> bool:
        """Whether maps of this shape are averaged: those that are larger than the grid."""
        return len(shape) == 4 and 0 < self.pool < max(shape[2:])


class Centre:
    """The mean that is subtracted from features before the alignment.

    Args:
        mode: `"none"`, `"batch"`, or `"running"`: a running mean per layer, treated as a constant.
        memory: memory of the running mean, in samples.

    Attributes:
        means: `[D]` running mean of each layer, by the name of the layer.
    """

    def __init__(self, mode: str, memory: int) -> None:
        self.mode, self.memory = mode, memory
        self.means: dict[str, Tensor] = {}

    def of(self, layer: str, rows: Tensor, group: Group) -> tuple[Tensor | None, Callable[[Tensor], Tensor] | None]:
        """Centre `[D]` of the rows `[B, D]` of a layer, and the mean over the batch for its backward.

        The centre is None where features are not centred, the mean None where the centre is a constant. A batch of one
        sample updates the running mean and uses it. The processes of `group` share the batch.
        """
        if self.mode == "none":
            return None, None

        def mean(values: Tensor) -> Tensor:
            return group.sum(values.sum(0)) / group.count(values.shape[0]) if group.shares else values.mean(0)

        found = mean(rows) if group.shares else rows.mean(0)
        samples = group.count(rows.shape[0]) if group.shares else rows.shape[0]
        if self.mode == "batch" and samples > 1:
            return found, mean
        if layer in self.means:
            weight = 1 - (1 - 1 / self.memory) ** samples
            return self.means[layer].lerp_(found, weight), None
        self.means[layer] = found
        return found, None


class Contrast:
    """Contrast: which classes are negatives of each sample, and how often each counts.

    Args:
        kind: one of `functional.CONTRASTS`.
        classes: C.
        prior: `"uniform"`, or `"running"`: the frequency of each class so far.
        memory: memory of the running prior, in samples.
        reference_batch: batch size that `classes` and `expected` refer to.
        like: tensor with the dtype and device of the prior.

    Attributes:
        prior: `[C]` share of each class; it begins uniform.
        running: whether labels update the prior.
    """

    def __init__(self, kind: str, classes: int, *, prior: str, memory: int, reference_batch: int, like: Tensor) -> None:
        self.kind, self.classes, self.memory, self.reference_batch = kind, classes, memory, reference_batch
        self.running = prior == "running"
        self.prior = torch.full((classes,), 1 / classes, dtype=like.dtype, device=like.device)

    def negatives(self, labels: Tensor, group: Group, *, dtype: torch.dtype) -> Tensor:
        """How often each class is a negative of each sample, `[B, C]`; these labels update a running prior."""
        occurrences = None
        if self.running or (group.shares and self.kind in ("batch", "masked")):
            occurrences = group.sum(torch.bincount(labels, minlength=self.classes))
        if self.running and occurrences is not None:
            samples = group.count(len(labels))
            shares = occurrences.to(self.prior) / samples
            self.prior = self.prior.lerp(shares, 1 - (1 - 1 / self.memory) ** samples)
        return negative_counts(
            labels,
            self.classes,
            contrast=self.kind,
            prior=self.prior.to(dtype=dtype),
            reference_batch=self.reference_batch,
            occurrences=occurrences if group.shares else None,
            dtype=dtype,
        )

    def state_dict(self) -> dict[str, Tensor]:
        """State of the running prior; empty for a uniform prior."""
        return {PRIOR: self.prior} if self.running else {}


def load_state(
    centre: Centre, contrast: Contrast, state: Mapping[str, Tensor], *, sizes: Mapping[str, int], like: Tensor
) -> None:
    """Load the running means and the running prior of a checkpoint.

    Args:
        centre, contrast: what the state is loaded into.
        state: as `state_dict` of the rule returned it.
        sizes: number of the features of each layer, by name.
        like: tensor with the dtype and device of the state.

    Raises:
        DamagedError: a name, shape or type is not that of these parts, or a value is not finite; nothing was changed.
    """
    known = {} if centre.mode == "none" else {f"centre.{name}": like.new_empty(size) for name, size in sizes.items()}
    expected = {name: value for name, value in known.items() if name in state} | contrast.state_dict()
    fit_tensors(state, expected, "rule 'bsd': state", least={PRIOR: 0.0})
    if contrast.running:
        contrast.prior = state[PRIOR].clone()
    centre.means = {
        name.removeprefix("centre."): value.clone() for name, value in state.items() if name.startswith("centre.")
    }
