"""A saved run decides as the network that was trained, also by weights of its rule."""

from __future__ import annotations

import copy
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest
import torch
from torch import Tensor, nn

import bispike
from bispike import rules
from bispike.errors import DamagedError
from bispike.rules import Rule, StepReport
from bispike.runs import checkpoint

DECIDING = ("r-stdp", "sym-stdp", "forward-forward")
SETTINGS: dict[str, Any] = {"epochs": 3, "limit": 120, "batch_size": 30, "progress": None}


class OwnReadout(Rule):
    """Decides by weights of its own, which each step changes."""

    name: ClassVar[str] = "own-readout"
    summary: ClassVar[str] = "for this test"

    def __init__(self, network: Any, **options: Any) -> None:
        super().__init__(network, **options)
        self.register_state({"own": nn.Linear(64, network.concept.classes)})
        own: Any = self.state.get_submodule("own")
        self.decision = lambda source: own(source.flatten(1))

    def learn(self, stimulus: Tensor, labels: Tensor, *, generator: torch.Generator | None) -> StepReport:
        for parameter in self.parameters():
            parameter.grad = torch.zeros_like(parameter)
        with torch.no_grad():
            for parameter in self.state.parameters():
                parameter.add_(torch.randn(parameter.shape, generator=self.step_generator(generator)))
        rates = [torch.tensor(0.5) for _ in self.network.layers]
        return StepReport(torch.tensor(1.0), torch.tensor(0), {}, rates)


class OwnModule(OwnReadout):
    """The same with a module as the decision."""

    name: ClassVar[str] = "own-module"

    def __init__(self, network: Any, **options: Any) -> None:
        super().__init__(network, **options)
        self.decision = nn.Sequential(nn.Flatten(), self.state.get_submodule("own"))


@pytest.fixture
def _registered() -> Iterator[None]:
    for rule in (OwnReadout, OwnModule):
        rules.rule.register(rule)
    yield
    for rule in (OwnReadout, OwnModule):
        del rules.registry[rule.name]
        del rules.rule._variants[rule.name]


def trained(rule: str, folder: Path, **settings: Any) -> bispike.Run:
    """A run on digits."""
    data = bispike.data.load("digits")
    network = bispike.models.mlp(data.stimulus, [32, 24], data.concept)
    return bispike.fit(network, rule, data, out=folder, **{**SETTINGS, **settings})


@pytest.mark.usefixtures("_registered")
@pytest.mark.parametrize("keep", ["last", "best"])
@pytest.mark.parametrize("rule", [*DECIDING, "own-readout", "own-module", "bsd"])
def test_a_loaded_run_decides_as_the_trained_network(rule: str, keep: str, tmp_path: Path) -> None:
    stimuli, _ = bispike.data.load("digits").test[:50]
    run = trained(rule, tmp_path / "run", keep=keep, validation=0.2)
    scores = run.network.logits(stimuli)
    assert torch.equal(bispike.load_run(tmp_path / "run").network.logits(stimuli), scores)
    again = trained(rule, tmp_path / "run", keep=keep, validation=0.2, resume=True)
    assert torch.equal(again.network.logits(stimuli), scores)
    shutil.rmtree(tmp_path / "run" / "checkpoint")
    assert torch.equal(bispike.load_run(tmp_path / "run").network.logits(stimuli), scores)
    assert torch.equal(copy.deepcopy(run.network).logits(stimuli), scores)


@pytest.mark.usefixtures("_registered")
def test_missing_weights_of_a_decision_are_noticed(tmp_path: Path) -> None:
    trained("own-readout", tmp_path / "run")
    model = tmp_path / "run" / "model.safetensors"
    tensors = checkpoint.read_tensors(model)
    model.write_bytes(checkpoint.serialise({name: value for name, value in tensors.items() if "rule" not in name}))
    with pytest.raises(DamagedError, match="lacks own"):
        bispike.load_run(tmp_path / "run")
