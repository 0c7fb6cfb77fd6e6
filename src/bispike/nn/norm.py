"""Batch norm of a stage's drive: parameters and running statistics around `functional.norm`.

Statistics are taken from the time-mean drive, so the same module serves the closed-form rules (which call
`learn`) and autograd (which simply flows through `forward`).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..functional import batch_statistics, channel_view, normalise, normalise_backward


class DriveNorm(nn.Module):
    """Batch norm over channels of `[T, B, C, ...]` drives.

    Args:
        channels: C.
        momentum: weight of a batch in the running statistics, in (0, 1].
        eps: added to the variance.
    """

    running_mean: Tensor
    running_variance: Tensor

    def __init__(self, channels: int, *, momentum: float = 0.1, eps: float = 1e-5) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_variance", torch.ones(channels))
        self.momentum, self.eps = momentum, eps

    def statistics(self, mean_drive: Tensor, *, track: bool) -> tuple[Tensor, Tensor]:
        """Mean and variance `[C]` to normalise with: of this batch when training, running ones otherwise.

        A batch that holds a single value a channel (batch 1 of a dense stage) has no variance: the running
        statistics serve there, after they have taken the value in.
        """
        if not self.training:
            return self.running_mean, self.running_variance
        count = mean_drive.numel() // mean_drive.shape[1]
        if count == 1:
            value = mean_drive.detach().flatten()
            if track:
                self._track(value, (value - self.running_mean).square())
            return self.running_mean.clone(), self.running_variance.clone()
        mean, variance = batch_statistics(mean_drive)
        if track:
            self._track(mean.detach(), variance.detach() * (count / (count - 1)))
        return mean, variance

    def _track(self, mean: Tensor, variance: Tensor) -> None:
        self.running_mean.lerp_(mean, self.momentum)
        self.running_variance.lerp_(variance, self.momentum)

    def forward(self, drive: Tensor, statistics: tuple[Tensor, Tensor]) -> Tensor:
        """γ (a − μ)/σ + β for drives `[N, C, ...]`."""
        return normalise(drive, *statistics, self.weight, self.bias, self.eps)

    def apply_(self, drive: Tensor, statistics: tuple[Tensor, Tensor]) -> Tensor:
        """`forward` in place, for a drive that nobody else needs."""
        mean, variance = statistics
        scale = self.weight * (variance + self.eps).rsqrt()
        drive.mul_(channel_view(scale, drive.dim()))
        return drive.add_(channel_view(self.bias - mean * scale, drive.dim()))

    def learn(self, grad: Tensor, mean_drive: Tensor, statistics: tuple[Tensor, Tensor]) -> Tensor:
        """Write `.grad` of γ and β; return dL/dā for the synapse below.

        Args:
            grad: `[B, C, ...]` gradient with respect to the normalised time-mean drive.
            mean_drive: `[B, C, ...]` time-mean drive before the norm.
            statistics: what `forward` used.
        """
        count = grad.numel() // grad.shape[1]
        below, grad_weight, grad_bias = normalise_backward(grad, mean_drive, *statistics, self.weight, self.eps)
        if count == 1:
            scale = self.weight * (statistics[1] + self.eps).rsqrt()
            below = grad * scale.reshape(1, -1, *([1] * (grad.dim() - 2)))
        self.weight.grad, self.bias.grad = grad_weight, grad_bias
        return below
