"""Baselines, curves, sequences and completion."""

import pytest
import torch
from torch import Tensor

from bispike import models
from bispike.errors import ConfigurationError, ShapeError
from bispike.memory import (
    AssociativeMemory,
    CompletionResult,
    CurvePoint,
    KoskoBAM,
    ModernHopfield,
    SequenceMemory,
    capacity,
    capacity_curve,
    complete,
    replay_accuracy,
    robustness_curve,
    stored_completion,
)
from bispike.memory.completion_quality import class_means, hidden_error
from bispike.memory.curves import random_pairs


def test_kosko_is_the_sum_of_products_and_thresholds() -> None:
    x, y = random_pairs(3, 30, 20, 0)
    memory = KoskoBAM(30, 20)
    memory.store(x[:2], y[:2])
    memory.store(x[2:], y[2:])
    a, b = 2 * x - 1, 2 * y - 1
    matrix = sum(torch.outer(p, q) for p, q in zip(a, b, strict=True))
    assert torch.equal(memory.matrix, matrix)
    result = memory.complete(x, passes=1)
    assert torch.equal(2 * result.concept - 1, (a @ matrix).sign())
    assert torch.equal(2 * result.stimulus - 1, ((a @ matrix).sign() @ matrix.T).sign())


def test_kosko_keeps_a_unit_without_drive_as_it_is() -> None:
    memory = KoskoBAM(4, 3)
    cue = torch.tensor([[1.0, 0.0, 1.0, 0.0]])
    assert torch.equal(memory.complete(cue).stimulus, cue)
    assert torch.equal(memory.complete(cue).concept, torch.full((1, 3), 0.5))


def test_a_modern_hopfield_network_finds_the_nearest_pattern() -> None:
    x, y = random_pairs(30, 200, 20, 0)
    memory = ModernHopfield()
    memory.store(x[:10], y[:10])
    memory.store(x[10:], y[10:])
    damaged = x.clone()
    damaged[:, :40] = 1 - damaged[:, :40]
    result = memory.complete(damaged)
    assert torch.equal((result.stimulus > 0.5).float(), x)
    assert torch.equal((result.concept > 0.5).float(), y)


def test_one_pass_of_a_modern_hopfield_network_is_attention_over_the_patterns() -> None:
    x, y = random_pairs(5, 12, 7, 0)
    memory = ModernHopfield(sharpness=3.0)
    memory.store(x, y)
    cue = random_pairs(4, 12, 7, 1)[0]
    bipolar = 2 * x - 1
    exponent = torch.exp(3.0 / 12**0.5 * (2 * cue - 1) @ bipolar.T)
    weights = exponent / exponent.sum(1, keepdim=True)
    result = memory.complete(cue, passes=1)
    torch.testing.assert_close(result.stimulus, weights @ x)
    torch.testing.assert_close(result.concept, weights @ y)


class Echo:
    """Returns the cue itself and a silent concept."""

    def store(self, stimuli: Tensor, concepts: Tensor) -> None:
        self.units = concepts.shape[1]

    def complete(self, cue: Tensor, *, known: Tensor | None = None) -> CompletionResult:
        concept = torch.zeros(len(cue), self.units)
        return CompletionResult(cue, concept, (cue,), (concept,))


def test_errors_are_shares_of_wrong_bits_averaged_over_seeds() -> None:
    ones = [float(random_pairs(20, 30, 10, seed)[1].mean()) for seed in range(3)]
    sizes = {"stimulus": 30, "concept": 10, "seeds": 3}
    (point,) = capacity_curve(lambda n, m, seed: Echo(), [20], flipped=1.0, **sizes)
    assert point == CurvePoint(20, pytest.approx(sum(ones) / 3), 1.0)
    intact, inverted = robustness_curve(lambda n, m, seed: Echo(), [0.0, 1.0], pairs=20, **sizes)
    assert (intact.stimulus, inverted.stimulus) == (0.0, 1.0)
    assert intact.concept == inverted.concept == pytest.approx(sum(ones) / 3)


def test_capacity_is_where_the_first_number_fails() -> None:
    points = [CurvePoint(10, 0, 0.01), CurvePoint(20, 0.02, 0.05), CurvePoint(30, 0.06, 0), CurvePoint(40, 0, 0)]
    assert capacity(points) == 20
    assert capacity(points[2:]) == 0
    assert capacity(points, error=0.1) == 40


@pytest.mark.slow
def test_it_holds_twice_what_kosko_holds() -> None:
    def ours(n: int, m: int, seed: int) -> AssociativeMemory:
        return AssociativeMemory(n, m, seed=seed)

    kosko = capacity_curve(lambda n, m, seed: KoskoBAM(n, m), [30, 38, 42], seeds=1)
    assert capacity(kosko) < 42
    assert capacity(capacity_curve(ours, [40, 84], seeds=1)) >= 2 * capacity(kosko)


def test_more_damage_makes_more_errors() -> None:
    def make(n: int, m: int, seed: int) -> AssociativeMemory:
        return AssociativeMemory(n, m, seed=seed)

    for kind, shares in (("flipped", [0.0, 0.2, 0.45]), ("masked", [0.0, 0.5, 0.97])):
        points = robustness_curve(make, shares, kind=kind, pairs=10, stimulus=100, concept=40, seeds=1)
        assert [point.at for point in points] == shares
        assert points[0].error < 0.01
        assert points[-1].error > points[0].error
    with pytest.raises(ConfigurationError, match="damage"):
        robustness_curve(make, [0.0], kind="burnt")


def test_sequences_are_replayed_forward_and_backward() -> None:
    generator = torch.Generator().manual_seed(0)
    sequences = torch.randint(0, 2, (2, 20, 300), generator=generator).float()
    found = replay_accuracy(sequences)
    assert found["forward"] >= 0.95
    assert found["backward"] >= 0.95
    memory = SequenceMemory(300)
    memory.store(sequences[:1])
    assert torch.equal((memory.replay(sequences[:1, 5], 3) > 0.5).float(), sequences[:1, 6:9])
    assert torch.equal((memory.replay_backward(sequences[:1, 5], 2) > 0.5).float(), sequences[:1, [4, 3]])


def test_sparse_items_are_replayed_too() -> None:
    generator = torch.Generator().manual_seed(0)
    sequences = (torch.rand(1, 20, 300, generator=generator) < 0.1).float()
    assert replay_accuracy(sequences)["forward"] >= 0.95


def test_stored_images_are_completed() -> None:
    generator = torch.Generator().manual_seed(0)
    images, labels = torch.rand(40, 1, 8, 8, generator=generator).round(), torch.arange(40) % 2
    known = torch.zeros(1, 8, 8)
    known[:, :4] = 1
    found = stored_completion(images, labels, known, stored=20, units=60)
    assert found.ratio < 0.6
    assert found.settled > 0.9


def test_the_error_is_of_the_hidden_part() -> None:
    found, originals = torch.ones(2, 1, 2, 2), torch.zeros(2, 1, 2, 2)
    found[:, :, 0] = 9
    known = torch.tensor([[[1.0, 1.0], [0.0, 0.0]]])
    assert hidden_error(found, originals, known) == 1.0
    values = torch.tensor([[1.0, 2.0], [3.0, 6.0], [5.0, 7.0]])
    assert class_means(values, torch.tensor([1, 0, 1])).tolist() == [[3.0, 6.0], [3.0, 4.5]]


@pytest.mark.parametrize("latent", [True, False])
def test_a_network_completes_and_holds_what_is_known(latent: bool) -> None:
    net = models.autoencoder((1, 4, 4), [8], 3, latent=5) if latent else models.mlp((1, 4, 4), [8], 3)
    cue = torch.rand(6, 1, 4, 4, generator=torch.Generator().manual_seed(0))
    known = torch.zeros(1, 4, 4)
    known[:, :2] = 1
    result = complete(net, cue, known, passes=2)
    begun = torch.where(known > 0, cue, net.stimulus_mean)
    recalled = net.reconstruct(begun) if latent else net.recall(net.logits(begun).argmax(1))
    assert torch.equal(result.stimuli[0][:, :, 2:], recalled.clamp(0, 1)[:, :, 2:])
    assert torch.equal(result.concepts[1], net.logits(result.stimuli[0]))
    assert torch.equal(result.stimulus[:, :, :2], cue[:, :, :2])
    hidden: Tensor = result.stimulus[:, :, 2:]
    assert bool(((hidden >= 0) & (hidden <= 1)).all())
    assert result.concept.shape == (6, 3)
    assert torch.equal(result.concepts[0], net.logits(torch.where(known > 0, cue, net.stimulus_mean)))
    with pytest.raises(ShapeError, match="mask"):
        complete(net, cue, torch.ones(3), passes=2)
    with pytest.raises(ConfigurationError, match="passes"):
        complete(net, cue, known, passes=0)
