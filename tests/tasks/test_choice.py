"""Each network has one task; the task decides what fits the network and which epoch is the best."""

from __future__ import annotations

import pytest
import torch

from bispike import data, models, tasks
from bispike.data import Dataset
from bispike.data.series_windows import windowed
from bispike.errors import ConfigurationError, DivergenceError
from bispike.nn import Network
from bispike.tasks import Classification, Forecasting, NextSymbols, Reconstruction, Task
from bispike.tasks.metrics import ACCURACY, METRICS, MSE

from .makers import fox, network_for, walk


def images() -> Dataset:
    draws = torch.Generator().manual_seed(0)
    return data.from_arrays(torch.rand(40, 1, 4, 4, generator=draws), torch.arange(40) % 2)


def pairs() -> list[tuple[Network, Dataset, type[Task]]]:
    single, text, series = images(), fox(), windowed(walk(), window=6)
    return [
        (models.mlp(single.stimulus, [6], single.concept), single, Classification),
        (models.autoencoder(single.stimulus, [6], single.concept, latent=4), single, Reconstruction),
        (network_for(text), text, NextSymbols),
        (network_for(series), series, Forecasting),
    ]


def test_each_network_has_one_task() -> None:
    for network, _, kind in pairs():
        assert type(tasks.of(network)) is kind
        assert type(tasks.expect(network, kind, "x")) is kind


def test_a_network_fits_the_data_that_it_was_built_for_and_no_other() -> None:
    found = pairs()
    for network, own, kind in found:
        task = tasks.of(network)
        assert task.problems(own) == []
        for _, other, other_kind in found:
            fits = own is other or {kind, other_kind} == {Classification, Reconstruction}
            assert (task.problems(other) == []) == fits, (kind, other_kind)


def test_the_kind_of_data_is_named_before_their_shape() -> None:
    (mlp, *_), _, (rnn, text, _), (_, series, _) = pairs()
    assert tasks.of(mlp).problems(text) == [
        "model: data set 'fox' is for the task 'text'; expected model 'rnn', received a network for single stimuli."
    ]
    (problem,) = tasks.of(rnn).problems(images())
    assert "such as 'mlp', received a recurrent network" in problem
    assert "expected a network that forecasts quantities" in tasks.of(rnn).problems(series)[0]


def test_every_task_measures_its_metric_criterion_and_measures() -> None:
    for network, own, _ in pairs():
        task = tasks.of(network, own.train)
        network.train()
        found = task.evaluate(own.test, batch_size=16)
        assert network.training
        assert found["samples"] > 0
        assert set(task.measures_in(found)) == set(task.measures)
        assert isinstance(found[task.metric.name], float)
        assert task.score(found) == task.criterion.score(found[task.criterion.name])
        assert set(task.not_measured()) == {"accuracy", task.metric.name, "samples", "confusion"}
        with pytest.raises(ConfigurationError, match="empty split"):
            task.evaluate(own.test.subset(slice(0, 0)))


def test_a_network_whose_scores_are_no_numbers_is_not_measured() -> None:
    for network, own, _ in pairs():
        task = tasks.of(network, own.train)
        with torch.no_grad():
            network.readout.weight.fill_(float("nan"))
        with pytest.raises(DivergenceError, match=r"evaluate: .* not a number"):
            task.evaluate(own.test, batch_size=16)


def test_the_reconstruction_error_is_the_mean_squared_error() -> None:
    network, own, _ = pairs()[1]
    found = tasks.of(network).evaluate(own.test, batch_size=3)
    stimuli, labels = own.test[:]
    error = (network.eval().reconstruct(stimuli) - stimuli).double().square().mean()
    assert found["reconstruction"] == pytest.approx(float(error), rel=1e-6)
    assert found["accuracy"] == float((network.logits(stimuli).argmax(1) == labels).double().mean())


def test_windows_and_single_stimuli_are_not_confused() -> None:
    (_, single, _), _, (rnn, text, _), _ = pairs()
    with pytest.raises(ConfigurationError, match="expected windows of a sequence"):
        tasks.of(rnn).evaluate(single.test)
    with pytest.raises(ConfigurationError, match="cannot be damaged"):
        tasks.of(rnn).evaluate(text.test, transform=lambda stimuli, draws: stimuli)


def test_metrics_know_which_value_is_better() -> None:
    assert ACCURACY.better(0.9, 0.8)
    assert not ACCURACY.better(0.8, 0.8)
    assert MSE.better(0.1, 0.2)
    assert not MSE.better(0.2, 0.1)
    for metric in METRICS.values():
        assert metric.score(metric.score(0.3)) == 0.3
        assert METRICS[metric.name] is metric


def test_metrics_as_texts() -> None:
    assert ACCURACY.text(0.93125) == "93.12 %"
    assert ACCURACY.text(0.93125, places=1) == "93.1 %"
    assert MSE.text(0.1234567) == "0.12346"


def test_the_line_of_an_epoch_holds_what_the_task_measures() -> None:
    row = {"train_accuracy": 0.5, "validation": 0.25, "bits": 2.5, "reconstruction": 0.125, "mse": 0.5, "mase": 1.5}
    texts = {kind: tasks.of(network).epoch_text(row) for network, _, kind in pairs()}
    accuracies = ["train 50.0 %", "validation 25.0 %"]
    assert texts[Classification] == accuracies
    assert texts[Reconstruction] == [*accuracies, "MSE 0.12500"]
    assert texts[NextSymbols] == [*accuracies, "2.500 bits"]
    assert texts[Forecasting] == ["validation MSE 0.50000", "MASE 1.500"]
    assert tasks.of(pairs()[3][0]).epoch_text({"train_accuracy": 0.0, "validation": None}) == []
