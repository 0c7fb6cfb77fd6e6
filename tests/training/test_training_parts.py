"""Imbalanced and wrongly labelled training samples: the number of the settings, the same for a seed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from bispike.data import Dataset
from bispike.training import TrainConfig, read_config, run_config
from bispike.training.batches import training_parts
from bispike.training.evaluation import split_of
from bispike.training.fit import fit

from .conftest import FAST, Dying, Stop, assert_equal, digits_config, tiny_network, weights


def test_validation_and_test_samples_keep_their_labels(dataset: Dataset) -> None:
    plain, held_out = training_parts(dataset, TrainConfig(validation=0.2))
    config = TrainConfig(validation=0.2, label_noise=0.5, imbalance=3.0, limit=40)
    train, validation = training_parts(dataset, config)
    assert torch.equal(validation.labels, held_out.labels)
    assert torch.equal(validation.stimuli, held_out.stimuli)
    assert len(train) == 40 < len(plain)
    known = {bytes(row.flatten().tolist()): int(label) for row, label in zip(plain.stimuli, plain.labels, strict=True)}
    true = torch.tensor([known[bytes(row.flatten().tolist())] for row in train.stimuli])
    assert int((true != train.labels).sum()) == 20
    counts = torch.bincount(true).tolist()
    assert counts[0] > counts[1] > counts[2]
    assert torch.equal(split_of(dataset, config, "train").labels, train.labels)
    assert torch.equal(split_of(dataset, config, "test").labels, dataset.test.labels)


def test_the_seed_decides_and_nothing_is_changed_when_off(dataset: Dataset) -> None:
    config = TrainConfig(validation=0, label_noise=0.3, imbalance=2.0)
    first, again, other = (training_parts(dataset, replace(config, seed=seed))[0] for seed in (0, 0, 1))
    assert torch.equal(first.labels, again.labels)
    assert torch.equal(first.stimuli, again.stimuli)
    assert not torch.equal(first.stimuli, other.stimuli)
    assert training_parts(dataset, TrainConfig(validation=0))[0] is dataset.train


def test_a_resumed_training_has_the_same_samples(dataset: Dataset, tmp_path: Path) -> None:
    settings = {**FAST, "label_noise": 0.3, "imbalance": 2.0}
    whole = fit(tiny_network(dataset), "bsd", dataset, out=tmp_path / "whole", **settings)
    part = {**settings, "checkpoint_steps": 2}
    with pytest.raises(Stop):
        fit(tiny_network(dataset), "bsd", dataset, out=tmp_path / "part", **{**part, "progress": Dying(5)})
    resumed = fit(tiny_network(dataset), "bsd", dataset, out=tmp_path / "part", resume=True, **part)
    assert_equal(weights(whole.network), weights(resumed.network))
    plain = fit(tiny_network(dataset), "bsd", dataset, **FAST)
    assert any(not torch.equal(plain.network.state_dict()[k], v) for k, v in weights(whole.network).items())


def test_the_folder_names_the_conditions(tmp_path: Path) -> None:
    run = run_config(digits_config(label_noise=0.25, imbalance=5.0, epochs=1), out=tmp_path, progress="none")
    saved = read_config(tmp_path)
    assert (saved.label_noise, saved.imbalance) == (0.25, 5.0)
    assert run.summary["train_samples"] == 320
