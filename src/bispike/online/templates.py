"""Templates of one layer: the mean feature of each class, and the metric in which a stimulus is near one of them.

    S   = Σ_k (x_k − m_y(k)) (x_k − m_y(k))ᵀ / N         scatter within the classes, shared by all of them
    P   = ((1 − a) S + a diag S)⁻¹                        metric, shrunk by a because S is known from few samples
    s_c = m_cᵀ P x − ½ m_cᵀ P m_c + ½ v_c / n_c           score: up to a common term −½ (squared distance to the class)

v_c is the spread of class c in the metric. A mean of n_c samples lies off the true one, which adds v_c / n_c to every
squared distance; the last term takes it off again, else a class of ten examples would lose to one of thousands.
Source: Fisher's linear discriminant, Ann. Eugenics 7 (1936); moments merge as in Chan, Golub & LeVeque (1983).

Memory is C·D + D² values, whatever the number of samples; no sample is kept.
"""

from __future__ import annotations

import torch
from torch import Tensor

FLOOR = 1e-2
"""Least variance of a feature, as a share of the mean variance: a silent neuron must not decide."""

_REMEMBERED = ("mean", "count", "origin", "metric", "rows", "spread", "pooled")


class TemplateMemory:
    """Class means and their metric at one place of the network.

    It is open first: `learn` moves means and scatter. `seal` fixes the metric; from then on `learn` moves the taught
    class alone, and no score of another class ever changes.

    Args:
        classes: C at the beginning.
        features: D.
        like: gives type and device.
        shrink: a, in (0, 1].
        lift: share of its excess spread by which a class known from few samples is raised, at least 0.
    """

    def __init__(self, classes: int, features: int, *, like: Tensor, shrink: float, lift: float) -> None:
        self.shrink, self.lift = shrink, lift
        self.mean = like.new_zeros(classes, features)
        self.count = like.new_zeros(classes)
        self.scatter: Tensor | None = like.new_zeros(features, features)
        self.origin = like.new_zeros(features)
        self.metric = like.new_zeros(0, 0)
        self.rows = like.new_zeros(0, features)
        self.spread = like.new_zeros(0)
        self.pooled = like.new_zeros(())

    @property
    def sealed(self) -> bool:
        """Whether the metric is fixed."""
        return self.scatter is None

    # ------------------------------------------------------------------ learning

    def learn(self, feature: Tensor, labels: Tensor) -> None:
        """Take in features `[B, D]` of labels `[B]` in 0..C−1: one product with D × D × B terms."""
        taught, index, added = labels.unique(return_inverse=True, return_counts=True)
        added = added.to(feature)
        batch = torch.zeros(len(taught), feature.shape[1], dtype=feature.dtype, device=feature.device)
        batch.index_add_(0, index, feature).div_(added[:, None])
        before, total = self.count[taught], self.count[taught] + added
        step = batch - self.mean[taught]
        # The scatter about the new mean: within the batch, and between its mean and the one before.
        rows = torch.cat([feature - batch[index], (before * added / total).sqrt_()[:, None] * step])
        if self.scatter is not None:
            self.scatter.addmm_(rows.T, rows)
        moved = (added / total)[:, None] * step
        self.mean[taught] += moved
        self.count[taught] = total
        if self.sealed:
            image = torch.cat([rows, moved]) @ self.metric  # one product for spread and discriminant
            self.spread.index_add_(0, torch.cat([taught[index], taught]), (image[: len(rows)] * rows).sum(1))
            self.rows[taught] += image[len(rows) :]

    def seal(self) -> None:
        """Fix the metric. Every class needs samples, and some class more than one."""
        assert self.scatter is not None
        covariance = (self.scatter / (self.count.sum() - len(self.count))).double()
        variance = covariance.diagonal()
        floor = max(FLOOR * float(variance.mean()), 1e-12)
        floored = covariance + torch.diag((floor - variance).clamp(min=0))
        shrunk = (1 - self.shrink) * floored + self.shrink * torch.diag(floored.diagonal())
        metric = torch.cholesky_inverse(torch.linalg.cholesky(shrunk))
        self.origin = self.mean.mean(0)
        self.pooled = (metric * covariance).sum().to(self.mean)
        self.metric = metric.to(self.mean).contiguous()  # products round by memory layout; a saved one is contiguous
        self.rows = (self.mean - self.origin) @ self.metric
        self.spread = self.pooled * (self.count - 1).clamp(min=0)
        self.scatter = None

    def add_class(self) -> None:
        """One more class, without samples yet; the memory must be sealed."""
        for name in ("mean", "rows"):
            values = getattr(self, name)
            setattr(self, name, torch.cat([values, values.new_zeros(1, values.shape[1])]))
        self.mean[-1] = self.origin
        for name in ("count", "spread"):
            values = getattr(self, name)
            setattr(self, name, torch.cat([values, values.new_zeros(1)]))

    # ------------------------------------------------------------------ deciding

    def discriminant(self) -> tuple[Tensor, Tensor]:
        """Rows `[C, D]` and offsets `[C]`: scores are `(x − origin) @ rows.T + offsets`; −inf for an untaught class."""
        size = self.count.clamp(min=1)
        spread = (self.pooled + self.spread) / size  # one sample's worth of the pooled spread as a prior
        near = 0.5 * ((self.mean - self.origin) * self.rows).sum(1)
        offsets = 0.5 * spread / size - near + 0.5 * self.lift * (spread - self.pooled)
        return self.rows, offsets.masked_fill(self.count == 0, -torch.inf)

    def scores(self, feature: Tensor) -> Tensor:
        """Scores `[B, C]` of features `[B, D]`; the memory must be sealed."""
        rows, offsets = self.discriminant()
        return (feature - self.origin) @ rows.T + offsets

    # ------------------------------------------------------------------ saving

    def state_dict(self) -> dict[str, Tensor]:
        """Everything that it remembers, by name."""
        state = {name: getattr(self, name) for name in _REMEMBERED}
        return state if self.scatter is None else {**state, "scatter": self.scatter}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Take back what `state_dict` returned; the number of classes may differ from this memory's."""
        self.scatter = state["scatter"].to(self.mean) if "scatter" in state else None
        for name in _REMEMBERED:
            setattr(self, name, state[name].to(self.mean))
