"""A saved learner continues bit for bit, in every state; folders without a learner are refused."""

from pathlib import Path

import pytest
import torch

from bispike import models
from bispike.errors import CheckpointError, ConfigurationError, UserError
from bispike.online import Learner
from tests.online.conftest import clouds, consolidated, small, teach_new


def training(code: str) -> Learner:
    learner = Learner(small(concept_code=code), lr=1e-3, optimizer="adamw", rule_options={"strength": 0.3})
    learner.run(zip(*clouds(12, seed=0, classes=4), strict=True))
    return learner


def extended(code: str) -> Learner:
    learner = consolidated(small(concept_code=code))
    teach_new(learner, shots=3)
    return learner


STATES = {
    "training": training,
    "consolidated": lambda code: consolidated(small(concept_code=code)),
    "extended": extended,
}


@pytest.mark.parametrize("code", ["one-hot", "population", "learned"])
@pytest.mark.parametrize("state", STATES)
def test_goes_on_bit_for_bit(state: str, code: str, tmp_path: Path) -> None:
    learner = STATES[state](code)
    learner.save(tmp_path / "learner")
    other = Learner.load(tmp_path / "learner")
    assert (other.classes, other.taught, other.settings) == (learner.classes, learner.taught, learner.settings)
    stimuli, labels = clouds(8, seed=4, classes=len(learner.classes))
    for one in (learner, other):
        one.run(zip(stimuli, labels, strict=True))
    assert torch.equal(learner.observe(stimuli).scores, other.observe(stimuli).scores)
    mine, theirs = learner.network.state_dict(), other.network.state_dict()
    assert mine.keys() == theirs.keys()
    assert all(torch.equal(mine[name], theirs[name]) for name in mine)
    if state != "training":
        assert learner.add_class("fox") == other.add_class("fox")
        assert torch.equal(learner.network.code.spikes(4), other.network.code.spikes(4))


def test_a_grown_network_rebuilds_from_its_spec() -> None:
    network = extended("one-hot").network
    copy = models.build(network.spec)
    copy.load_state_dict(network.state_dict())
    stimuli, _ = clouds(10, seed=5)
    assert torch.equal(copy.logits(stimuli), network.logits(stimuli))
    assert torch.equal(copy.recall(torch.arange(5)), network.recall(torch.arange(5)))


def test_a_second_save_replaces_the_first(tmp_path: Path) -> None:
    learner = training("one-hot")
    learner.save(tmp_path)
    learner.run(zip(*clouds(4, seed=1, classes=4), strict=True))
    learner.save(tmp_path)
    assert Learner.load(tmp_path).taught == learner.taught


def test_what_is_no_learner_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"Learner\.save"):
        Learner.load(tmp_path / "nothing")
    learner = training("one-hot")
    learner.save(tmp_path)
    for path in tmp_path.glob("*.safetensors"):
        path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(CheckpointError, match="damaged"):
        Learner.load(tmp_path)
    learner.network.spec = {}
    with pytest.raises(ConfigurationError, match=r"bispike\.models"):
        learner.save(tmp_path / "other")


@pytest.mark.parametrize("name", ["latest.json", "previous.json", "step-00000000-0123abcd.safetensors", "bispike.json"])
def test_a_learner_replaces_no_file_of_somebody_else(tmp_path: Path, name: str) -> None:
    learner = Learner(small())
    (tmp_path / name).write_text("mine")
    (tmp_path / "notes.md").write_text("mine")
    with pytest.raises(UserError, match=f"holds {name}, which bispike did not write"):
        learner.save(tmp_path)
    (tmp_path / name).rename(tmp_path / "moved")
    learner.save(tmp_path)
    learner.save(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} >= {"moved", "notes.md", "latest.json", "bispike.json"}
    assert (tmp_path / "notes.md").read_text() == "mine"
