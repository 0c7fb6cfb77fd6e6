"""Settings from what a user asked for: later wins, twins keep what they know, mistakes are listed."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from bispike.config import resolve as settings
from bispike.config.resolve import Request, apply, read_value, resolve, resolve_each
from bispike.config.train_config import TrainConfig, write_config
from bispike.errors import ConfigurationError


def asked(*texts: str, **options: Any) -> Request:
    return Request(options, [tuple(text.split("=", 1)) for text in texts])  # type: ignore[misc]


def test_nothing_asked_gives_the_defaults() -> None:
    assert resolve(asked()) == TrainConfig()
    assert resolve(asked(epochs=None, rule=None)) == TrainConfig()


def test_options_override_the_preset_and_texts_override_options() -> None:
    preset = resolve(asked(preset="fashion-mlp"))
    changed = resolve(asked("epochs=7", preset="fashion-mlp", epochs=3, lr=0.5))
    assert (changed.epochs, changed.lr) == (7, 0.5)
    assert changed.dataset == preset.dataset == "fashion-mnist"
    assert changed.model_options == preset.model_options


def test_a_twin_keeps_everything_but_the_options_that_its_rule_lacks() -> None:
    preset, twin = resolve(asked(preset="fashion-mlp")), resolve(asked(preset="fashion-mlp", rule="bptt"))
    assert twin.rule == "bptt"
    assert not set(twin.rule_options) & {"contrast", "strength"}
    same = {name for name, value in preset.to_dict().items() if twin.to_dict()[name] == value}
    assert same >= set(preset.to_dict()) - {"rule", "rule_options"}


def test_another_model_keeps_shared_options_and_its_own_sizes() -> None:
    config = resolve(asked("model.threshold=0.9", "widths=[7]", time_steps=6))
    other = settings.with_model(config, "cnn-small")
    assert other.model_options == {"threshold": 0.9, "time_steps": 6}


def test_a_key_finds_its_group() -> None:
    config = resolve(
        asked("strength=0.2", "threshold=0.8", "weight-decay=0.1", "optimizer.betas=[0.8,0.9]", "time_steps=9")
    )
    assert config.rule_options == {"strength": 0.2}
    assert config.model_options == {"threshold": 0.8, "time_steps": 9}
    assert config.optimizer_options == {"betas": [0.8, 0.9]}
    assert config.weight_decay == 0.1


def test_settings_of_a_run_are_a_starting_point(tmp_path: Path) -> None:
    saved = TrainConfig(epochs=4, rule_options={"strength": 0.3}, lr=0.02)
    write_config(tmp_path, saved)
    assert resolve(asked(), resume_from=tmp_path) == saved
    assert resolve(asked(config=tmp_path)) == saved
    assert resolve(asked(config=tmp_path / "config.toml", epochs=5)).epochs == 5


@pytest.mark.parametrize(
    ("text", "sample", "value"),
    [
        ("3", 1, 3),
        ("[1,2]", 1, [1, 2]),
        ("3", 1.0, 3.0),
        (".5", 1.0, 0.5),
        ("1e-3", 1.0, 1e-3),
        ("true", False, True),
        ("64", [1], [64]),
        ("64,32", [1], [64, 32]),
        ("[64,32]", (1,), [64, 32]),
        ("3", "text", "3"),
        ("none", None, None),
        ("0.5", None, 0.5),
        ("name", None, "name"),
    ],
)
def test_texts_become_values_of_the_right_kind(text: str, sample: Any, value: Any) -> None:
    read = read_value("key", text, sample)
    assert read == value
    assert type(read) is type(value)


def test_not_a_number_is_read_as_such_and_left_to_validation() -> None:
    assert math.isnan(read_value("lr", "nan", 1.0))


@pytest.mark.parametrize(("text", "sample"), [("x", 1), ("1.5", 1), ("true", 1), ("x", 1.0), ("1", True), ("x", [1])])
def test_a_text_that_does_not_fit_is_refused(text: str, sample: Any) -> None:
    with pytest.raises(ConfigurationError, match="key: expected"):
        read_value("key", text, sample)


def test_all_mistakes_are_listed_together() -> None:
    with pytest.raises(ConfigurationError) as caught:
        resolve(asked("strenght=1", "threshold=high", "epochs=many"))
    assert len(caught.value.problems) == 3
    with pytest.raises(ConfigurationError) as caught:
        resolve(asked(model="mpl", rule="bsdd", lr=-1.0))
    assert len(caught.value.problems) == 3


def test_none_switches_an_option_off() -> None:
    assert apply(TrainConfig(patience=3), "patience", "none").patience is None


def test_a_text_for_several_rules_reaches_those_that_know_it() -> None:
    found = resolve_each(asked("contrast=batch", "threshold=0.7"), ["bsd", "bptt"])
    assert found["bsd"].rule_options == {"contrast": "batch"}
    assert found["bptt"].rule_options == {}
    assert all(config.model_options == {"threshold": 0.7} for config in found.values())
    with pytest.raises(ConfigurationError, match="contrats"):
        resolve_each(asked("contrats=batch"), ["bsd", "bptt"])


def test_the_default_folder_says_what_a_run_is() -> None:
    assert settings.default_folder(TrainConfig(seed=3)) == Path("runs/digits-mlp-bsd-seed3")
    assert settings.default_folder(TrainConfig(dataset="/some/my own.npz")).name == "my_own-mlp-bsd-seed0"
