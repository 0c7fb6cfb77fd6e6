"""Settings from what a user asked for: later wins, twins keep what they know, mistakes are listed."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import pytest

from bispike.config.folders import default_folder
from bispike.config.resolve import Plain, Request, attempt, resolve, resolve_each, resolve_rows
from bispike.config.train_config import TrainConfig, write_config
from bispike.errors import ConfigurationError
from bispike.settings import setting


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


def test_another_model_keeps_shared_options_and_its_own_sizes(tmp_path: Path) -> None:
    saved = TrainConfig(model_options={"threshold": 0.9, "widths": [7], "time_steps": 6})
    write_config(tmp_path, saved)
    other = resolve(asked(config=tmp_path, model="cnn-small"))
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
    read = setting("key", sample).read(text)
    assert read == value
    assert type(read) is type(value)


def test_the_annotation_goes_before_the_default() -> None:
    strides = setting("strides", 1, "Sequence[int] | int")
    assert [strides.read(text) for text in ("2", "[2,1]")] == [2, [2, 1]]
    for text in ("2.0", "[2,1.5]", "true", "x"):
        with pytest.raises(ConfigurationError, match="strides: expected a whole number or"):
            strides.read(text)
    assert setting("patience", 3, "int | None").read("none") is None
    with pytest.raises(ConfigurationError, match="patience: expected a whole number, received 'none'"):
        setting("patience", 3, "int").read("none")


def test_not_a_number_is_read_as_such_and_left_to_validation() -> None:
    assert math.isnan(setting("lr", 1.0).read("nan"))


@pytest.mark.parametrize(("text", "sample"), [("x", 1), ("1.5", 1), ("true", 1), ("x", 1.0), ("1", True), ("x", [1])])
def test_a_text_that_does_not_fit_is_refused(text: str, sample: Any) -> None:
    with pytest.raises(ConfigurationError, match="key: expected"):
        setting("key", sample).read(text)


def test_all_mistakes_are_listed_together() -> None:
    with pytest.raises(ConfigurationError) as caught:
        resolve(asked("strenght=1", "threshold=high", "epochs=many"))
    assert len(caught.value.problems) == 3
    with pytest.raises(ConfigurationError) as caught:
        resolve(asked("strenght=1", "threshold=high", "decay=2", lr=-1.0))
    assert [re.split(r"[: ]", problem)[0] for problem in caught.value.problems] == [
        "threshold",
        "unknown",
        "lr",
        "decay",
    ]
    with pytest.raises(ConfigurationError) as caught:
        resolve(asked(model="mpl", rule="bsdd", lr=-1.0))
    assert len(caught.value.problems) == 3


def test_none_switches_an_option_off() -> None:
    assert resolve(asked("patience=none", patience=3)).patience is None


def test_a_text_for_several_rules_reaches_those_that_know_it() -> None:
    found = resolve_each(asked("contrast=batch", "threshold=0.7"), ["bsd", "bptt"])
    assert found["bsd"].rule_options == {"contrast": "batch"}
    assert found["bptt"].rule_options == {}
    assert all(config.model_options == {"threshold": 0.7} for config in found.values())
    with pytest.raises(ConfigurationError, match="contrats"):
        resolve_each(asked("contrats=batch"), ["bsd", "bptt"])


def test_the_default_folder_says_what_a_run_is() -> None:
    assert default_folder(TrainConfig(seed=3)) == Path("runs/digits-mlp-bsd-seed3")
    assert default_folder(TrainConfig(dataset="/some/my own.npz")).name == "my_own-mlp-bsd-seed0"


def test_an_option_without_effect_is_refused_with_what_would_make_it_act() -> None:
    with pytest.raises(ConfigurationError) as caught:
        resolve(asked("noise=0.2", "feedback_loss=fixed", rule="dtp"))
    assert caught.value.problems == [
        "noise: received 0.2, which has no effect with feedback_loss 'fixed'; it acts where feedback_loss is "
        "'difference' or 'reconstruction'. Set that too, or leave noise out."
    ]
    assert resolve(asked("noise=0.2", rule="dtp")).rule_options == {"noise": 0.2}
    with pytest.raises(ConfigurationError, match=r"excitability: received 0\.1, which has no effect with norm False"):
        resolve(asked("excitability=0.1", "norm=false"))
    assert resolve(asked("excitability=0.1", "norm=false", model="rnn")).model_options["excitability"] == 0.1


def test_what_a_saved_configuration_holds_without_effect_is_left_out(tmp_path: Path) -> None:
    """The user did not ask for it: another choice of his made it idle."""
    write_config(tmp_path, TrainConfig(rule="dtp", rule_options={"noise": 0.2, "target_step": 0.3}))
    assert resolve(asked("feedback_loss=fixed", config=tmp_path)).rule_options == {
        "target_step": 0.3,
        "feedback_loss": "fixed",
    }


def test_defaults_without_effect_are_kept(tmp_path: Path) -> None:
    """A run that was started with a rule as an object saves all options; resuming it must find the same."""
    saved = TrainConfig(rule="dtp", rule_options={"noise": 0.1, "feedback_loss": "fixed"})
    write_config(tmp_path, saved)
    assert resolve(asked(config=tmp_path)) == saved


def test_rows_of_a_study_take_what_has_an_effect_there() -> None:
    texts = [("rule", "dtp"), ("noise", "0.2")]
    rows = {loss: Request({}, [*texts, ("feedback_loss", loss)]) for loss in ("difference", "fixed")}
    found = resolve_rows(rows)
    assert found["difference"].rule_options == {"noise": 0.2, "feedback_loss": "difference"}
    assert found["fixed"].rule_options == {"feedback_loss": "fixed"}
    with pytest.raises(ConfigurationError, match=r"noise: received 0\.2"):
        resolve_rows(rows, own=["noise"])


def test_a_plain_value_must_have_the_type_of_its_setting() -> None:
    found = attempt(Request({}, [("lr", Plain("0.1")), ("epochs", Plain(2)), ("test", Plain(1))]))
    assert found.problems == ["lr: expected a number, received '0.1'.", "test: expected true or false, received 1."]
    assert (found.config.epochs, found.config.lr) == (2, TrainConfig().lr)


def test_the_last_rule_counts_wherever_it_was_given() -> None:
    """A rule's recommendations never replace what the user wrote."""
    config = resolve(asked("lr=0.5", "rule=ccl", rule="bptt"))
    assert (config.rule, config.lr) == ("ccl", 0.5)
    assert resolve(asked("rule=ccl")).lr == 3e-3


def test_settings_are_made_a_handful_of_times(monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    convert = TrainConfig.__post_init__

    def counted(self: TrainConfig) -> None:
        made.append(self)
        convert(self)

    monkeypatch.setattr(TrainConfig, "__post_init__", counted)
    resolve(asked("temperature=0.2", "threshold=0.7", preset="fashion-mlp", epochs=2))
    assert len(made) <= 3


def test_words_of_the_command_line_are_pairs() -> None:
    assert Request.of({"lr": 0.1}, ["a = 1", "b=[x=y]", "a=2", "a=1"]).texts == [
        ("a", "1"),
        ("b", "[x=y]"),
        ("a", "2"),
        ("a", "1"),
    ]
    assert resolve(Request.of({}, ["epochs=1", "epochs=2", "epochs=1"])).epochs == 1
    for word in ("strength", "=3", " =3"):
        with pytest.raises(ConfigurationError, match="expected KEY=VALUE, received"):
            Request.of({}, [word])


def test_an_idle_option_of_one_rule_that_others_do_not_know_is_explained_once() -> None:
    with pytest.raises(ConfigurationError) as caught:
        resolve_each(asked("feedback_loss=fixed", "noise=0.3"), ["dtp", "bptt"])
    assert len(caught.value.problems) == 1
    assert "no effect with feedback_loss 'fixed'" in caught.value.problems[0]
