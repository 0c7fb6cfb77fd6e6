"""Wrong settings are found before any work, each with its name, all together."""

from __future__ import annotations

from typing import Any

import pytest

from bispike.config.presets import config, registry
from bispike.errors import ConfigurationError
from bispike.training import TrainConfig, validate

WRONG: list[tuple[dict[str, Any], str]] = [
    ({"dataset": "fashion_mnist"}, "did you mean 'fashion-mnist'"),
    ({"model": "mpl"}, "did you mean 'mlp'"),
    ({"rule": "bds"}, "unknown rule 'bds'"),
    ({"optimizer": "adamm"}, "did you mean 'adam'"),
    ({"optimizer": "lbfgs"}, "unknown optimizer"),
    ({"schedule": "cosinus"}, "did you mean 'cosine'"),
    ({"augment": "flipp"}, "did you mean 'flip'"),
    ({"keep": "first"}, "unknown keep"),
    ({"rule_options": {"strenght": 1}}, "did you mean 'strength'"),
    ({"rule_options": {"strength": -1}}, "strength"),
    ({"model_options": {"width": [3]}}, "did you mean 'widths'"),
    ({"optimizer_options": {"beta": 1}}, "did you mean 'betas'"),
    ({"epochs": 0}, "epochs: expected at least 1"),
    ({"epochs": 2.5}, "epochs: expected a whole number"),
    ({"batch_size": 0}, "batch_size"),
    ({"batch_size": True}, "batch_size: expected a whole number"),
    ({"lr": 0.0}, "lr: expected a positive"),
    ({"lr": float("nan")}, "lr: expected a finite"),
    ({"lr": "fast"}, "lr: expected a number"),
    ({"top_down_lr": -1.0}, "top_down_lr"),
    ({"weight_decay": -1.0}, "weight_decay"),
    ({"clip_norm": 0.0}, "clip_norm"),
    ({"seed": -1}, "seed"),
    ({"validation": 1.0}, "validation"),
    ({"validation": -0.1}, "validation"),
    ({"patience": 0}, "patience"),
    ({"patience": 3, "validation": 0}, "patience: ends"),
    ({"keep": "best", "validation": 0}, "keep:"),
    ({"limit": 0}, "limit"),
    ({"imbalance": 0.5}, "imbalance: expected a ratio"),
    ({"label_noise": 1.5}, "label_noise: expected a number in [0, 1]"),
    ({"test": 1}, "test: expected true or false"),
    ({"test": False, "validation": 0}, "test: false leaves"),
    ({"threads": 0}, "threads"),
    ({"device": "gpu"}, "device: expected"),
    ({"device": "cuda:99"}, "device"),
    ({"device": "meta"}, "device"),
    ({"checkpoint_seconds": -1}, "checkpoint_seconds"),
    ({"checkpoint_steps": 0}, "checkpoint_steps"),
    ({"rule_options": {"strength": float("inf")}}, "finite"),
    ({"rule_options": None}, "rule_options: expected a table"),
    ({"dataset": None}, "dataset: expected text"),
    ({"model_options": {"time_steps": 2.5}}, "time_steps: expected a whole number"),
    ({"model_options": {"time_steps": True}}, "time_steps: expected a whole number"),
    ({"model_options": {"norm": 1}}, "norm: expected true or false"),
    ({"model_options": {"decay": 1.5}}, "decay: expected a number in [0, 1]"),
    ({"model_options": {"concept_code": "onehot"}}, "did you mean 'one-hot'"),
    ({"model_options": {"concept_size": 9}}, "concept_size: received 9, which has no effect with concept_code"),
    ({"model_options": {"widths": 64}}, "widths: expected a list"),
    ({"rule_options": {"pool": 1.0}}, "pool: expected a whole number"),
    ({"rule_options": {"loss": 1}}, "loss: expected text"),
    ({"rule": "dtp", "rule_options": {"feedback_loss": "fixed", "noise": 0.2}}, "feedback_loss is 'difference' or"),
    ({"extra": {"seeds": 3}}, "seeds: expected a setting that an imported package has registered"),
]


@pytest.mark.parametrize(("settings", "message"), WRONG, ids=str)
def test_each_wrong_setting_is_named(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        validate(TrainConfig(**settings))
    assert len(caught.value.problems) == 1
    assert message in caught.value.problems[0]
    assert "\n" not in caught.value.problems[0]


def test_all_problems_come_together() -> None:
    with pytest.raises(ConfigurationError) as caught:
        validate(TrainConfig(epochs=0, lr=-1.0, rule="x", dataset="y", optimizer="z", device="w"))
    assert len(caught.value.problems) == 6


def test_defaults_and_presets_are_sound() -> None:
    validate(TrainConfig())
    for name in registry:
        validate(config(name))


def test_checks_do_not_need_settings_to_have_their_type() -> None:
    """Wrong types of some never hide what is wrong with others, and never break a check."""
    wrong: dict[str, Any] = dict.fromkeys((name for name in TrainConfig().to_dict()), object())
    with pytest.raises(ConfigurationError) as caught:
        validate(TrainConfig(**wrong))
    assert sorted(problem.split(":")[0] for problem in caught.value.problems) == sorted(wrong)
