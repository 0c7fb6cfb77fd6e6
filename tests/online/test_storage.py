"""A saved learner continues bit for bit, in every state; folders without a learner are refused."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from bispike import models
from bispike.errors import CheckpointError, ConfigurationError
from bispike.online import Learner
from bispike.runs import checkpoint
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


def rewritten(folder: Path, change: Callable[[checkpoint.Checkpoint], object]) -> None:
    """Change a saved learner; checksums are right again."""
    saved = checkpoint.load(folder)
    assert saved is not None
    change(saved)
    (folder / "latest.json").unlink()
    checkpoint.save(folder, saved)


def put(name: str, value: torch.Tensor) -> Callable[[checkpoint.Checkpoint], object]:
    return lambda saved: saved.tensors.__setitem__(name, value)


NAN = float("nan")
DAMAGES: dict[str, Callable[[checkpoint.Checkpoint], object]] = {
    "a moment of another shape": put("optimizer/0/exp_avg", torch.zeros(500, 500)),
    "a moment of another type": put("optimizer/0/exp_avg", torch.zeros(3, dtype=torch.float16)),
    "a centre of another shape": put("rule/centre.layer1", torch.zeros(99)),
    "an optimizer with more": put("optimizer/99/exp_avg", torch.zeros(3)),
    "weights that are NaN": put("network/readout.bias", torch.full((4,), NAN)),
    "another rule": lambda saved: saved.values["settings"].update(rule="other"),
    "an optimizer that is none": lambda saved: saved.values["settings"].update(optimizer=[]),
    "a rate that is text": lambda saved: saved.values["settings"].update(lr="x"),
    "no settings": lambda saved: saved.values.pop("settings"),
    "a switch that is text": lambda saved: saved.values.update(training="yes"),
    "more settings": lambda saved: saved.values["settings"].update(other=1),
    "a network of another size": lambda saved: saved.identity["network"].update(widths=[10**6, 10**6]),
    "a network that is none": lambda saved: saved.identity.update(network=[]),
    "a network without classes": lambda saved: saved.identity["network"].update(concept_names=[]),
}
OF_MEMORY = {
    "a metric of another shape": put("memory/layer1/metric", torch.zeros(2, 2)),
    "counts below zero": put("memory/layer1/count", torch.full((5,), -1.0)),
    "a mean that is NaN": put("memory/layer2/mean", torch.full((5, 8), NAN)),
    "drives of two new classes": put("memory/new_drive", torch.zeros(4, 8)),
    "drives without an axis": put("memory/new_drive", torch.zeros(())),
    "no rows": lambda saved: saved.tensors.pop("memory/layer1/rows"),
    "a scatter too": put("memory/layer1/scatter", torch.zeros(10, 10)),
}


@pytest.mark.parametrize(
    ("state", "damage"), [*(("training", d) for d in DAMAGES), *(("extended", d) for d in OF_MEMORY)]
)
def test_a_learner_that_does_not_fit_is_refused(state: str, damage: str, tmp_path: Path) -> None:
    STATES[state]("one-hot").save(tmp_path)
    rewritten(tmp_path, {**DAMAGES, **OF_MEMORY}[damage])
    with pytest.raises(CheckpointError, match=str(tmp_path)):
        Learner.load(tmp_path)
