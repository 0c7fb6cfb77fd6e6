"""Templates of one layer: the mean feature of each class, and the metric that measures the distance to them.

    S   = Σ_k (x_k − m_y(k)) (x_k − m_y(k))ᵀ / (N − C)   covariance within classes, shared by all classes
    P   = ((1 − a) S + a diag S)⁻¹                        metric, with shrinkage a because samples are few
    s_c = m_cᵀ P x − ½ m_cᵀ P m_c + ½ v_c / n_c           score: −½ (squared distance to m_c), up to a common term

v_c is the variance of class c in the metric. The mean of n_c samples differs from the true mean, which adds v_c / n_c
to every squared distance on average. The last term subtracts this bias; without it, the scores of a class of ten
examples would be too low relative to a class of thousands. Source: Fisher's linear discriminant, Ann. Eugenics 7
(1936); moments are merged as in Chan, Golub & LeVeque (1983).

Memory is C·D + D² values for any number of samples; no sample is stored.
"""

from __future__ import annotations

import torch
from torch import Tensor

FLOOR = 1e-2
"""Smallest variance of a feature, relative to the mean variance, so that the weight of a silent neuron is finite."""

LEAST = {"count": 0.0, "spread": 0.0, "pooled": 0.0}
"""Smallest values of the state, by the last part of the name."""

_STATE = ("mean", "count", "origin", "metric", "rows", "spread", "pooled")


class TemplateMemory:
    """Class means and their metric for the features of one layer.

    At first `learn` updates means and scatter. After `fix_metric`, `learn` updates only the templates
    of the labelled classes, and the scores of all other classes stay bit for bit the same.

    Args:
        classes: C at the beginning.
        features: D.
        like: tensor whose data type and device are used.
        shrink: shrinkage a of the covariance, in (0, 1].
        lift: weight, at least 0, of the bonus of a class whose variance is above the pooled one, as it is for a class
            with few samples.
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
    def metric_fixed(self) -> bool:
        """Whether the metric is fixed."""
        return self.scatter is None

    # ------------------------------------------------------------------ learning

    def learn(self, feature: Tensor, labels: Tensor) -> None:
        """Update by features `[B, D]` with labels `[B]` in 0..C−1: one product with D × D × B terms."""
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
        if self.metric_fixed:
            image = torch.cat([rows, moved]) @ self.metric  # one product for spread and discriminant
            self.spread.index_add_(0, torch.cat([taught[index], taught]), (image[: len(rows)] * rows).sum(1))
            self.rows[taught] += image[len(rows) :]

    def fix_metric(self) -> None:
        """Fix the metric. Every class needs a sample, and at least one class needs two."""
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
        """Add a class without samples; the metric must be fixed."""
        for name in ("mean", "rows"):
            values = getattr(self, name)
            setattr(self, name, torch.cat([values, values.new_zeros(1, values.shape[1])]))
        self.mean[-1] = self.origin
        for name in ("count", "spread"):
            values = getattr(self, name)
            setattr(self, name, torch.cat([values, values.new_zeros(1)]))

    # ------------------------------------------------------------------ deciding

    def discriminant(self) -> tuple[Tensor, Tensor]:
        """Rows `[C, D]` and offsets `[C]` of the scores `(x − origin) @ rows.T + offsets`; −inf without samples."""
        size = self.count.clamp(min=1)
        spread = (self.pooled + self.spread) / size  # the pooled variance counts as one sample (prior)
        near = 0.5 * ((self.mean - self.origin) * self.rows).sum(1)
        offsets = 0.5 * spread / size - near + 0.5 * self.lift * (spread - self.pooled)
        return self.rows, offsets.masked_fill(self.count == 0, -torch.inf)

    def scores(self, feature: Tensor) -> Tensor:
        """Scores `[B, C]` of features `[B, D]`; the metric must be fixed."""
        rows, offsets = self.discriminant()
        return (feature - self.origin) @ rows.T + offsets

    # ------------------------------------------------------------------ saving

    def state_dict(self) -> dict[str, Tensor]:
        """The whole state, by name."""
        state = {name: getattr(self, name) for name in _STATE}
        return state if self.scatter is None else {**state, "scatter": self.scatter}

    def state_like(self, *, metric_fixed: bool) -> dict[str, Tensor]:
        """Tensors of the names and shapes of `state_dict`, before or after the metric is fixed; values do not count."""
        classes, features = self.mean.shape
        shapes = {
            "mean": (classes, features),
            "count": (classes,),
            "origin": (features,),
            "metric": (features, features) if metric_fixed else (0, 0),
            "rows": (classes if metric_fixed else 0, features),
            "spread": (classes if metric_fixed else 0,),
            "pooled": (),
            **({} if metric_fixed else {"scatter": (features, features)}),
        }
        return {name: self.mean.new_empty(shape) for name, shape in shapes.items()}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Restore the state that `state_dict` returned; its number of classes may differ from the present one."""
        self.scatter = state["scatter"].to(self.mean) if "scatter" in state else None
        for name in _STATE:
            setattr(self, name, state[name].to(self.mean))
