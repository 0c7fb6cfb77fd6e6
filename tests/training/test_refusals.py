"""What `fit` refuses, and the messages of a training that fails."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch

from bispike import data, models, rules
from bispike.data import Dataset
from bispike.errors import CheckpointError, ConfigurationError, DivergenceError, UserError
from bispike.runs.folder import CHECKPOINT, METRICS, MODEL, SUMMARY
from bispike.training import fit, load_run

from .conftest import FAST, Remembering, tiny_network


def test_wrong_settings_are_listed_before_anything_is_written(dataset: Dataset, tmp_path: Path) -> None:
    out = tmp_path / "run"
    with pytest.raises(ConfigurationError) as caught:
        fit(tiny_network(dataset), "bsd", dataset, out=out, epochs=0, lr=-1, augment="flipp")
    assert len(caught.value.problems) == 3
    with pytest.raises(ConfigurationError, match="did you mean 'epochs'"):
        fit(tiny_network(dataset), "bsd", dataset, out=out, epoch=3)
    with pytest.raises(ConfigurationError, match="follow from the objects"):
        fit(tiny_network(dataset), "bsd", dataset, out=out, dataset="digits")
    with pytest.raises(ConfigurationError, match="at most the 120"):
        fit(tiny_network(dataset), "bsd", dataset, out=out, limit=121)
    with pytest.raises(UserError, match="unknown rule"):
        fit(tiny_network(dataset), "bds", dataset, out=out)
    assert not out.exists()


def test_objects_that_do_not_fit_each_other_are_named(dataset: Dataset) -> None:
    larger = models.mlp((1, 5, 5), [4], 2)
    with pytest.raises(ConfigurationError) as caught:
        fit(larger, "bsd", dataset)
    assert len(caught.value.problems) == 2
    with pytest.raises(ConfigurationError, match="on the network that is trained"):
        fit(tiny_network(dataset), rules.create("bsd", tiny_network(dataset)), dataset)
    network = tiny_network(dataset)
    network.spec = {}
    with pytest.raises(ConfigurationError, match="no spec"):
        fit(network, "bsd", dataset, out="nowhere")
    with pytest.raises(ConfigurationError, match="expected a folder"):
        fit(network, "bsd", dataset, resume=True)


def test_flat_stimuli_are_not_augmented() -> None:
    flat = data.from_arrays(torch.rand(60, 6), torch.arange(60) % 2)
    with pytest.raises(ConfigurationError, match=r"expected images.*'flip'"):
        fit(models.mlp(flat.stimulus, [4], flat.concept), "bsd", flat, augment="flip")


def test_a_training_that_diverges_names_layer_rates_and_checkpoint(dataset: Dataset, tmp_path: Path) -> None:
    class Poison(Remembering):
        def step(self, loss: float) -> None:
            super().step(loss)
            if self.steps == 8:
                with torch.no_grad():
                    network.layers[1].up.synapse.weight.fill_(float("nan"))

    network = tiny_network(dataset)
    with pytest.raises(DivergenceError, match=r"diverged in epoch 2.*layer2.*Firing rates: layer1 0\.\d+") as caught:
        fit(network, "bsd", dataset, out=tmp_path, **{**FAST, "checkpoint_steps": 7, "progress": Poison()})
    assert str(tmp_path / CHECKPOINT) in str(caught.value)
    saved = load_run(tmp_path)
    assert all(torch.isfinite(parameter).all() for parameter in saved.network.parameters())


def test_a_network_that_does_not_fire_ends_with_a_remedy(dataset: Dataset) -> None:
    with pytest.raises(DivergenceError, match="no layer of the network fired"):
        fit(tiny_network(dataset, threshold=1e6), "bptt", dataset, **FAST)


def test_a_silent_layer_is_reported_once_and_kept_in_the_metrics(dataset: Dataset) -> None:
    network = tiny_network(dataset)
    with torch.no_grad():
        for parameter in network.layers[1].up.parameters():
            parameter.fill_(-1)
    reporter = Remembering()
    run = fit(network, "frozen", dataset, **{**FAST, "progress": reporter})
    assert [row["health"] for row in run.metrics] == [{"layer2": "silent"}] * 3
    assert len(reporter.notes) == 1
    assert "layer2 has not fired" in reporter.notes[0]


def test_a_folder_without_a_run_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="not the folder of a run"):
        load_run(tmp_path)


@pytest.mark.parametrize("name", [MODEL, SUMMARY, METRICS])
def test_a_damaged_file_of_a_run_is_named(name: str, dataset: Dataset, tmp_path: Path) -> None:
    fit(tiny_network(dataset), "bptt", dataset, out=tmp_path, **{**FAST, "epochs": 1})
    (tmp_path / name).write_text("{damaged\n")
    shutil.rmtree(tmp_path / CHECKPOINT)  # which would repair the settings
    with pytest.raises(UserError, match=name.replace(".", r"\.")):
        load_run(tmp_path)
