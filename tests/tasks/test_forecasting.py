"""Forecasts of a series: errors by their definitions, baselines by what they can and cannot forecast."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from bispike import tasks
from bispike.data.series_windows import windowed
from bispike.errors import ConfigurationError, DataError
from bispike.tasks import ForecastErrors, baselines
from bispike.tasks.forecast_errors import scale_of

from .makers import fox, network_for, walk

PREDICTED, TRUE = torch.tensor([[1.0, 10.0], [2.0, 20.0]]), torch.tensor([[2.0, 10.0], [4.0, 30.0]])
SCALE, CHANGE = torch.tensor([2.0, 10.0]).double(), torch.tensor([0.5, 5.0]).double()


def test_errors_are_those_of_their_definitions() -> None:
    errors = ForecastErrors(SCALE, CHANGE)
    errors.add(PREDICTED[:1], TRUE[:1])
    errors.add(PREDICTED[1:], TRUE[1:])
    found = errors.result()
    assert found["mse"] == pytest.approx((0.25 + 0 + 1 + 1) / 4)
    assert found["mae"] == pytest.approx((0.5 + 0 + 1 + 1) / 4)
    assert found["mase"] == pytest.approx((2 + 0 + 4 + 2) / 4)
    assert found["smape"] == pytest.approx(100 * (2 / 3 + 0 + 4 / 6 + 20 / 50) / 4)


def test_without_a_training_part_there_is_no_mase() -> None:
    errors = ForecastErrors(SCALE, None)
    errors.add(PREDICTED, TRUE)
    assert set(errors.result()) == {"mse", "mae", "smape"}
    data = windowed(walk(), horizon=2, window=6)
    task = tasks.of(network_for(data))
    assert "mase" not in task.measures_in(task.evaluate(data.test))


def test_the_last_position_of_each_window_counts() -> None:
    data = windowed(walk(), horizon=2, window=6)
    network = network_for(data)
    found = tasks.of(network, data.train).evaluate(data.test, batch_size=7)
    stimuli, targets = data.test[:]
    differences = (network.logits(stimuli) - targets)[:, -1].double()
    error = differences / torch.tensor(data.concept.scale).double()  # type: ignore[attr-defined]
    assert found["mse"] == pytest.approx(float(error.square().mean()), rel=1e-5)
    assert found["mae"] == pytest.approx(float(error.abs().mean()), rel=1e-5)
    series = data.train.labels[: int(data.train.starts.max()) + 6].double()  # type: ignore[attr-defined]
    change = (series[1:] - series[:-1]).abs().mean(0)
    assert found["mase"] == pytest.approx(float((differences.abs() / change).mean()), rel=1e-5)
    assert (found["accuracy"], found["confusion"], found["samples"]) == (None, None, error.numel())


def test_a_smaller_error_has_a_larger_score() -> None:
    task = tasks.of(network_for(windowed(walk(), window=6)))
    assert task.score({"mse": 0.25}) == -0.25
    assert task.criterion.score(-0.25) == 0.25
    assert task.score(task.not_measured()) is None


def test_baselines_have_the_inputs_of_a_network() -> None:
    measured = baselines(windowed(walk(2000), horizon=1, window=6))
    assert list(measured) == ["naive", "mean", "linear, own", "linear, all"]
    # the future of the second column is in the past of the first one; nothing can forecast the walk itself
    assert measured["linear, all"]["mse"] < measured["linear, own"]["mse"]
    assert measured["naive"]["mse"] < measured["mean"]["mse"]
    steps = np.abs(np.diff(walk(2000).values, axis=0))[:1599].mean(0)
    errors = np.abs(np.diff(walk(2000).values, axis=0))[1599:].mean(0)
    assert measured["naive"]["mase"] == pytest.approx((errors / steps).mean(), rel=1e-3)


def test_an_estimate_from_other_columns_has_no_naive_baseline() -> None:
    assert list(baselines(windowed(walk(), protocol="paper", window=6))) == ["mean", "linear, all"]
    with pytest.raises(DataError, match="expected a series"):
        baselines(fox())


def test_errors_need_quantities() -> None:
    with pytest.raises(ConfigurationError, match=r"expected quantities, received 2\d classes"):
        scale_of(fox().concept)
