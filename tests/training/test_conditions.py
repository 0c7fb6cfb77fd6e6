"""Imbalanced and wrongly labelled training samples: the number of the settings, the same for a seed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from bispike.data import Dataset
from bispike.errors import ConfigurationError
from bispike.seeds import generator
from bispike.training import TrainConfig, read_config, run_config
from bispike.training.conditions import imbalanced, mislabelled, training_parts
from bispike.training.evaluation import split_of
from bispike.training.fit import fit

from .conftest import FAST, Dying, Stop, assert_equal, digits_config, tiny_network, weights


@given(st.integers(2, 10), st.integers(1, 200), st.floats(1, 100), st.integers(0, 5))
def test_class_sizes_fall_exponentially(classes: int, each: int, ratio: float, seed: int) -> None:
    labels = torch.arange(classes).repeat(each)
    chosen = imbalanced(labels, ratio, generator(seed, "test"))
    assert torch.equal(chosen, chosen.unique())
    sizes = torch.bincount(labels[chosen], minlength=classes).tolist()
    exact = [each * ratio ** (-c / (classes - 1)) for c in range(classes)]
    assert sizes == [max(1, int(value + 1e-9)) for value in exact]


def test_classes_of_unequal_size_still_get_the_ratio() -> None:
    labels = torch.tensor([0] * 50 + [1] * 400 + [2] * 100)
    sizes = torch.bincount(labels[imbalanced(labels, 4, generator(0, "test"))]).tolist()
    assert sizes == [50, 25, 12]


@given(st.integers(0, 200), st.floats(0, 1), st.integers(2, 10), st.integers(0, 5))
def test_a_share_of_labels_is_wrong_and_the_given_ones_stay(count: int, share: float, classes: int, seed: int) -> None:
    labels = torch.arange(count) % classes
    before = labels.clone()
    found = mislabelled(labels, share, classes, generator(seed, "test"))
    assert int((found != labels).sum()) == round(share * count)
    assert torch.equal(labels, before)
    assert count == 0 or (int(found.min()) >= 0 and int(found.max()) < classes)


def test_every_other_class_is_equally_likely() -> None:
    found = mislabelled(torch.full((30_000,), 2), 1.0, 4, generator(0, "test"))
    assert torch.bincount(found, minlength=4).tolist() == pytest.approx([10_000, 10_000, 0, 10_000], abs=400)
    with pytest.raises(ConfigurationError, match="at least 2 classes"):
        mislabelled(torch.zeros(3, dtype=torch.int64), 0.5, 1, generator(0, "test"))


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
