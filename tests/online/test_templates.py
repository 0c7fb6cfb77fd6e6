"""Templates against plain linear discriminant analysis, and the guarantees of a fixed metric."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from bispike.online.templates import FLOOR, TemplateMemory

C, D = 3, 5


def draw(count: int, seed: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    labels = torch.cat([torch.arange(C).repeat(2), torch.randint(0, C, (count,), generator=generator)])
    mixing = torch.randn(D, D, generator=generator, dtype=torch.float64)
    return torch.randn(len(labels), D, generator=generator, dtype=torch.float64) @ mixing + labels[:, None], labels


def memory(shrink: float = 0.2, lift: float = 0.0) -> TemplateMemory:
    return TemplateMemory(C, D, like=torch.zeros(0, dtype=torch.float64), shrink=shrink, lift=lift)


def moments(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Means, counts and pooled covariance, all samples at once."""
    means = torch.stack([x[y == c].mean(0) for c in range(int(y.max()) + 1)])
    rest = x - means[y]
    return means, torch.bincount(y).double(), rest.T @ rest / (len(x) - len(means))


def metric_of(covariance: Tensor, shrink: float) -> Tensor:
    variance = covariance.diagonal()
    floored = covariance + torch.diag((FLOOR * variance.mean() - variance).clamp(min=0))
    return torch.linalg.inv((1 - shrink) * floored + shrink * torch.diag(floored.diagonal()))


@given(seed=st.integers(0, 999), size=st.integers(1, 9))
@settings(max_examples=20, deadline=None)
def test_moments_do_not_depend_on_how_the_stream_is_cut(seed: int, size: int) -> None:
    x, y = draw(20, seed)
    place = memory()
    for rows, labels in zip(x.split(size), y.split(size), strict=True):
        place.learn(rows, labels)
    means, counts, covariance = moments(x, y)
    torch.testing.assert_close(place.mean, means)
    torch.testing.assert_close(place.count, counts)
    torch.testing.assert_close(place.scatter, covariance * (len(x) - C))


@given(seed=st.integers(0, 999))
@settings(max_examples=20, deadline=None)
def test_scores_differ_as_squared_distances_corrected_for_the_noise_of_each_mean(seed: int) -> None:
    x, y = draw(30, seed)
    place = memory()
    place.learn(x, y)
    place.fix_metric()
    means, counts, covariance = moments(x, y)
    metric = metric_of(covariance, 0.2)
    away = x[:, None] - means
    distance = torch.einsum("bcd,de,bce->bc", away, metric, away) - (metric * covariance).sum() / counts
    wanted = -0.5 * distance
    scores = place.scores(x)
    torch.testing.assert_close(scores - scores[:, :1], wanted - wanted[:, :1])


@given(seed=st.integers(0, 999), size=st.integers(1, 4))
@settings(max_examples=20, deadline=None)
def test_a_class_taught_after_the_metric_is_fixed_gets_its_mean_spread_and_row(seed: int, size: int) -> None:
    x, y = draw(30, seed)
    new = torch.randn(8, D, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) + 3
    place = memory(lift=0.3)
    place.learn(x, y)
    place.fix_metric()
    place.add_class()
    for rows in new.split(size):
        place.learn(rows, torch.full((len(rows),), C))
    covariance = moments(x, y)[2]
    metric = metric_of(covariance, 0.2)
    pooled = (metric * covariance).sum()
    rest = new - new.mean(0)
    spread = (pooled + torch.einsum("bd,de,be->", rest, metric, rest)) / len(new)
    row = metric @ (new.mean(0) - place.origin)
    offset = 0.5 * spread / len(new) - 0.5 * row @ (new.mean(0) - place.origin) + 0.15 * (spread - pooled)
    rows, offsets = place.discriminant()
    torch.testing.assert_close(rows[C], row)
    torch.testing.assert_close(offsets[C], offset)


def test_teaching_one_class_changes_no_bit_of_what_the_others_score() -> None:
    x, y = draw(30, 0)
    place = memory()
    place.learn(x, y)
    place.fix_metric()
    place.add_class()
    before = place.scores(x)[:, :C]
    for row in x[:6]:
        place.learn(row[None] + 5, torch.tensor([C]))
    assert torch.equal(place.scores(x)[:, :C], before)


def test_an_untaught_class_is_never_decided_for() -> None:
    x, y = draw(30, 0)
    place = memory()
    place.learn(x, y)
    place.fix_metric()
    place.add_class()
    assert bool((place.scores(x)[:, C] == -torch.inf).all())


def test_a_silent_feature_does_not_decide() -> None:
    """A feature without variance has the floor's metric, not an infinite one."""
    x, y = draw(30, 0)
    x[:, 2] = 0
    place = memory()
    place.learn(x, y)
    place.fix_metric()
    assert torch.isfinite(place.metric).all()
    assert float(place.metric[2, 2]) <= 1 / (FLOOR * float(moments(x, y)[2].diagonal().mean())) * (1 + 1e-9)
