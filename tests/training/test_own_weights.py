"""The weights of a rule's own come back with its run."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import pytest
import torch

from bispike import data, models, rules
from bispike.runs.folder import MODEL, SUMMARY
from bispike.training import fit, load_run, run_config

from .conftest import digits_config


class Counting(rules.Frozen):
    """Remembers how many steps it made."""

    name: ClassVar[str] = "counting"

    def __init__(self, network, **options):
        super().__init__(network, **options)
        self.register_state({"steps": torch.zeros(1)})

    def learn(self, stimulus, labels, *, generator):
        self.state.steps += 1
        return super().learn(stimulus, labels, generator=generator)


def test_a_loaded_run_has_its_rule_s_own_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(rules.registry, "counting", Counting)
    run = run_config(digits_config(rule="counting"), out=tmp_path / "run", progress="none")
    assert int(run.rule.state.steps) == run.summary["updates"] > 1
    assert torch.equal(load_run(tmp_path / "run").rule.state.steps, run.rule.state.steps)
    for name in (SUMMARY, MODEL):  # the same from the checkpoint of a run that has not ended
        (tmp_path / "run" / name).unlink()
    assert torch.equal(load_run(tmp_path / "run").rule.state.steps, run.rule.state.steps)


def test_a_run_is_loaded_in_the_precision_of_its_weights(tmp_path: Path) -> None:
    dataset = data.load("digits")
    network = models.mlp(dataset.stimulus, [8], dataset.concept, time_steps=2).double()
    fit(network, "bsd", dataset, out=tmp_path / "run", epochs=1, limit=64, progress="none", threads=1)
    run = load_run(tmp_path / "run")
    stimuli = dataset.test[:][0][:5].double()
    assert torch.equal(run.network.logits(stimuli), network.logits(stimuli))
    assert run.network.readout.weight.dtype == torch.float64
