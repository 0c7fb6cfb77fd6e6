"""Several processes on one batch of sequences compute what one computes, for every rule that learns from sequences."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from bispike import models, rules
from bispike.nn import ALONE, Group, Network, SequenceClassifier
from bispike.spaces import Quantities

from ..together import learned, together

LIVELY = {"threshold": 0.5, "excitability": 0.5, "widths": [9, 7]}
SEQUENTIAL = rules.defined_for(SequenceClassifier)
LENGTH = 5


def build(kind: str, **options: Any) -> Network:
    if kind == "text":
        return models.create("rnn", 6, tuple("abcdef"), **{**LIVELY, **options}).double()
    target = Quantities(("u", "v"), (0.5, -1.0), (2.0, 0.5), (2, 0), (1.0, 3.0))
    return models.create("rnn", 3, target, **{**LIVELY, **options}).double()


def problem(kind: str, batches: list[int]) -> list[tuple[Tensor, Tensor]]:
    draws = torch.Generator().manual_seed(3)
    if kind == "text":
        found = [torch.randint(6, (2, size, LENGTH), generator=draws) for size in batches]
        return [(stimuli, labels) for stimuli, labels in found]
    return [
        (torch.randn(size, LENGTH, 3, generator=draws).double(), torch.randn(size, LENGTH, 2, generator=draws).double())
        for size in batches
    ]


def trained(
    group: Group, name: str, kind: str, batches: list[int], rule_options: dict[str, Any], options: dict[str, Any]
) -> tuple[dict[str, Tensor], dict[str, Tensor], list[float]]:
    """Weights, the rule's memory and the losses after a step of SGD on each batch, this process with its share."""
    network = build(kind, **options).train()
    network.join(group)
    rule = rules.create(name, network, **rule_options)
    return learned(group, rule, problem(kind, batches), lr=0.05)


def assert_one_equals_many(
    size: int,
    name: str,
    kind: str,
    batches: list[int],
    rule_options: dict[str, Any] | None = None,
    options: dict[str, Any] | None = None,
) -> None:
    arguments = (name, kind, batches, rule_options or {}, options or {})
    alone = trained(ALONE, *arguments)
    assert all(torch.isfinite(value).all() for value in alone[0].values())
    for found in together(size, lambda group: trained(group, *arguments)):
        torch.testing.assert_close(found, alone, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("norm", [True, False])
@pytest.mark.parametrize("kind", ["text", "series"])
@pytest.mark.parametrize("name", SEQUENTIAL)
def test_every_rule_of_sequences(name: str, kind: str, norm: bool) -> None:
    assert_one_equals_many(3, name, kind, [12, 10, 11], options={"norm": norm})


@pytest.mark.parametrize(
    "rule_options",
    [
        {"contrast": "batch", "centre": "batch", "block": 2},
        {"contrast": "masked", "centre": "none"},
        {"contrast": "classes", "centre": "running", "prior": "running", "block": 1},
        {"loss": "cross-entropy", "temperature": 0.3, "template": "drive", "slope": "unrolled", "centre": "none"},
    ],
)
@pytest.mark.parametrize("kind", ["text", "series"])
def test_bsd_under_its_options(kind: str, rule_options: dict[str, Any]) -> None:
    assert_one_equals_many(2, "bsd", kind, [9, 8, 9], rule_options)


@pytest.mark.parametrize("kind", ["text", "series"])
@pytest.mark.parametrize("options", [{"carry": True}, {"top_down_recurrent": True}, {"time_steps": 1, "carry": True}])
def test_bsd_on_networks_that_remember_more(kind: str, options: dict[str, Any]) -> None:
    assert_one_equals_many(2, "bsd", kind, [9, 8, 9], {"block": 3}, options)


@pytest.mark.parametrize("kind", ["text", "series"])
@pytest.mark.parametrize("name", ["bsd", "bptt"])
def test_fewer_sequences_than_processes(name: str, kind: str) -> None:
    assert_one_equals_many(3, name, kind, [9, 2, 1, 4])
