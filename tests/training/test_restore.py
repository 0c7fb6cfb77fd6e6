"""What is restored is compared with what it is restored into, before anything is changed."""

from __future__ import annotations

import contextlib
import json
import random
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from bispike import models, rules
from bispike.config import optimizers
from bispike.errors import CheckpointError
from bispike.rules import registry
from bispike.runs import checkpoint
from bispike.runs.checkpoint import Checkpoint, restore
from bispike.runs.folder import CHECKPOINT
from bispike.runs.run import load_run
from bispike.training import fit
from bispike.training.checkpointer import expect_identity
from bispike.training.compatibility import config_of
from bispike.training.optimizer_state import optimizer_state, state_for
from bispike.training.state import Training
from bispike.training.trainer import optimizer_of
from tests.fuzz.targets.run_folders import replace_tensor

from .conftest import assert_equal, tiny_network, weights
from .interrupted import SETTINGS, copied, resumed, small_data

# ------------------------------------------------------------------ the state of optimizers


def trained_optimizer(name: str) -> tuple[torch.optim.Optimizer, torch.optim.Optimizer]:
    """An optimizer after three steps, and a fresh one on a copy of its parameters; one parameter is a vector."""
    made = []
    shapes = [(4, 3), (3, 5)] if name == "muon" else [(4, 3), (5,)]
    for _ in range(2):
        parameters = [torch.nn.Parameter(torch.ones(shape)) for shape in shapes]
        made.append(optimizers.build(name, [{"params": parameters, "base_lr": 0.01}]))
    for step in range(3):
        for parameter in made[0].param_groups[0]["params"]:
            parameter.grad = torch.full_like(parameter, 0.1 + step)
        made[0].step()
    return made[0], made[1]


def other_tensors(value: Tensor) -> dict[str, Tensor]:
    return {
        "larger": torch.zeros(1000, 50, dtype=value.dtype),
        "empty": torch.zeros(0, dtype=value.dtype),
        "another type": value.to(torch.float16),
        "whole numbers": value.to(torch.int64),
        "NaN": torch.full_like(value, float("nan")),
    }


@pytest.mark.parametrize("name", sorted(optimizers.OPTIMIZERS))
def test_state_of_an_optimizer_that_does_not_fit_is_refused(name: str) -> None:
    trained, fresh = trained_optimizer(name)
    tensors, scalars = optimizer_state(trained)
    tensors = {key.removeprefix("optimizer/"): value for key, value in tensors.items()}
    before = repr(fresh.state_dict())
    state_for(fresh, tensors, scalars, most=3)
    for key, value in tensors.items():
        for other in other_tensors(value).values():
            with pytest.raises(CheckpointError, match=key.rpartition("/")[2]):
                state_for(fresh, {**tensors, key: other}, scalars, most=3)
        fewer = {place: tensor for place, tensor in tensors.items() if place != key}
        if any(place.startswith(key[:2]) for place in fewer):
            with pytest.raises(CheckpointError, match="lacks"):
                state_for(fresh, fewer, scalars, most=3)
    for more in ("0/other", "2/step", "x/step", "-1/step", "step"):
        with pytest.raises(CheckpointError, match="optimizer"):
            state_for(fresh, {**tensors, more: torch.zeros(4, 3)}, scalars, most=3)
    assert repr(fresh.state_dict()) == before, "the fresh optimizer was changed"


def test_counts_and_squares_of_an_optimizer_are_plausible() -> None:
    trained, fresh = trained_optimizer("adam")
    tensors = {key.removeprefix("optimizer/"): value for key, value in optimizer_state(trained)[0].items()}
    for key, other in (("0/step", torch.tensor(4.0)), ("0/step", torch.tensor(1.5)), ("0/step", torch.tensor(-1.0))):
        with pytest.raises(CheckpointError, match="step"):
            state_for(fresh, {**tensors, key: other}, {}, most=3)
    with pytest.raises(CheckpointError, match="exp_avg_sq: expected at least 0"):
        state_for(fresh, {**tensors, "0/exp_avg_sq": -tensors["0/exp_avg_sq"]}, {}, most=3)


# ------------------------------------------------------------------ the state of rules


def with_state() -> list[str]:
    net = models.mlp(4, [3, 3], 2)
    return sorted(name for name in registry if rules.create(name, net).state_dict())


@pytest.mark.parametrize("name", with_state())
def test_state_of_a_rule_that_does_not_fit_is_refused(name: str) -> None:
    rule = rules.create(name, models.mlp(4, [3, 3], 2))
    state = {key: value.clone() for key, value in rule.state_dict().items()}
    for key, value in state.items():
        for other in (value.double(), torch.full_like(value, float("nan")), torch.zeros(7, 7)):
            if other.is_floating_point() and (other.dtype, other.shape) == (value.dtype, value.shape) == ():
                continue
            with pytest.raises(CheckpointError, match=key.replace(".", r"\.")):
                rule.load_state_dict({**state, key: other})
    assert_equal(dict(rule.state_dict()), state)


# ------------------------------------------------------------------ whole checkpoints


def rewrite(folder: Path, change: Callable[[Checkpoint], object]) -> None:
    """Change the latest checkpoint of a run; checksums are right again."""
    path = folder / CHECKPOINT
    latest, previous = path / "latest.json", (path / "previous.json").read_bytes()
    saved = checkpoint.load(path)
    assert saved is not None
    change(saved)
    before = json.loads(previous)["file"]
    content = (path / before).read_bytes()
    latest.unlink()
    checkpoint.save(path, saved)
    (path / "previous.json").write_bytes(previous)
    (path / before).write_bytes(content)


def put(name: str, value: Tensor) -> Callable[[Checkpoint], object]:
    return lambda saved: saved.tensors.__setitem__(name, value)


def values(**changed: object) -> Callable[[Checkpoint], object]:
    return lambda saved: saved.values.update(changed)


def sums(**changed: object) -> Callable[[Checkpoint], object]:
    return lambda saved: saved.values["sums"].update(changed)


NAN = float("nan")
DAMAGES: dict[str, Callable[[Checkpoint], object]] = {
    "a moment of another shape": put("optimizer/0/exp_avg", torch.zeros(100, 100)),
    "a moment of another type": put("optimizer/0/exp_avg", torch.zeros(12, 16, dtype=torch.float64)),
    "a weight that is NaN": put("network/readout.weight", torch.full((3, 8), NAN)),
    "best weights of another network": put("best/readout.weight", torch.zeros(3, 9)),
    "an unknown tensor of the rule": put("rule/x", torch.zeros(3)),
    "a step beyond the epoch": lambda saved: setattr(saved, "step", 7),
    "updates of another position": lambda saved: setattr(saved, "updates", 8),
    "no sums": lambda saved: saved.values.pop("sums"),
    "a sum as text": sums(loss="0.1"),
    "a rate too many": sums(spike_rate=[0.1, 0.1, 0.1]),
    "negative samples": sums(samples=-1),
    "an unknown sum": sums(other=1),
    "an unknown value": values(other=1),
    "metrics that are no rows": values(metrics=[3]),
    "a row without a loss": lambda saved: saved.values["metrics"][0].pop("loss"),
    "metrics of two epochs": lambda saved: saved.values["metrics"].append(saved.values["metrics"][0]),
    "a best epoch to come": values(best_epoch=2),
    "health of another network": values(health={"silent": [0], "saturated": [0]}),
    "an optimizer's state as a list": values(optimizer=[]),
    "memory as text": values(peak_memory_mb="much"),
    "settings that are no table": lambda saved: saved.identity.update(settings=3),
    "no fingerprint": lambda saved: saved.identity.pop("data"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_checkpoint_that_does_not_fit_changes_nothing(damage: str, run_of_bsd: Path, tmp_path: Path) -> None:
    """Alone it is refused and the network is as it was; beside a sound one, that one is used."""
    out = copied(run_of_bsd, tmp_path)
    rewrite(out, DAMAGES[damage])
    seen = []
    network = tiny_network(small_data())
    rule = rules.create("bsd", network)
    training = Training(network, rule, optimizer_of(config_of(network, rule, small_data(), {}), network, rule), steps=6)
    before = weights(network)

    def use(saved: Checkpoint) -> Checkpoint:
        seen.append(saved.updates)
        if len(seen) == 2:
            assert_equal(weights(network), before)
            assert not training.optimizer.state
        expect_identity(saved.identity, "checkpoint")
        training.restore(saved)
        return saved

    notes: list[str] = []
    found = restore(out / CHECKPOINT, use, note=notes.append)
    assert found is not None
    assert found.updates == 6
    assert "checkpoint before it" in notes[0]
    (out / CHECKPOINT / "previous.json").unlink()
    with pytest.raises(CheckpointError, match="No intact checkpoint"):
        restore(out / CHECKPOINT, use)


def test_a_training_goes_on_from_the_sound_checkpoint_bit_for_bit(run_of_bsd: Path, tmp_path: Path) -> None:
    out = copied(run_of_bsd, tmp_path)
    rewrite(out, DAMAGES["a moment of another shape"])
    network, reporter = resumed(small_data(), out)
    assert "exp_avg: does not fit: expected shape [12, 16]" in reporter.notes[0]
    assert reporter.steps == 18 - 6
    whole = fit(tiny_network(small_data()), "bsd", small_data(), **SETTINGS).network
    assert_equal(weights(network), weights(whole))


def test_a_damaged_checkpoint_never_takes_the_place_of_the_sound_one(run_of_bsd: Path, tmp_path: Path) -> None:
    """A kill in the next save must leave a sound checkpoint."""
    out = copied(run_of_bsd, tmp_path)
    (out / CHECKPOINT / "latest.json").write_text("[]")
    saved = checkpoint.load(out / CHECKPOINT)
    assert saved is not None
    checkpoint.keep_only(out / CHECKPOINT, saved)
    assert (out / CHECKPOINT / "latest.json").read_bytes() == (out / CHECKPOINT / "previous.json").read_bytes()


@pytest.mark.parametrize(
    "file", ["../outside.safetensors", "/etc/passwd", "step-00000009-00000000.safetensors/../x", 3]
)
def test_latest_json_names_files_of_its_own_folder_only(file: object, run_of_bsd: Path, tmp_path: Path) -> None:
    out = copied(run_of_bsd, tmp_path)
    for name in ("latest.json", "previous.json"):
        path = out / CHECKPOINT / name
        entry = json.loads(path.read_text())
        (out / "outside.safetensors").write_bytes((out / CHECKPOINT / entry["file"]).read_bytes())
        path.write_text(json.dumps({**entry, "file": file}))
    with pytest.raises(CheckpointError, match=r"latest\.json: file: expected"):
        load_run(out)


def test_a_link_does_not_stand_for_the_tensors(run_of_bsd: Path, tmp_path: Path) -> None:
    out = copied(run_of_bsd, tmp_path)
    for place, name in enumerate(("latest.json", "previous.json")):
        tensors = out / CHECKPOINT / json.loads((out / CHECKPOINT / name).read_text())["file"]
        tensors.rename(tmp_path / f"outside{place}")
        tensors.symlink_to(tmp_path / f"outside{place}")
    with pytest.raises(CheckpointError, match="received a symbolic link"):
        load_run(out)


def test_replaced_tensors_of_a_checkpoint_never_harm(run_of_bsd: Path, tmp_path: Path) -> None:
    """A sample of what `make fuzz` does at length."""
    draws = random.Random(1)
    for number in range(12):
        out = copied(run_of_bsd, tmp_path / str(number))
        (out / CHECKPOINT / "previous.json").unlink()
        latest = json.loads((out / CHECKPOINT / "latest.json").read_text())["file"]
        replace_tensor(out / CHECKPOINT / latest, draws)
        with contextlib.suppress(CheckpointError):
            resumed(small_data(), out)
