"""Batch norm of a layer's drive: parameters and running statistics around `functional.norm`.

Statistics are taken from the time-mean drive, so the same module serves the closed-form rules (which call
`learn`) and autograd (which simply flows through `forward`).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..functional import (
    batch_statistics,
    channel_view,
    normalise,
    normalise_backward,
    normalise_backward_fixed,
    through_norm,
)
from .process_group import ALONE, Group
from .shared_norm import shared_backward, shared_mean, shared_statistics, values_a_channel


class DriveNorm(nn.Module):
    """Batch norm over channels of `[T, B, C, ...]` drives.

    Args:
        channels: C.
        memory: of the running statistics, in samples: a batch of B moves them by 1 − (1 − 1/memory)^B, so small batches
            move them as far as large ones do over the same samples (B = 128: 0.1).
        least: fewest values a channel whose own statistics are trusted; below, the running ones serve, as constants.
        eps: added to the variance.
    """

    running_mean: Tensor
    running_variance: Tensor

    def __init__(self, channels: int, *, memory: int = 1280, least: int = 2, eps: float = 1e-5) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_variance", torch.ones(channels))
        self.memory, self.least, self.eps = memory, least, eps
        self.group: Group = ALONE  # the processes whose samples the statistics are taken over

    def statistics(self, mean_drive: Tensor, *, track: bool) -> tuple[Tensor, Tensor]:
        """Mean and variance `[C]` to normalise with: of this batch when training, running ones otherwise.

        A batch with fewer than `least` values a channel is too noisy (with one there is no variance at all): it moves
        the running statistics, and those serve.
        """
        if not self.training:
            return self.running_mean, self.running_variance
        if not self._trusts(mean_drive):
            if track:
                self._track_few(mean_drive.detach())
            return self.running_mean.clone(), self.running_variance.clone()
        shared = self.group.shares
        mean, variance = shared_statistics(mean_drive, self.group) if shared else batch_statistics(mean_drive)
        if track:
            count = values_a_channel(mean_drive, self.group)
            self._track(mean.detach(), variance.detach() * (count / (count - 1)), mean_drive.shape[0])
        return mean, variance

    def _trusts(self, mean_drive: Tensor) -> bool:
        return values_a_channel(mean_drive, self.group) >= self.least

    def _track_few(self, mean_drive: Tensor) -> None:
        """Move the running statistics by the squared distance from the running mean, which exists for one value too."""
        distance = mean_drive - channel_view(self.running_mean, mean_drive.dim())
        mean, spread = shared_mean(mean_drive, self.group), shared_mean(distance * distance, self.group)
        self._track(mean, spread, mean_drive.shape[0])

    def _track(self, mean: Tensor, variance: Tensor, samples: int) -> None:
        weight = 1 - (1 - 1 / self.memory) ** self.group.count(samples)
        self.running_mean.lerp_(mean, weight)
        self.running_variance.lerp_(variance, weight)

    def forward(self, drive: Tensor, statistics: tuple[Tensor, Tensor]) -> Tensor:
        """γ (a − μ)/σ + β for drives `[N, C, ...]`."""
        return normalise(drive, *statistics, self.weight, self.bias, self.eps)

    def apply_(self, drive: Tensor, statistics: tuple[Tensor, Tensor]) -> Tensor:
        """`forward` in place, for a drive that nobody else needs."""
        scale, shift = self.affine(statistics)
        drive.mul_(channel_view(scale, drive.dim()))
        return drive.add_(channel_view(shift, drive.dim()))

    def affine(self, statistics: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        """Scale and shift `[C]` that `forward` amounts to."""
        mean, variance = statistics
        scale = self.weight * (variance + self.eps).rsqrt()
        return scale, self.bias - mean * scale

    def learn(self, grad: Tensor, mean_drive: Tensor, statistics: tuple[Tensor, Tensor]) -> Tensor:
        """Write `.grad` of γ and β; return dL/dā for the synapse below. Arguments as for `backward`."""
        below, self.weight.grad, self.bias.grad = self.backward(grad, mean_drive, statistics)
        return below

    def backward(
        self, grad: Tensor, mean_drive: Tensor, statistics: tuple[Tensor, Tensor]
    ) -> tuple[Tensor, Tensor, Tensor]:
        """`forward` backwards: dL/dā `[B, C, ...]`, dL/dγ and dL/dβ `[C]`.

        Args:
            grad: `[B, C, ...]` gradient with respect to the normalised time-mean drive.
            mean_drive: `[B, C, ...]` time-mean drive before the norm.
            statistics: what `forward` used.
        """
        if self._trusts(mean_drive) and self.group.shares:
            return shared_backward(grad, mean_drive, *statistics, self.weight, self.eps, self.group)
        if self._trusts(mean_drive):
            return normalise_backward(grad, mean_drive, *statistics, self.weight, self.eps)
        return normalise_backward_fixed(grad, mean_drive, *statistics, self.weight, self.eps)

    def learn_steps(self, grad: Tensor, drive: Tensor, statistics: tuple[Tensor, Tensor]) -> Tensor:
        """`learn` from the gradients of every step, each of which moves the statistics by its T-th part.

        dL/da[t] = γ/σ ( g[t] − m(g) − ẑ m(g ẑ) ), with means m over batch and time, and the second ẑ of the time-mean.

        Args:
            grad: `[T, B, C, ...]` gradient with respect to the normalised drive of each step.
            drive: `[T, B, C, ...]` drive before the norm.
            statistics: what `forward` used.
        """
        below, grad_weight, grad_bias = normalise_backward_fixed(
            grad.flatten(0, 1), drive.flatten(0, 1), *statistics, self.weight, self.eps
        )
        below = below.unflatten(0, drive.shape[:2])
        self.weight.grad, self.bias.grad = grad_weight, grad_bias
        mean_drive = drive.mean(0)
        if self._trusts(mean_drive):
            values = values_a_channel(mean_drive, self.group) * len(drive)
            mean_weight, mean_bias = self.group.sum(torch.stack([grad_weight, grad_bias])) / values
            centre, inverse = self.moments(statistics)
            # γ/σ ( m(g) + ẑ m(g ẑ) ) as an affine map of the time-mean drive
            slope = self.weight * inverse * inverse * mean_weight
            shift = self.weight * inverse * mean_bias - slope * centre
            dims = mean_drive.dim()
            below.sub_(mean_drive.mul_(channel_view(slope, dims)).add_(channel_view(shift, dims)))
        return below

    def backward_input(self, signal: Tensor, mean_drive: Tensor, statistics: tuple[Tensor, Tensor]) -> Tensor:
        """The norm's linearisation, transposed: what `learn` returns, for signals that are no gradients of γ and β."""
        kept = self.weight.grad, self.bias.grad
        below = self.learn(signal, mean_drive, statistics)
        self.weight.grad, self.bias.grad = kept
        return below

    def learn_rows(self, grad: Tensor, mean_drive: Tensor, sums: Tensor, statistics: tuple[Tensor, Tensor]) -> Tensor:
        """`learn` in place for rows `[B, positions, C]` whose Σ g and Σ g ẑ (`sums`, `[2, C]`) are known."""
        self.bias.grad, self.weight.grad = sums[0], sums[1]
        maps = mean_drive.transpose(1, 2)
        means = self.group.sum(sums) / values_a_channel(maps, self.group) if self._trusts(maps) else None
        return through_norm(grad, mean_drive, self.affine(statistics)[0], self.moments(statistics), means)

    def moments(self, statistics: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        """Mean and inverse deviation `[C]`."""
        mean, variance = statistics
        return mean, (variance + self.eps).rsqrt()
