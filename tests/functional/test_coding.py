"""Codes and decoders: probabilities, latencies, refusals, and cosines by hand."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from bispike.errors import ConfigurationError, ShapeError
from bispike.functional import (
    bernoulli_code,
    cosine_scores,
    cross_entropy,
    drive_scores,
    given_spikes,
    latency_code,
    one_hot_code,
    poisson_code,
    population_code,
)


def test_bernoulli_rate_is_the_intensity() -> None:
    intensity = torch.tensor([[0.0, 0.2, 0.7, 1.0]])
    spikes = bernoulli_code(intensity, 20000, generator=torch.Generator().manual_seed(0))
    assert spikes.shape == (20000, 1, 4)
    torch.testing.assert_close(spikes.mean(0), intensity, atol=0.02, rtol=0)


def test_poisson_rate_is_one_minus_the_chance_of_no_event() -> None:
    intensity = torch.tensor([[0.0, 0.5, 2.0]])
    spikes = poisson_code(intensity, 20000, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(spikes.mean(0), 1 - (-intensity).exp(), atol=0.02, rtol=0)
    assert set(spikes.unique().tolist()) <= {0.0, 1.0}


@given(time_steps=st.integers(1, 9), seed=st.integers(0, 99))
@settings(max_examples=20, deadline=None)
def test_latency_gives_one_spike_the_earlier_the_brighter(time_steps: int, seed: int) -> None:
    intensity = torch.rand(3, 5, generator=torch.Generator().manual_seed(seed))
    intensity[0, 0], intensity[0, 1] = 0.0, 1.0
    spikes = latency_code(intensity, time_steps)
    assert torch.equal(spikes.sum(0), (intensity > 0).float())
    when = spikes.argmax(0)
    assert when[0, 1] == 0
    order = intensity[1].argsort(descending=True)
    assert (when[1][order].diff() >= 0).all()


def test_given_spikes_are_brought_to_time_first_and_checked() -> None:
    spikes = (torch.rand(2, 4, 3, generator=torch.Generator().manual_seed(0)) < 0.5).float()
    assert torch.equal(given_spikes(spikes, 4), spikes.transpose(0, 1))
    with pytest.raises(ConfigurationError, match="0 and 1"):
        given_spikes(spikes + 0.5, 4)
    one_wrong = spikes.clone()
    one_wrong[1, 2, 0] = 2.0
    with pytest.raises(ConfigurationError, match="0 and 1"):
        given_spikes(one_wrong, 4)
    with pytest.raises(ShapeError, match="T=5"):
        given_spikes(spikes, 5)


@pytest.mark.parametrize("code", [bernoulli_code, latency_code])
def test_intensities_outside_the_unit_interval_are_refused(code: Callable[..., Tensor]) -> None:
    with pytest.raises(ConfigurationError, match=r"\[0, 1\]"):
        code(torch.tensor([[1.5]]), 4)
    with pytest.raises(ConfigurationError, match="at least 0"):
        poisson_code(torch.tensor([[-0.1]]), 4)


@given(classes=st.integers(2, 12), size=st.integers(8, 30), seed=st.integers(0, 99))
@settings(max_examples=30, deadline=None)
def test_population_code_tells_classes_apart_with_equal_activity(classes: int, size: int, seed: int) -> None:
    code = population_code(classes, size, generator=torch.Generator().manual_seed(seed))
    assert torch.unique(code, dim=0).shape[0] == classes
    assert code.sum(1).unique().numel() == 1
    assert set(code.unique().tolist()) == {0.0, 1.0}


def test_a_population_too_small_for_the_classes_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="more neurons"):
        population_code(10, 2, generator=torch.Generator().manual_seed(0))


def test_decoders_by_hand() -> None:
    drive = torch.tensor([[1.0, 3.0, 2.0]])
    assert torch.allclose(drive_scores(drive, one_hot_code(3)), drive, atol=1e-6)
    label = torch.tensor([[1.0, 1.0, 0.0], [0.0, 1.0, 1.0]])
    spikes = torch.tensor([[[1.0, 1.0, 0.0]], [[0.0, 1.0, 0.0]]])
    scores = cosine_scores(spikes, label.expand(2, 2, 3))
    expected = torch.tensor([[3 / (3**0.5 * 4**0.5), 2 / (3**0.5 * 4**0.5)]])
    torch.testing.assert_close(scores, expected, atol=1e-6, rtol=0)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_cross_entropy_gradient(smoothing: float) -> None:
    scores = torch.randn(4, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).requires_grad_()
    labels = torch.tensor([0, 2, 1, 1])
    expected = torch.nn.functional.cross_entropy(scores, labels, label_smoothing=smoothing)
    value, grad = cross_entropy(scores.detach(), labels, smoothing=smoothing)
    torch.testing.assert_close(value, expected.detach())
    torch.testing.assert_close(grad, torch.autograd.grad(expected, scores)[0])


def test_latency_by_hand() -> None:
    """Step round((1 − x)(T − 1)), none for x = 0."""
    spikes = latency_code(torch.tensor([[1.0, 0.75, 0.5, 0.1, 0.0]]), 5)
    assert spikes.shape == (5, 1, 5)
    assert spikes.argmax(0).tolist() == [[0, 1, 2, 4, 0]]
    assert spikes.sum(0).tolist() == [[1, 1, 1, 1, 0]]


@pytest.mark.parametrize("code", [bernoulli_code, poisson_code])
def test_stochastic_codes_draw_from_their_generator_alone(code: Callable[..., Tensor]) -> None:
    intensity = torch.full((3, 50), 0.5)
    first, second, other = (code(intensity, 6, generator=torch.Generator().manual_seed(seed)) for seed in (1, 1, 2))
    assert torch.equal(first, second)
    assert not torch.equal(first, other)
    before = torch.get_rng_state()
    code(intensity, 6, generator=torch.Generator().manual_seed(1))
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize("code", [bernoulli_code, latency_code])
def test_the_ends_of_the_unit_interval_are_inside_and_what_lies_below_is_not(code: Callable[..., Tensor]) -> None:
    draws = {"generator": torch.Generator().manual_seed(0)} if code is bernoulli_code else {}
    assert code(torch.tensor([[0.0, 1.0]]), 3, **draws).sum(0)[0, 0] == 0
    with pytest.raises(ConfigurationError, match=r"received -0.5 to 0.25"):
        code(torch.tensor([[-0.5, 0.25]]), 3)


def test_a_poisson_process_without_events_is_silent() -> None:
    assert poisson_code(torch.zeros(2, 3), 4, generator=torch.Generator().manual_seed(0)).sum() == 0


def test_given_spikes_need_a_time_axis() -> None:
    with pytest.raises(ShapeError, match="given spikes"):
        given_spikes(torch.ones(4), 4)
    assert given_spikes(torch.ones(3, 4), 4).shape == (4, 3)
    assert given_spikes(torch.ones(3, 4, 2), 4).is_contiguous()


@pytest.mark.parametrize(
    ("size", "active", "count"), [(10, 0.5, 5), (10, 0.34, 3), (10, 0.01, 1), (10, 0.99, 9), (2, 0.5, 1), (7, 0.5, 4)]
)
def test_the_share_of_active_neurons(size: int, active: float, count: int) -> None:
    code = population_code(2, size, active=active, generator=torch.Generator().manual_seed(0))
    assert code.shape == (2, size)
    assert code.sum(1).tolist() == [count, count]


def test_half_of_a_population_is_active_by_default_and_draws_differ() -> None:
    codes = [population_code(3, 12, generator=torch.Generator().manual_seed(seed)) for seed in (0, 0, 1)]
    assert codes[0].sum(1).tolist() == [6, 6, 6]
    assert torch.equal(codes[0], codes[1])
    assert not torch.equal(codes[0], codes[2])


def test_one_neuron_is_no_population() -> None:
    with pytest.raises(ConfigurationError, match="at least 2 concept neurons, received 1"):
        population_code(2, 1, generator=torch.Generator().manual_seed(0))


def test_a_tight_population_is_drawn_until_all_classes_differ() -> None:
    """Six codes of two in four neurons are all that there are: nearly every first draw holds one twice."""
    code = population_code(6, 4, generator=torch.Generator().manual_seed(0))
    assert torch.unique(code, dim=0).shape == (6, 4)
