"""Texts and series through the whole training: a user's own files, resuming, the two protocols."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from bispike import rules
from bispike.config.train_config import TrainConfig
from bispike.errors import ConfigurationError
from bispike.nn import SequenceClassifier
from bispike.runs.run import load_run
from bispike.training import evaluation, run_config
from bispike.training.interrupt import TrainingInterrupted

TEXT = "the quick brown fox jumps over the lazy dog. " * 60
SMALL = {"widths": [16], "threshold": 0.5, "excitability": 0.3}


@pytest.fixture
def prose(tmp_path: Path) -> Path:
    path = tmp_path / "prose.txt"
    path.write_text(TEXT)
    return path


@pytest.fixture
def table(tmp_path: Path) -> Path:
    steps = np.arange(400)
    values = np.stack([np.sin(steps / 5), np.cos(steps / 5), np.sin(steps / 9)], 1)
    path = tmp_path / "waves.csv"
    path.write_text("a,b,c\n" + "\n".join(",".join(f"{x:.5f}" for x in row) for row in values))
    return path


def settings(path: Path, **changes: object) -> TrainConfig:
    values = {"dataset": str(path), "model": "rnn", "model_options": SMALL, "epochs": 3, "batch_size": 16, "lr": 1e-2}
    return TrainConfig(**{**values, "validation": 0.1, **changes})  # type: ignore[arg-type]


def test_a_users_text_trains_and_is_evaluated_again(prose: Path, tmp_path: Path) -> None:
    config = settings(prose, data_options={"window": 16}, epochs=12, lr=2e-2)
    run = run_config(config, out=tmp_path / "run", progress=None)
    summary = run.summary
    assert summary["metric"] == "accuracy"
    assert summary["protocol"] == "chronological"
    assert summary["test"] > 0.3  # of 28 characters
    assert 0 < summary["measures"]["test"]["bits"] < 5
    assert run.metrics[-1]["loss"] < run.metrics[0]["loss"]
    assert 0 <= run.metrics[-1]["train_accuracy"] <= 1
    again = evaluation.evaluate_run(tmp_path / "run")
    assert again["test"] == summary["test"]
    assert again["measures"]["test"] == summary["measures"]["test"]


def test_a_users_table_trains_beside_its_baselines(table: Path, tmp_path: Path) -> None:
    options = {"task": "series", "target": "a", "horizon": 2, "window": 8}
    run = run_config(settings(table, data_options=options), out=tmp_path / "run", progress=None)
    summary = run.summary
    assert summary["metric"] == "mse"
    assert summary["test"] == summary["measures"]["test"]["mse"]
    assert set(summary["baselines"]) == {"naive", "mean", "linear, own", "linear, all"}
    assert summary["test"] < summary["baselines"]["naive"]["mse"]
    assert summary["best_validation"] == min(row["mse"] for row in run.metrics)
    stimuli = load_run(tmp_path / "run").network.logits(torch.zeros(1, 8, 3))
    assert stimuli.shape == (1, 8, 1)
    again = evaluation.evaluate_run(tmp_path / "run")
    assert again["test"] == pytest.approx(summary["test"])
    assert again["measures"]["test"]["mase"] == pytest.approx(summary["measures"]["test"]["mase"])
    json.dumps(summary, allow_nan=False)


@pytest.mark.parametrize("rule", rules.defined_for(SequenceClassifier))
def test_an_interrupted_training_resumes_bit_for_bit(rule: str, prose: Path, tmp_path: Path) -> None:
    config = settings(prose, rule=rule, data_options={"window": 16}, checkpoint_steps=3, epochs=2, test=False)
    whole = run_config(config, progress=None)

    class Stop(Exception):
        pass

    kind = rules.find(rule, SequenceClassifier)
    learn, steps = kind.learn, 0

    def interrupted(self, *args, **kwargs):  # type: ignore[no-untyped-def]
        nonlocal steps
        steps += 1
        if steps == 8:
            raise Stop
        return learn(self, *args, **kwargs)

    kind.learn = interrupted  # type: ignore[method-assign]
    try:
        with pytest.raises((Stop, TrainingInterrupted)):
            run_config(config, out=tmp_path / "run", progress=None)
    finally:
        kind.learn = learn  # type: ignore[method-assign]
    resumed = run_config(config, out=tmp_path / "run", resume=True, progress=None)
    for name, value in whole.network.state_dict().items():
        assert torch.equal(resumed.network.state_dict()[name], value), name


def test_a_running_prior_is_resumed(prose: Path, tmp_path: Path) -> None:
    options = {"prior": "running", "contrast": "classes", "centre": "none"}
    run = run_config(
        settings(prose, data_options={"window": 16}, rule_options=options), out=tmp_path / "r", progress=None
    )
    state = run.rule.state_dict()
    assert set(state) == {"prior"}
    assert float(state["prior"].sum()) == pytest.approx(1, abs=1e-5)
    space = run.network.concept.names.index(" ")
    assert int(state["prior"].argmax()) == space  # the most frequent character
    assert torch.equal(load_run(tmp_path / "r").rule.state_dict()["prior"], state["prior"])


def test_the_best_epoch_of_a_series_is_the_one_with_the_least_error(table: Path) -> None:
    config = settings(table, data_options={"task": "series", "window": 8}, keep="best", epochs=4)
    run = run_config(config, progress=None)
    errors = [row["mse"] for row in run.metrics]
    assert run.summary["kept_epoch"] == 1 + errors.index(min(errors))
    assert run.summary["validation"] == min(errors)


def test_the_paper_protocol_is_marked(table: Path) -> None:
    options = {"task": "series", "window": 8, "protocol": "paper"}
    run = run_config(settings(table, data_options=options, keep="best"), progress=None)
    assert run.summary["protocol"] == "paper"
    assert run.summary["test"] == pytest.approx(run.summary["validation"])


def test_what_is_not_defined_for_sequences_is_refused(prose: Path, table: Path) -> None:
    with pytest.raises(ConfigurationError, match="imbalance, label_noise"):
        run_config(settings(prose, label_noise=0.1), progress=None)
    with pytest.raises(ConfigurationError, match=r"task 'text'; expected model 'rnn'"):
        run_config(settings(prose, model="mlp", model_options={}), progress=None)
    table.write_text("a,b,class\n" + "".join(f"{i},{-i},{i % 2}\n" for i in range(40)))
    with pytest.raises(ConfigurationError, match="such as 'mlp'"):
        run_config(settings(table), progress=None)
