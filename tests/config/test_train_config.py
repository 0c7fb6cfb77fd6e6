"""Settings survive config.toml exactly, and what differs between two is listed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bispike.config.differences import differences
from bispike.config.train_config import (
    CONFIG_FILE,
    SETTINGS,
    TrainConfig,
    from_dict,
    read_config,
    read_in_force,
    write_config,
)
from bispike.errors import CheckpointError, ConfigurationError

options = st.dictionaries(
    st.sampled_from(["a", "b", "c-d"]),
    st.none()
    | st.booleans()
    | st.integers(-9, 9)
    | st.floats(0, 1)
    | st.text("xyz\"'\\\n")
    | st.lists(st.integers(0, 5)),
)
configs = st.builds(
    TrainConfig,
    dataset=st.sampled_from(["digits", "/a b/ü.npz"]),
    model_options=options,
    rule_options=options,
    data_options=options,
    lr=st.floats(1e-9, 10),
    top_down_lr=st.none() | st.floats(0, 1),
    patience=st.none() | st.integers(1, 9),
    threads=st.none() | st.integers(1, 4),
)


@given(config=configs)
def test_config_file_round_trip_is_exact(tmp_path_factory: pytest.TempPathFactory, config: TrainConfig) -> None:
    folder = tmp_path_factory.mktemp("run")
    write_config(folder, config, network={"widths": [3, 2], "names": ["x"]}, rule={"x": None})
    assert read_config(folder) == config
    assert read_config(folder / CONFIG_FILE) == config
    assert read_in_force(folder) == ({"widths": [3, 2], "names": ["x"]}, {"x": None})


@given(config=configs)
def test_a_configuration_does_not_differ_from_itself(config: TrainConfig) -> None:
    assert differences(config.to_dict(), config) == []


def test_differences_name_settings_and_options() -> None:
    saved = TrainConfig(lr=0.1, rule_options={"strength": 0.1, "pool": 2})
    asked = replace(saved, lr=0.2, rule_options={"strength": 0.2, "pool": 2}, model_options={"norm": False})
    assert differences(saved.to_dict(), asked) == [
        "model.norm: True -> False",
        "rule.strength: 0.1 -> 0.2",
        "lr: 0.1 -> 0.2",
    ]


def test_an_option_that_is_left_out_has_its_default() -> None:
    spelled_out = TrainConfig(
        epochs=10,
        model_options={"time_steps": 4, "widths": [1024, 512, 256]},
        rule_options={"contrast": "expected"},
        optimizer_options={"betas": [0.9, 0.999]},
    )
    assert differences(TrainConfig().to_dict(), spelled_out) == []
    assert differences(spelled_out.to_dict(), TrainConfig()) == []
    other = replace(spelled_out, model="mlp-small", model_options={"widths": [256, 128]})
    assert differences(TrainConfig(model="mlp-small").to_dict(), other) == []


def test_what_does_not_change_the_result_is_no_difference() -> None:
    asked = TrainConfig(data_root="/x", checkpoint_seconds=1, checkpoint_steps=3, threads=2)
    assert differences(TrainConfig().to_dict(), asked) == []
    assert not any(SETTINGS[name].incidental for name in ("seed", "batch_size", "device", "limit"))


def test_whole_numbers_become_real_ones_and_tuples_lists() -> None:
    config = TrainConfig(lr=1, validation=0, model_options={"widths": (3, (2,))})
    assert isinstance(config.lr, float)
    assert config.model_options == {"widths": [3, [2]]}


def test_unknown_settings_are_listed_together() -> None:
    with pytest.raises(ConfigurationError) as caught:
        from_dict({"epoch": 3, "learning_rate": 1.0})
    assert len(caught.value.problems) == 2
    assert "did you mean 'epochs'" in caught.value.problems[0]


def test_a_folder_without_a_run_and_a_later_format_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="not the folder of a run"):
        read_config(tmp_path)
    (tmp_path / CONFIG_FILE).write_text("format = 99\n")
    with pytest.raises(CheckpointError, match="format 99"):
        read_config(tmp_path)


def test_options_that_are_no_table_are_refused(tmp_path: Path) -> None:
    (tmp_path / CONFIG_FILE).write_text("rule_options = 3\n")
    with pytest.raises(ConfigurationError, match="rule_options: expected a table, received 3"):
        read_config(tmp_path)
