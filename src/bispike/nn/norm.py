"""Batch norm of a layer's drive: parameters and running statistics around `functional.norm`.

Statistics are computed from the time-mean drive, so closed-form rules (by `backward`) and autograd (by `forward`) use
the same module. Where several processes share a batch, the sums cover the samples and map positions of all processes:

    μ = Σ ā / n,   σ² = Σ (ā − μ)² / n,   dL/dā = γ/σ ( g − Σ g / n − ẑ Σ g ẑ / n )

The gradients of γ and β are then the part of this process; they are summed over processes with the weight gradients.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ..functional import channel_view, normalise_backward, normalise_backward_fixed
from ..functional.backends import compiled
from .inference import is_inference
from .process_group import ALONE, Group
from .weight_limit import reserve

ROWS = 4096  # memory of a running norm, in rows: one row per position and sample


@dataclass(frozen=True)
class Statistics:
    """Statistics that a norm uses, `[C]` each.

    Attributes:
        mean, variance: μ and σ².
        inverse: 1/σ.
        scale, shift: γ/σ and β − μγ/σ, the affine map that is equal to the norm.
        count: values per channel of the batch from which the statistics were computed, so that they have a gradient;
            0 where they are constants.
    """

    mean: Tensor
    variance: Tensor
    inverse: Tensor
    scale: Tensor
    shift: Tensor
    count: int

    @property
    def affine(self) -> tuple[Tensor, Tensor]:
        """Return scale and shift."""
        return self.scale, self.shift


class DriveNorm(nn.Module):
    """Batch norm over channels of `[T, B, C, ...]` drives.

    Args:
        channels: C.
        memory: memory of the running statistics, in samples. A batch of B samples updates them with the weight
            1 − (1 − 1/memory)^B, so the batch size does not change their average (B = 128: 0.1).
        least: smallest number of values per channel for which the statistics of the batch are used; with fewer values
            the running statistics are used, as constants.
        eps: added to the variance.
    """

    running_mean: Tensor
    running_variance: Tensor

    def __init__(self, channels: int, *, memory: int = 1280, least: int = 2, eps: float = 1e-5) -> None:
        super().__init__()
        reserve(4 * channels, f"norm of {channels} channels")
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_variance", torch.ones(channels))
        self.memory, self.least, self.eps = memory, least, eps
        self.group: Group = ALONE  # the processes whose samples the statistics cover

    def statistics(self, mean_drive: Tensor, *, track: bool) -> Statistics:
        """Statistics to normalise with: those of this batch when training, the running ones otherwise.

        A batch with fewer than `least` values per channel is too noisy (one value has no variance): it updates the
        running statistics, and these are used.

        Args:
            mean_drive: `[B, C, ...]` time-mean drive.
            track: whether the running statistics are updated.
        """
        if not self.training or is_inference():
            return self._with(self.running_mean, self.running_variance, 0)
        shares = self.group.shares
        count = self._values(mean_drive) if shares else mean_drive.numel() // mean_drive.shape[1]
        trusted = count >= self.least
        mean, variance = self.running_mean, self.running_variance
        if trusted or track:
            axes = (0, *range(2, mean_drive.dim()))
            mean = self._mean(mean_drive, count) if shares else mean_drive.mean(axes)
            centre = mean if trusted else self.running_mean
            centred = mean_drive - centre.view(1, -1, *[1] * (mean_drive.dim() - 2))
            variance = self._mean(centred * centred, count) if shares else (centred * centred).mean(axes)
        if track:
            self._track(mean.detach(), variance.detach(), mean_drive.shape[0], count if trusted else 0)
        if not trusted:
            mean, variance = self.running_mean.clone(), self.running_variance.clone()
        return self._with(mean, variance, count if trusted else 0)

    def _with(self, mean: Tensor, variance: Tensor, count: int) -> Statistics:
        inverse = (variance + self.eps).rsqrt()
        scale = self.weight * inverse
        return Statistics(mean, variance, inverse, scale, self.bias - mean * scale, count)

    def _values(self, mean_drive: Tensor) -> int:
        """Number of samples of the whole batch times map positions of `[B, C, ...]`."""
        positions = mean_drive[0, 0].numel() if len(mean_drive) else 0
        return self.group.count(mean_drive.shape[0]) * positions

    def _mean(self, values: Tensor, count: int) -> Tensor:
        """Mean `[C]` of `[B, C, ...]` over the whole batch; differentiable."""
        return self.group.sum(values.sum((0, *range(2, values.dim())))) / count

    def _track(self, mean: Tensor, variance: Tensor, samples: int, count: int) -> None:
        """Update the running statistics; a variance of `count` values around their own mean is made unbiased."""
        if count:
            variance = variance * (count / (count - 1))
        whole = self.group.count(samples) if self.group.shares else samples
        weight = 1 - (1 - 1 / self.memory) ** whole
        self.running_mean.lerp_(mean, weight)
        self.running_variance.lerp_(variance, weight)

    def forward(self, drive: Tensor, statistics: Statistics) -> Tensor:
        """γ (a − μ)/σ + β for drives `[N, C, ...]`."""
        return drive * channel_view(statistics.scale, drive.dim()) + channel_view(statistics.shift, drive.dim())

    def backward(self, grad: Tensor, mean_drive: Tensor, statistics: Statistics) -> Tensor:
        """Write `.grad` of γ and β; return dL/dā `[B, C, ...]` for the synapse below. Arguments as for `gradients`."""
        below, self.weight.grad, self.bias.grad = self.gradients(grad, mean_drive, statistics)
        return below

    def gradients(self, grad: Tensor, mean_drive: Tensor, statistics: Statistics) -> tuple[Tensor, Tensor, Tensor]:
        """Backward of `forward`: dL/dā `[B, C, ...]`, dL/dγ and dL/dβ `[C]`.

        Args:
            grad: `[B, C, ...]` gradient with respect to the normalised time-mean drive.
            mean_drive: `[B, C, ...]` time-mean drive before the norm.
            statistics: what `forward` used.
        """
        used = statistics.mean, statistics.variance
        if not statistics.count:
            return normalise_backward_fixed(grad, mean_drive, *used, self.weight, self.eps)
        if not self.group.shares:
            return normalise_backward(grad, mean_drive, *used, self.weight, self.eps)
        dims = grad.dim()
        axes = [0, *range(2, dims)]
        unit = (mean_drive - channel_view(statistics.mean, dims)) * channel_view(statistics.inverse, dims)
        grad_weight, grad_bias = (grad * unit).sum(axes), grad.sum(axes)
        sums = self.group.sum(torch.stack([grad_weight, grad_bias]))
        mean_weight, mean_bias = sums / statistics.count
        below = grad - channel_view(mean_bias, dims) - unit.mul_(channel_view(mean_weight, dims))
        return below.mul_(channel_view(self.weight * statistics.inverse, dims)), grad_weight, grad_bias

    def backward_steps(self, grad: Tensor, drive: Tensor, statistics: Statistics) -> Tensor:
        """`backward` from the gradients of every time step; each step contributes 1/T to the statistics.

        dL/da[t] = γ/σ ( g[t] − m(g) − ẑ m(g ẑ) ), with means m over batch and time.
        The factor ẑ outside of m is that of the time-mean.

        Args:
            grad: `[T, B, C, ...]` gradient with respect to the normalised drive of each step.
            drive: `[T, B, C, ...]` drive before the norm.
            statistics: what `forward` used.
        """
        below, grad_weight, grad_bias = normalise_backward_fixed(
            grad.flatten(0, 1), drive.flatten(0, 1), statistics.mean, statistics.variance, self.weight, self.eps
        )
        below = below.unflatten(0, drive.shape[:2])
        self.weight.grad, self.bias.grad = grad_weight, grad_bias
        if statistics.count:
            mean_drive = drive.mean(0)
            values = statistics.count * len(drive)
            mean_weight, mean_bias = self.group.sum(torch.stack([grad_weight, grad_bias])) / values
            # γ/σ ( m(g) + ẑ m(g ẑ) ) as an affine map of the time-mean drive
            slope = self.weight * statistics.inverse * statistics.inverse * mean_weight
            shift = self.weight * statistics.inverse * mean_bias - slope * statistics.mean
            dims = mean_drive.dim()
            below.sub_(mean_drive.mul_(channel_view(slope, dims)).add_(channel_view(shift, dims)))
        return below

    def backward_input(self, signal: Tensor, mean_drive: Tensor, statistics: Statistics) -> Tensor:
        """Transposed linearisation of the norm: the value of `backward`, for signals that are not gradients."""
        return self.gradients(signal, mean_drive, statistics)[0]

    def backward_rows(self, grad: Tensor, mean_drive: Tensor, sums: Tensor, statistics: Statistics) -> Tensor:
        """`backward` in place for rows `[B, positions, C]` whose Σ g and Σ g ẑ (`sums`, `[2, C]`) are known."""
        self.bias.grad, self.weight.grad = sums[0], sums[1]
        means = None
        if statistics.count:
            means = (self.group.sum(sums) if self.group.shares else sums) / statistics.count
        return compiled.through_norm(grad, mean_drive, statistics.scale, (statistics.mean, statistics.inverse), means)


class RunningNorm(DriveNorm):
    """Batch norm for recurrent drives; uses running statistics, as those of a sequence are complete only at its end.

    A sequence updates the running statistics after its last position. The backward of the norm still subtracts what all
    rows have in common, as in a batch norm: without it a recurrent population drifts to all silent or all firing.
    """

    seen: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__(channels, memory=ROWS)
        self.register_buffer("seen", torch.zeros((), dtype=torch.int64))

    def running(self) -> Statistics:
        """The running statistics, as constants."""
        return self._with(self.running_mean.clone(), self.running_variance.clone(), 0)

    def statistics(self, mean_drive: Tensor, *, track: bool) -> Statistics:
        """The running statistics, whatever the drive; in training they have the gradient of batch statistics."""
        if not self.training or is_inference():
            return self.running()
        count = self._values(mean_drive)
        return self._with(self.running_mean.clone(), self.running_variance.clone(), count if count >= self.least else 0)

    @torch.no_grad()
    def follow(self, mean_drive: Tensor) -> None:
        """Update the running statistics with `[N, C]` drives; the first drives set them."""
        count = self._values(mean_drive)
        if not self.training or is_inference() or count < 2:
            return
        self.seen += 1
        memory = self.memory
        if int(self.seen) <= 3:
            self.memory = 1  # begin with the first drives, not with a guess
        distance = mean_drive - self.running_mean
        self._track(self._mean(mean_drive, count), self._mean(distance * distance, count), len(mean_drive), 0)
        self.memory = memory
