"""`fit` and `run_config`: what they return, what they leave in the folder, what they refuse."""

from __future__ import annotations

import json
import os
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from bispike import data, models, rules
from bispike.config.train_config import CONFIG_FILE
from bispike.data import Dataset, Split
from bispike.errors import CheckpointError, ConfigurationError, UserError
from bispike.nn import Network
from bispike.runs.folder import CHECKPOINT, INITIAL, METRICS, MODEL, SUMMARY
from bispike.runs.marker import MARKER
from bispike.tasks import Classification
from bispike.training import TrainConfig, TrainingInterrupted, evaluate, fit, load_run, read_config, run_config

from .conftest import FAST, Dying, Remembering, Stop, assert_equal, digits_config, tiny_network, weights

SUMMARY_KEYS = [
    *("run", "dataset", "model", "rule", "seed", "epochs", "time_steps", "steps", "batch_size", "parameters"),
    *("metric", "test"),
    *("validation", "train_seconds", "step_ms", "peak_memory_mb", "spike_rate", "device", "versions"),
]
METRICS_KEYS = {"epoch", "loss", "train_accuracy", "validation", "spike_rate", "layer_losses", "angle", "lr"}


# ---------------------------------------------------------------------- what comes out


@pytest.mark.parametrize("rule", sorted(rules.registry))
def test_every_rule_trains_through_the_same_call(rule: str, network: Network, dataset: Dataset) -> None:
    before = weights(network)
    run = fit(network, rule, dataset, **FAST)
    assert run.path is None
    assert [row["epoch"] for row in run.metrics] == [1, 2, 3]
    trained = {id(parameter) for parameter in run.rule.parameters()}
    for name, parameter in network.named_parameters():
        assert torch.equal(before[name], parameter) == (id(parameter) not in trained), name
    assert run.summary["test"] == evaluate(network, dataset.test)["accuracy"]


def test_training_learns(network: Network, dataset: Dataset) -> None:
    run = fit(network, "bptt", dataset, **{**FAST, "epochs": 12, "lr": 2e-2})
    assert run.summary["test"] > 0.8
    assert run.metrics[-1]["loss"] < run.metrics[0]["loss"]


def test_the_folder_holds_the_run(network: Network, dataset: Dataset, tmp_path: Path) -> None:
    out, before = tmp_path / "runs" / "first", weights(network)
    run = fit(network, "bsd", dataset, out=out, **FAST)
    assert sorted(path.name for path in out.iterdir()) == sorted(
        [CONFIG_FILE, METRICS, CHECKPOINT, MODEL, SUMMARY, INITIAL, MARKER]
    )
    assert_equal(load_file(out / INITIAL), before)
    assert_equal(load_file(out / MODEL), weights(network))
    summary = json.loads((out / SUMMARY).read_text())
    assert list(summary)[: len(SUMMARY_KEYS)] == SUMMARY_KEYS
    assert summary == run.summary
    rows = [json.loads(line) for line in (out / METRICS).read_text().splitlines()]
    assert rows == run.metrics
    assert rows[0].keys() >= METRICS_KEYS
    assert summary["steps"] == 3  # time steps
    assert len(summary["spike_rate"]) == 2
    again = load_run(out)
    assert_equal(weights(again.network), weights(network))
    assert (again.rule.name, again.summary, again.metrics) == ("bsd", summary, rows)


def test_a_run_can_be_repeated_from_its_folder(tmp_path: Path) -> None:
    run_config(digits_config(), out=tmp_path / "one", progress="none")
    run_config(read_config(tmp_path / "one"), out=tmp_path / "two", progress="none")
    assert (tmp_path / "one" / MODEL).read_bytes() == (tmp_path / "two" / MODEL).read_bytes()


def test_the_seed_decides_everything(dataset: Dataset) -> None:
    def final(seed: int) -> dict[str, torch.Tensor]:
        network = tiny_network(dataset, stimulus_code="bernoulli")
        torch.manual_seed(torch.seed() % 1000)  # the global generator plays no part
        fit(network, "bsd", dataset, seed=seed, augment="crop", **FAST)
        return weights(network)

    assert_equal(final(1), final(1))
    with pytest.raises(AssertionError):
        assert_equal(final(1), final(2))


def evaluated_splits(monkeypatch: pytest.MonkeyPatch) -> list[Split]:
    """The splits that are evaluated from now on, in their order."""
    seen: list[Split] = []
    evaluate_split = Classification.evaluate

    def recorded(task: Classification, split: Split, *arguments: Any, **options: Any) -> dict[str, Any]:
        seen.append(split)
        return evaluate_split(task, split, *arguments, **options)

    monkeypatch.setattr(Classification, "evaluate", recorded)
    return seen


def test_the_test_part_is_looked_at_once_at_the_end(
    network: Network, dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = evaluated_splits(monkeypatch)
    fit(network, "bptt", dataset, **FAST)
    assert [len(split) for split in seen] == [24, 24, 24, 40]  # validation after each epoch, then the test part


def test_a_search_never_looks_at_the_test_part(
    network: Network, dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = evaluated_splits(monkeypatch)
    run = fit(network, "bsd", dataset, out=tmp_path, test=False, **FAST)
    assert [len(split) for split in seen] == [24] * FAST["epochs"]  # of 120, not the 40 for testing
    assert [run.summary[key] for key in ("test", "test_samples", "confusion")] == [None, None, None]
    assert run.summary["validation"] is not None
    assert not read_config(tmp_path).test
    nothing = replace(dataset, test=dataset.test.subset([]))
    assert fit(network, "bsd", nothing, test=False, **FAST).summary["test"] is None


def test_limit_keeps_the_first_samples_of_each_class_and_all_of_validation(network: Network, dataset: Dataset) -> None:
    run = fit(network, "bptt", dataset, limit=32, **FAST)
    assert (run.summary["train_samples"], run.summary["validation_samples"]) == (32, 24)
    assert run.summary["updates"] == 6


def test_the_kept_weights_are_those_of_the_best_validation(dataset: Dataset) -> None:
    settings = {**FAST, "epochs": 8, "lr": 0.3, "schedule": "constant"}
    last = fit(tiny_network(dataset), "bptt", dataset, **settings)
    best = fit(tiny_network(dataset), "bptt", dataset, keep="best", **settings)
    validations = [row["validation"] for row in best.metrics]
    assert validations == [row["validation"] for row in last.metrics]
    first_best = validations.index(max(validations)) + 1
    assert best.summary["kept_epoch"] == first_best
    assert best.summary["validation"] == max(validations)
    short = {**settings, "epochs": first_best}
    assert_equal(weights(fit(tiny_network(dataset), "bptt", dataset, **short).network), weights(best.network))


def test_patience_ends_a_training_that_does_not_improve(dataset: Dataset, network: Network) -> None:
    run = fit(network, "bptt", dataset, **{**FAST, "epochs": 50, "lr": 1e-12, "patience": 2})
    assert run.summary["epochs"] == 3
    assert "2 epochs" in run.summary["ended"]


# ---------------------------------------------------------------------- resume


@pytest.mark.parametrize("rule", sorted(rules.registry))
@pytest.mark.parametrize("stop", [1, 8, 17])
def test_a_resumed_training_ends_with_the_same_bits(rule: str, stop: int, dataset: Dataset, tmp_path: Path) -> None:
    options = {"norm": True, "stimulus_code": "bernoulli", "concept_code": "learned"}
    settings = {**FAST, "checkpoint_steps": 3, "keep": "best", "clip_norm": 1.0, "augment": "flip"}
    whole = fit(tiny_network(dataset, **options), rule, dataset, **settings)
    with pytest.raises(Stop):
        fit(tiny_network(dataset, **options), rule, dataset, out=tmp_path, **{**settings, "progress": Dying(stop)})
    other = tiny_network(dataset, **options)
    with torch.no_grad():
        for parameter in other.parameters():
            parameter.add_(1)
    reporter = Remembering()
    again = fit(other, rule, dataset, out=tmp_path, resume=True, **{**settings, "progress": reporter})
    assert_equal(weights(again.network), weights(whole.network))
    assert reporter.steps == 18 - 3 * ((stop - 1) // 3)
    timeless = [{k: v for k, v in row.items() if k not in ("seconds", "step_ms")} for row in again.metrics]
    assert timeless == [{k: row[k] for k in timeless[0]} for row in whole.metrics]


def test_lines_after_the_checkpoint_are_cut_from_the_metrics(dataset: Dataset, tmp_path: Path) -> None:
    settings = {**FAST, "checkpoint_steps": 100, "checkpoint_seconds": 0}
    with pytest.raises(Stop):
        fit(tiny_network(dataset), "bptt", dataset, out=tmp_path, **{**settings, "progress": Dying(14)})
    assert len((tmp_path / METRICS).read_text().splitlines()) == 2
    with open(tmp_path / METRICS, "a") as file:
        file.write('{"epoch": 3, "lo')
    run = fit(tiny_network(dataset), "bptt", dataset, out=tmp_path, resume=True, **settings)
    rows = [json.loads(line) for line in (tmp_path / METRICS).read_text().splitlines()]
    assert rows == run.metrics
    assert [row["epoch"] for row in rows] == [1, 2, 3]


def interrupted(dataset: Dataset, out: Path | None, **settings: Any) -> TrainingInterrupted:
    class CtrlC(Remembering):
        def step(self, loss: float) -> None:
            super().step(loss)
            if self.steps == 8:
                os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(TrainingInterrupted) as caught:
        fit(tiny_network(dataset), "bsd", dataset, out=out, **{**FAST, **settings, "progress": CtrlC()})
    return caught.value


def test_ctrl_c_saves_the_current_step_and_states_how_to_resume(dataset: Dataset, tmp_path: Path) -> None:
    out = tmp_path / "a run"
    error = interrupted(dataset, out)
    assert error.exit_status == 1
    assert "epoch 2, step 2 of 6" in str(error)
    assert str(out / CHECKPOINT) in str(error)
    assert f"bispike train --resume --out '{out}'" in str(error)
    reporter = Remembering()
    again = fit(tiny_network(dataset), "bsd", dataset, out=out, resume=True, **{**FAST, "progress": reporter})
    assert reporter.steps == 18 - 8
    assert "resuming at epoch 2, step 2 of 6" in reporter.notes
    assert_equal(weights(again.network), weights(fit(tiny_network(dataset), "bsd", dataset, **FAST).network))


def test_ctrl_c_in_memory_states_that_nothing_was_saved(dataset: Dataset) -> None:
    assert "Nothing was saved" in str(interrupted(dataset, None))


def test_an_unfinished_run_can_be_read(dataset: Dataset, tmp_path: Path) -> None:
    interrupted(dataset, tmp_path)
    run = load_run(tmp_path)
    assert run.summary == {}
    assert [row["epoch"] for row in run.metrics] == [1]
    assert "the training has not ended" in run.notes[0]


def test_a_finished_run_is_returned_and_not_trained_further(dataset: Dataset, tmp_path: Path) -> None:
    first = fit(tiny_network(dataset), "bsd", dataset, out=tmp_path, **FAST)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    reporter = Remembering()
    again = fit(tiny_network(dataset), "bsd", dataset, out=tmp_path, resume=True, **{**FAST, "progress": reporter})
    assert again.summary == first.summary
    assert_equal(weights(again.network), weights(first.network))
    assert "finished already" in reporter.notes[0]
    assert reporter.steps == 0
    with pytest.raises(CheckpointError, match=r"epochs: 3 -> 5.*cannot be trained further"):
        fit(tiny_network(dataset), "bsd", dataset, out=tmp_path, resume=True, **{**FAST, "epochs": 5})
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


def test_resume_takes_the_settings_of_the_folder(tmp_path: Path) -> None:
    config = digits_config(checkpoint_steps=2)
    with pytest.raises(Stop):
        run_config(config, out=tmp_path / "run", progress=Dying(5))
    run = run_config(None, out=tmp_path / "run", resume=True, progress="none")
    assert run.config == config
    whole = run_config(config, progress="none")
    assert_equal(weights(run.network), weights(whole.network))
    with pytest.raises(ConfigurationError, match="left out only to resume"):
        run_config(None, out=tmp_path / "run")


def test_resume_begins_where_nothing_is(tmp_path: Path) -> None:
    run = run_config(digits_config(epochs=1), out=tmp_path / "new", resume=True, progress="none")
    assert run.summary["epochs"] == 1


def test_other_settings_rules_networks_and_data_are_refused(dataset: Dataset, tmp_path: Path) -> None:
    interrupted(dataset, tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    fewer = replace(dataset, train=dataset.train.subset(range(119)))
    hard = rules.create("bsd", network := tiny_network(dataset), strength=0.3)
    attempts: list[tuple[Any, Any, Dataset, dict[str, Any], str]] = [
        (tiny_network(dataset), "bsd", dataset, {"lr": 0.1, "seed": 3}, "lr: 0.005 -> 0.1; seed: 0 -> 3"),
        (tiny_network(dataset), "bptt", dataset, {}, "rule: 'bsd' -> 'bptt'"),
        (network, hard, dataset, {}, "strength"),
        (tiny_network(dataset, threshold=0.5), "bsd", dataset, {}, "threshold: 0.6 -> 0.5"),
        (tiny_network(dataset), "bsd", fewer, {}, "content of the data set"),
    ]
    for net, rule, source, settings, message in attempts:
        with pytest.raises(CheckpointError, match=message):
            fit(net, rule, source, out=tmp_path, resume=True, **{**FAST, **settings})
    after = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert after == before
    fit(tiny_network(dataset), "bsd", dataset, out=tmp_path, resume=True, **FAST, checkpoint_seconds=1, threads=1)


def test_a_damaged_checkpoint_falls_back_to_the_one_before_with_the_same_end(dataset: Dataset, tmp_path: Path) -> None:
    with pytest.raises(Stop):
        fit(
            tiny_network(dataset),
            "bsd",
            dataset,
            out=tmp_path,
            **{**FAST, "checkpoint_steps": 3, "progress": Dying(11)},
        )
    latest = json.loads((tmp_path / CHECKPOINT / "latest.json").read_text())
    (tmp_path / CHECKPOINT / latest["file"]).write_bytes(b"damaged")
    reporter = Remembering()
    run = fit(tiny_network(dataset), "bsd", dataset, out=tmp_path, resume=True, **{**FAST, "progress": reporter})
    assert reporter.steps == 18 - 6
    assert "is damaged" in reporter.notes[0]
    assert_equal(weights(run.network), weights(fit(tiny_network(dataset), "bsd", dataset, **FAST).network))


def test_overwriting_leaves_no_trace_of_the_old_run(dataset: Dataset, tmp_path: Path) -> None:
    interrupted(dataset, tmp_path, seed=5)
    with pytest.raises(UserError, match="can be resumed"):
        fit(tiny_network(dataset), "bsd", dataset, out=tmp_path, **FAST)
    run = fit(tiny_network(dataset), "bsd", dataset, out=tmp_path, overwrite=True, **FAST)
    assert_equal(weights(run.network), weights(fit(tiny_network(dataset), "bsd", dataset, **FAST).network))
    assert len(list((tmp_path / CHECKPOINT).iterdir())) == 2
    assert len((tmp_path / METRICS).read_text().splitlines()) == 3


def test_the_same_settings_name_the_same_training(tmp_path: Path) -> None:
    config = digits_config()
    assert isinstance(config, TrainConfig)
    dataset = data.load("digits")
    network = models.mlp(dataset.stimulus, [16, 12], dataset.concept, time_steps=2, seed=0)
    settings = {key: getattr(config, key) for key in ("epochs", "batch_size", "validation", "limit", "threads")}
    by_objects = fit(network, rules.create("bsd", network), dataset, progress="none", **settings)
    assert_equal(weights(by_objects.network), weights(run_config(config, progress="none").network))
