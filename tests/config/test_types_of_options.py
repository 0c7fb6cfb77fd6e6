"""Types and ranges of options, wherever they are given; options without an effect; whose option a key is."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from bispike import data, fit, models
from bispike.config import optimizers
from bispike.config.options import whose
from bispike.config.resolve import Request, attempt, problems_of, resolve, training_problems
from bispike.config.train_config import TrainConfig
from bispike.errors import ConfigurationError
from bispike.nn.weight_limit import LARGEST, VARIABLE, weight_limit
from bispike.settings import setting
from bispike.training import run_config

HUGE = 10**400
RATES = ["backprop", "pc", "dll", "forward-forward"]


@pytest.mark.parametrize(
    ("optimizer", "options", "words"),
    [
        ("adam", {"betas": 3}, "betas: expected a list"),
        ("adam", {"betas": [0.9]}, "betas: expected 2 numbers"),
        ("adam", {"betas": [0.9, "x"]}, "betas: expected 2 numbers"),
        ("adam", {"betas": [0.9, True]}, "betas: expected 2 numbers"),
        ("adam", {"betas": [0.9, 2.0]}, "beta"),
        ("adam", {"eps": "small"}, "eps: expected a number"),
        ("adam", {"eps": -1.0}, "epsilon"),
        ("adam", {"amsgrad": 1}, "amsgrad: expected true or false"),
        ("sgd", {"momentum": True}, "momentum: expected a number"),
        ("sgd", {"momentum": -1.0}, "momentum"),
        ("sgd", {"betas": [0.9, 0.99]}, "unknown option of optimizer 'sgd'"),
        ("adamm", {}, "unknown optimizer"),
    ],
)
def test_options_of_optimizers_are_checked_before_a_training(optimizer: str, options: Any, words: str) -> None:
    found = [*training_problems(TrainConfig(optimizer=optimizer, optimizer_options=options))]
    assert len(found) == 1
    assert words in found[0]


def test_every_optimizer_takes_its_own_defaults() -> None:
    for name in optimizers.OPTIMIZERS:
        assert [*optimizers.problems(name, {})] == []
        defaults = {key: value for key, value in optimizers.optimizer_settings(name).items() if value is not None}
        lists = {key: list(value) if isinstance(value, tuple) else value for key, value in defaults.items()}
        assert [*optimizers.problems(name, lists)] == []


@pytest.mark.parametrize("value", [HUGE, -HUGE, Fraction(HUGE), float("nan"), float("inf")])
def test_a_number_that_no_float_holds_is_not_finite(value: Any) -> None:
    assert setting("x", 1.0).problem(value).startswith("x: expected a finite number")
    assert len(setting("x", 1.0).problem(value)) < 200
    setting("x", 1.0).convert(value)  # what is wrong stays as it is, for the message


def test_scalars_of_numpy_become_plain_values() -> None:
    cases = [
        (0, np.int64(3), int),
        (0.5, np.float32(2.5), float),
        (False, np.bool_(1), bool),
        ([1], [np.int32(4)], list),
    ]
    for default, value, kind in cases:
        one = setting("x", default)
        assert one.problem(value) == ""
        assert type(one.convert(value)) is kind
    assert type(setting("x", 0, "Sequence[int]").convert([np.int64(3)])[0]) is int
    assert setting("x", 0).problem(np.bool_(1)) != ""


def test_a_long_value_is_cut_in_a_message() -> None:
    for value in ("x" * 10_000, list(range(10_000)), {str(i): i for i in range(1000)}, [[[[[[[[1]]]]]]]]):
        assert len(setting("x", 1).problem(value)) < 250


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ({"threads": 10**6}, "threads"),
        ({"epochs": 10**9}, "epochs"),
        ({"epochs": 2.5}, "epochs"),
        ({"epochs": True}, "epochs"),
        ({"batch_size": 2**40}, "batch_size"),
        ({"lr": 1e30}, "lr"),
        ({"seed": 2**63}, "seed"),
        ({"model_options": {"time_steps": 10**9}}, "time_steps"),
        ({"model_options": {"seed": 2**64}}, "seed"),
        ({"model_options": {"widths": [2.5]}}, "widths"),
        ({"model_options": {"widths": [True]}}, "widths"),
        ({"rule_options": {"pool": 1.5}}, "pool"),
        ({"rule_options": {"strength": "1"}}, "strength"),
        ({"model": "cnn-small", "model_options": {"kernel": 99}}, "kernel"),
        ({"model": "resnet-small", "model_options": {"depth": 10**6}}, "depth"),
        ({"model_options": {"widths": [4] * 2000}}, "widths"),
    ],
)
def test_values_without_sense_are_refused(settings: dict[str, Any], name: str) -> None:
    found = problems_of(TrainConfig(**settings))
    assert len(found) == 1
    assert name in found[0]


# ------------------------------------------------------------------ sizes


def test_weights_are_counted_before_they_are_allocated(monkeypatch: pytest.MonkeyPatch) -> None:
    for build in (
        lambda: models.mlp(784, [10**7, 10**7], 10),
        lambda: models.mlp(784, [4096] * 40, 10),  # each layer fits, all together do not
        lambda: models.cnn((1, 28, 28), [10**6], 10),
        lambda: models.rnn(4, [10**5], 3),
        lambda: models.autoencoder(784, [64], 10, latent=10**8),
        lambda: models.mlp(4, [4], 3, concept_code="population", concept_size=10**9),
    ):
        with pytest.raises(ConfigurationError, match=rf"at most {LARGEST:,} weights.*{VARIABLE}"):
            build()
    monkeypatch.setenv(VARIABLE, "100")
    assert weight_limit() == 100
    with pytest.raises(ConfigurationError, match="at most 100 weights"):
        models.mlp(8, [8], 3)
    for wrong in ("many", "0", "-1", "1e9"):
        monkeypatch.setenv(VARIABLE, wrong)
        with pytest.raises(ConfigurationError, match=VARIABLE):
            models.mlp(8, [8], 3)


def test_each_network_is_counted_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    network = models.mlp(8, [8], 3)
    norms = 2 * 2 * 8  # the running statistics are counted too
    values = sum(parameter.numel() for parameter in network.parameters()) + norms + 3 * 3
    monkeypatch.setenv(VARIABLE, str(values))
    for _ in range(3):
        models.mlp(8, [8], 3)
    monkeypatch.setenv(VARIABLE, str(values - 1))
    with pytest.raises(ConfigurationError, match=f"received {values:,}"):
        models.mlp(8, [8], 3)


# ------------------------------------------------------------------ effects and owners


@pytest.mark.parametrize("rule", RATES)
@pytest.mark.parametrize(
    ("key", "value"), [("time_steps", "8"), ("decay", "0.9"), ("reset", "soft"), ("threshold", "2")]
)
def test_options_of_spiking_neurons_have_no_effect_under_rules_of_rates(rule: str, key: str, value: str) -> None:
    with pytest.raises(ConfigurationError, match="no effect with the signal between layers 'rates'"):
        resolve(Request({"rule": rule}, [(f"model.{key}", value)]))
    assert problems_of(resolve(Request({"rule": "bptt"}, [(f"model.{key}", value)]))) == []


def test_under_rules_of_rates_they_act_beside_others() -> None:
    for texts in (
        [("time_steps", "8"), ("stimulus_code", "bernoulli")],
        [("time_steps", "8"), ("concept_code", "learned")],
        [("threshold", "2"), ("excitability", "0.5")],
    ):
        assert problems_of(resolve(Request({"rule": "backprop"}, texts))) == []


def test_a_preset_stays_usable_with_a_rule_of_rates() -> None:
    found = attempt(Request({"preset": "mnist-mlp", "rule": "backprop"}))
    assert (found.problems, found.unused) == ([], {})
    assert found.config.model_options == {}


def test_an_unknown_key_is_told_whose_option_it_is() -> None:
    with pytest.raises(ConfigurationError, match="It is an option of rule bsd"):
        resolve(Request({"rule": "bptt"}, [("contrast", "batch")]))
    assert whose("kernel").startswith("It is an option of model cnn, cnn-small")
    assert "sgd" in whose("momentum")
    assert whose("speed") == ""


def test_fit_lists_all_that_is_wrong_with_a_call_together() -> None:
    given = data.from_arrays(torch.rand(40, 6), torch.arange(40) % 2)
    network = models.mlp(given.stimulus, [4], given.concept)
    with pytest.raises(ConfigurationError) as caught:
        fit(network, "hebb", given, speed=3, strength=1)
    assert [problem.split(";")[0].split(".")[0] for problem in caught.value.problems] == [
        "unknown rule 'hebb'",
        "unknown setting 'speed'",
        "unknown setting 'strength'",
    ]
    assert "rules.create" in caught.value.problems[2]


def test_a_run_is_resumed_by_a_call_that_spells_out_its_defaults(tmp_path: Path) -> None:
    values: dict[str, Any] = {"model": "mlp-small", "limit": 100, "validation": 0.1}
    run_config(TrainConfig(epochs=1, **values), out=tmp_path, progress=None)
    again = resolve(
        Request({"epochs": 1, "time_steps": 4}, [("strength", "0.2"), ("betas", "[0.9,0.999]")]), resume_from=tmp_path
    )
    assert run_config(again, out=tmp_path, resume=True, progress=None).config.epochs == 1
