"""Weights that move in the pass end with the bits of weights that move after it, with less memory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from bispike import models, rules
from bispike.config import optimizers
from bispike.data import Dataset
from bispike.errors import ConfigurationError, DivergenceError
from bispike.nn import Network
from bispike.training import TrainConfig, fit, validate
from bispike.training.updates import Updates

from .conftest import FAST, Dying, Stop, assert_equal, tiny_network, weights

OPTIONS: dict[str, Any] = {"norm": True, "concept_code": "learned"}


@pytest.mark.parametrize("rule", sorted(rules.registry))
def test_in_pass_ends_with_the_bits_of_after(rule: str, dataset: Dataset) -> None:
    one, other = tiny_network(dataset, **OPTIONS), tiny_network(dataset, **OPTIONS)
    after = fit(one, rule, dataset, **FAST, weight_decay=0.01)
    in_pass = fit(other, rule, dataset, **FAST, weight_decay=0.01, update="in-pass")
    assert_equal(weights(one), weights(other))
    assert [row["loss"] for row in after.metrics] == [row["loss"] for row in in_pass.metrics]
    assert in_pass.rule.on_gradients_ready is None


@pytest.mark.parametrize("name", sorted(optimizers.OPTIMIZERS))
def test_every_optimizer_may_move_a_part_at_a_time(name: str, dataset: Dataset) -> None:
    results = []
    for in_pass in (False, True):
        network = tiny_network(dataset)
        rule = rules.create("bsd", network)
        matrices = [parameter for parameter in rule.parameters() if parameter.dim() == 2]  # muon takes no others
        optimizer = optimizers.build(name, [{"params": matrices, "base_lr": 0.01}])
        updates = Updates(optimizer, in_pass=in_pass)
        with updates.attached(rule):
            for step in range(3):
                rule.compute_gradients(*dataset.train[range(16 * step, 16 * step + 16)])
                updates.gather()
                updates.apply()
        results.append(weights(network))
    assert_equal(*results)
    assert not torch.equal(results[0]["readout.weight"], tiny_network(dataset).readout.weight)


def test_a_training_may_resume_with_the_other_order(dataset: Dataset, tmp_path: Path) -> None:
    whole = fit(tiny_network(dataset, **OPTIONS), "bsd", dataset, **FAST)
    settings = {**FAST, "checkpoint_steps": 1}
    options = {**settings, "progress": Dying(8), "update": "in-pass"}
    with pytest.raises(Stop):
        fit(tiny_network(dataset, **OPTIONS), "bsd", dataset, out=tmp_path, **options)
    again = fit(tiny_network(dataset, **OPTIONS), "bsd", dataset, out=tmp_path, resume=True, **settings)
    assert_equal(weights(again.network), weights(whole.network))


def test_at_most_one_layer_of_gradients_exists(dataset: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    """Eight layers of equal width: never more than the first one's gradients, where `after` holds all of them."""
    network = models.mlp(dataset.stimulus, [32] * 8, dataset.concept, norm=False)
    rule = rules.create("bsd", network)
    updates = Updates(torch.optim.SGD(rule.parameters(), lr=0.01), in_pass=True)
    step, sizes = updates.optimizer.step, list[int]()

    def watched() -> None:
        sizes.append(sum(p.grad.nbytes for p in network.parameters() if p.grad is not None))
        step()

    monkeypatch.setattr(updates.optimizer, "step", watched)
    with updates.attached(rule):
        rule.compute_gradients(*dataset.train[range(16)])
    largest = max(sum(p.nbytes for p in layer.parameters()) for layer in network.layers)
    assert max(sizes) <= largest < sum(p.nbytes for p in rule.parameters()) / 6
    assert all(parameter.grad is None for parameter in network.parameters())


def test_clipping_needs_all_gradients() -> None:
    with pytest.raises(ConfigurationError, match=r"clip_norm: needs all gradients at once.*use update 'after'"):
        validate(TrainConfig(update="in-pass", clip_norm=1.0))
    with pytest.raises(ConfigurationError, match="did you mean 'in-pass'"):
        validate(TrainConfig(update="inpass"))


def test_a_training_that_diverges_states_that_the_weights_moved(network: Network, dataset: Dataset) -> None:
    with torch.no_grad():
        network.readout.weight[0, 0] = torch.nan
    with pytest.raises(DivergenceError, match="weights in memory were moved by that step"):
        fit(network, "bsd", dataset, **FAST, update="in-pass")
