"""Damaged files of a run are named, repaired from its checkpoint, or refused; weights are finite when loaded."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from bispike.config.resolve import Request, resolve
from bispike.data import Dataset
from bispike.errors import CheckpointError, DamagedError
from bispike.runs import checkpoint
from bispike.runs.folder import CHECKPOINT, INITIAL, METRICS, MODEL, SUMMARY
from bispike.runs.run import load_run
from bispike.training import TrainConfig, fit, run_config

from .conftest import FAST, Dying, Stop, assert_equal, tiny_network, weights
from .interrupted import copied, resumed, small_data

NAN = float("nan")


@pytest.mark.parametrize("cut", ["half", "a line", "a table", "everything", "no TOML", "links"])
def test_what_the_checkpoint_holds_repairs_the_settings(cut: str, run_of_bsd: Path, tmp_path: Path) -> None:
    out = copied(run_of_bsd, tmp_path)
    config = out / "config.toml"
    whole = config.read_text()
    lines = whole.splitlines(keepends=True)
    texts = {
        "half": whole[: len(whole) // 2],
        "a line": "".join(line for line in lines if not line.startswith("lr ")),
        "a table": whole[: whole.index("[rule_in_force]")],
        "everything": "",
        "no TOML": whole.replace("lr = ", "lr = = "),
        "links": whole,
    }
    config.write_text(texts[cut])
    if cut == "links":
        config.unlink()
        config.symlink_to("config.toml")
    run = load_run(out)
    assert (run.config.lr, run.config.epochs) == (FAST["lr"], FAST["epochs"])
    assert "config.toml" in run.notes[0]
    if cut == "links":
        return
    assert config.read_text() == texts[cut], "loading changes nothing"
    _, reporter = resumed(small_data(), out)
    assert any("config.toml" in line for line in reporter.notes)
    assert config.read_text() == whole


def test_without_config_toml_a_run_resumes_with_the_settings_of_its_checkpoint(tmp_path: Path) -> None:
    settings = {"model_options": {"widths": [5], "time_steps": 2}, "epochs": 2, "checkpoint_steps": 1}
    config = TrainConfig(limit=200, batch_size=100, threads=1, test=False, **settings)
    out = tmp_path / "run"
    with pytest.raises(Stop):
        run_config(config, out=out, progress=Dying(3))
    whole = (out / "config.toml").read_text()
    (out / "config.toml").unlink()
    resumed_config = resolve(Request({"threads": 1}), resume_from=out)
    assert resumed_config == config
    run = run_config(resumed_config, out=out, resume=True, progress="none")
    assert (out / "config.toml").read_text() == whole
    assert_equal(weights(run.network), weights(run_config(config, progress="none").network))


def test_a_setting_that_a_person_changed_is_not_repaired(run_of_bsd: Path, tmp_path: Path) -> None:
    out = copied(run_of_bsd, tmp_path)
    config = out / "config.toml"
    config.write_text(config.read_text().replace("lr = 0.005", "lr = 0.5"))
    run = load_run(out)
    assert run.config.lr == 0.5
    assert not any("config.toml" in line for line in run.notes)


@pytest.mark.parametrize("name", [MODEL, INITIAL])
def test_weights_that_are_not_finite_are_refused_when_they_are_loaded(
    name: str, dataset: Dataset, tmp_path: Path
) -> None:
    run = fit(tiny_network(dataset, norm=True), "bsd", dataset, out=tmp_path, **{**FAST, "epochs": 1})
    network = run.network
    for key, value in (("layers.0.up.norm.running_mean", NAN), ("layers.1.up.norm.running_variance", -1.0)):
        damaged = {**weights(network), key: torch.full_like(network.state_dict()[key], value)}
        (tmp_path / name).write_bytes(checkpoint.serialise(damaged))
        if name == MODEL:
            with pytest.raises(CheckpointError, match=rf"{name.split('.')[0]}\.safetensors: weights: {key}: expected"):
                load_run(tmp_path)
            with pytest.raises(CheckpointError, match="expected"):
                fit(
                    tiny_network(dataset, norm=True), "bsd", dataset, out=tmp_path, resume=True, **{**FAST, "epochs": 1}
                )
            continue
        (tmp_path / SUMMARY).unlink(missing_ok=True)
        for entry in (tmp_path / CHECKPOINT).glob("*.json"):
            entry.unlink()
        fresh = tiny_network(dataset, norm=True)
        before = weights(fresh)
        with pytest.raises(CheckpointError, match="initial"):
            fit(fresh, "bsd", dataset, out=tmp_path, resume=True, **{**FAST, "epochs": 1})
        assert_equal(weights(fresh), before)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("widths = [12, 8]", "widths = [1000000, 1000000]"),
        ("widths = [12, 8]", "widths = []"),
        ("widths = [12, 8]", 'widths = "wide"'),
        ("widths = [12, 8]", "widths = [12, 9]"),
        ("time_steps = 3", "time_steps = -3"),
        ("time_steps = 3", 'time_steps = "3"'),
        ('model = "mlp"\nwidths', 'model = "other"\nwidths'),
        ('concept_names = ["a", "b", "c"]', "concept_names = 3"),
        ("stimulus_shape = [1, 4, 4]", "stimulus_shape = [1, 1000000, 1000000]"),
        ("stimulus_shape = [1, 4, 4]", "stimulus_shape = [4, 4]"),
        ("stimulus_std = [", "stimulus_std = [nan, "),
    ],
)
def test_a_damaged_description_of_a_network_is_refused(old: str, new: str, run_of_bsd: Path, tmp_path: Path) -> None:
    out = copied(run_of_bsd, tmp_path)
    config = out / "config.toml"
    assert old in config.read_text()
    config.write_text(config.read_text().replace(old, new))
    with pytest.raises((CheckpointError, DamagedError)):
        load_run(out)


@pytest.mark.parametrize("text", ["[]\n", "3\n", '{"epoch": 1}\n', '{"epoch": NaN}\n', "[" * 100000 + "\n", '"x"\n'])
def test_rows_of_metrics_that_are_none_are_named(text: str, dataset: Dataset, tmp_path: Path) -> None:
    fit(tiny_network(dataset), "bptt", dataset, out=tmp_path, **{**FAST, "epochs": 1})
    (tmp_path / METRICS).write_text(text)
    with pytest.raises(CheckpointError, match=r"metrics\.jsonl: line 1: "):
        load_run(tmp_path)


@pytest.mark.parametrize(
    "text", ["[]", "{}", '{"test": "x"}', '{"a": 1e999}', '{"a": 1, "a": 2}', '{"a": "\\ud800"}', "\xff"]
)
def test_a_summary_that_is_none_is_named(text: str, dataset: Dataset, tmp_path: Path) -> None:
    fit(tiny_network(dataset), "bptt", dataset, out=tmp_path, **{**FAST, "epochs": 1})
    (tmp_path / SUMMARY).write_bytes(text.encode("latin-1"))
    with pytest.raises(CheckpointError, match=r"summary\.json: "):
        load_run(tmp_path)
