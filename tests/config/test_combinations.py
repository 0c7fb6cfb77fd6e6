"""Rules, models and data sets that do not fit each other are refused before any data are read or downloaded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from bispike import data, models, rules
from bispike.config.combinations import combination_problems
from bispike.config.train_config import TrainConfig
from bispike.errors import ConfigurationError, UserError
from bispike.nn import Network
from bispike.spaces import Concept, Quantities, Stimulus
from bispike.training import run_config
from tests.cli.conftest import bispike

SMALL: dict[str, dict[str, Any]] = {
    "mlp": {"widths": [12, 11, 10]},
    "mlp-small": {"widths": [12, 10]},
    "cnn": {"channels": [12, 11, 10], "pools": [2, 1, 1]},
    "cnn-small": {"channels": [12, 11, 10], "dense": [10]},
    "resnet": {"widths": [10, 11], "depth": 6},
    "resnet-small": {"widths": [10], "depth": 4},
    "autoencoder": {"widths": [12], "latent": 10},
    "conv-autoencoder": {"channels": [12], "latent": 10},
    "rnn": {"widths": [12]},
}
ENDS: dict[str, tuple[Stimulus, Concept]] = {
    "digits": (Stimulus((1, 8, 8)), Concept.of(10)),
    "tinyshakespeare": (Stimulus((65,)), Concept.of(65)),
    "pjm-load": (Stimulus((1,)), Quantities(("load",))),
}
TASKS = {"digits": (False, "images"), "tinyshakespeare": (True, "text"), "pjm-load": (True, "series")}


class DataWereReadError(Exception):
    """The data set was about to be read."""


@pytest.fixture(autouse=True)
def no_data(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading or downloading any data set fails the test that expects a refusal."""

    def load(*args: object, **options: object) -> object:
        raise DataWereReadError(str(args))

    monkeypatch.setattr(data, "load", load)
    monkeypatch.setattr(data.DatasetEntry, "load", load)
    monkeypatch.setattr(data.catalogue, "_fetch", load)


def defined(rule: str, model: str, dataset: str) -> bool:
    """Whether the model can be built for the data, serves its task, and the rule can be created on it."""
    stimulus, concept = ENDS[dataset]
    if TASKS[dataset][0] != (model == "rnn"):
        return False
    try:
        network: Network = models.create(model, stimulus, concept, **SMALL[model])
        rules.create(rule, network)
    except ConfigurationError:
        return False
    return True


def config_of(rule: str, model: str, dataset: str) -> TrainConfig:
    return TrainConfig(dataset=dataset, model=model, model_options=SMALL[model], rule=rule)


EVERY = [(rule, model, "digits") for rule in rules.registry for model in models.registry]
EVERY += [(rule, "rnn", dataset) for rule in rules.registry for dataset in ("tinyshakespeare", "pjm-load")]
EVERY += [("bsd", model, dataset) for model in models.registry for dataset in ("tinyshakespeare", "pjm-load")]
REFUSED = [combination for combination in dict.fromkeys(EVERY) if not defined(*combination)]


def test_there_are_many_combinations_to_refuse() -> None:
    assert len(REFUSED) >= 80


@pytest.mark.parametrize(("rule", "model", "dataset"), dict.fromkeys(EVERY))
def test_a_combination_is_refused_before_the_data_are_read(rule: str, model: str, dataset: str) -> None:
    expected = ConfigurationError if (rule, model, dataset) in REFUSED else DataWereReadError
    with pytest.raises(expected):
        run_config(config_of(rule, model, dataset), progress=None)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        ("train --rule pc --model resnet-small", "expected a chain of layers"),
        ("train --rule ccl --model autoencoder", "received an autoencoder"),
        ("train --rule bsd --model rnn", "sequence=true"),
        ("train --rule bsd --model mlp --dataset tinyshakespeare", "expected model 'rnn'"),
        ("train --rule bsd --model cnn-small --dataset pjm-load", "channels, height, width"),
        ("train --rule bsd --model mlp --dataset n-mnist", "time_steps=10"),
        ("train --rule r-stdp --set widths=[6]", "at least one neuron"),
        ("train --preset digits-mlp --model rnn", "sequence=true"),
        ("train --preset shakespeare-rnn --rule ccl", "received a recurrent network"),
        ("compare --rules bsd,pc --model resnet-small --seeds 1", "expected a chain of layers"),
        ("ablate --over rule=bsd,ccl --model autoencoder --seeds 1", "received an autoencoder"),
        ("ablate {study}", "expected a chain of layers"),
        ("audit --rule pc --model resnet-small", "expected a chain of layers"),
        ("audit --rule ccl --model autoencoder", "received an autoencoder"),
    ],
)
def test_every_verb_refuses_before_the_data_are_read(
    call: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    study = tmp_path / "study.toml"
    study.write_text('question = "Which?"\nseeds = 1\n[base]\nmodel = "resnet-small"\n[rows.a]\nrule = "pc"\n')
    called = bispike(*call.format(study=study).split())
    assert called.status == 2, called.err
    assert words in called.err
    assert [path.name for path in tmp_path.iterdir()] == ["study.toml"]


def test_data_of_which_nothing_is_known_are_read_first(tmp_path: Path) -> None:
    (tmp_path / "some.bin").write_bytes(b"")
    config = TrainConfig(dataset=str(tmp_path / "some.bin"), rule="bsd", model="mlp")
    assert combination_problems(config) == []
    assert combination_problems(TrainConfig(dataset=config.dataset, rule="ccl", model="autoencoder")) != []


def test_the_format_of_a_users_file_tells_its_task(tmp_path: Path) -> None:
    table, text = tmp_path / "own.csv", tmp_path / "own.txt"
    table.write_text("a,b,class\n1,2,x\n3,4,y\n")
    text.write_text("to be or not to be")
    assert "channels, height, width" in combination_problems(TrainConfig(dataset=str(table), model="cnn-small"))[0]
    assert "expected model 'rnn'" in combination_problems(TrainConfig(dataset=str(text), model="mlp-small"))[0]
    assert combination_problems(TrainConfig(dataset=str(text), model="rnn")) == []


def test_a_data_set_of_values_that_are_not_finite_is_refused_before_a_step() -> None:
    from bispike import fit

    stimuli, labels = torch.rand(40, 6), torch.arange(40) % 2
    broken = stimuli.clone()
    broken[3, 1] = float("nan")
    parts = {"sound": data.Split(stimuli, labels), "broken": data.Split(broken, labels)}
    for train, test, words in (("broken", "sound", "training stimuli"), ("sound", "broken", "test stimuli")):
        given = data.Dataset("own", Stimulus((6,)), Concept.of(2), parts[train], parts[test])
        network = models.mlp(6, [4], 2)
        before = {name: value.clone() for name, value in network.state_dict().items()}
        with pytest.raises(UserError, match=f"{words}: expected finite values, received 1"):
            fit(network, "bsd", given, epochs=1, progress=None)
        assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


def test_labels_that_are_no_classes_are_refused_before_a_step() -> None:
    from bispike import fit

    labels = torch.arange(40) % 3
    part = data.Split(torch.rand(40, 6), labels)
    with pytest.raises(UserError, match=r"training labels: expected values in 0\.\.1, received 0\.\.2"):
        fit(models.mlp(6, [4], 2), "bsd", data.Dataset("own", Stimulus((6,)), Concept.of(2), part, part), epochs=1)
