"""Several processes on one batch compute what one computes: statistics, centres, counts, losses and gradients.

In float64 only the order of summation differs, so weights agree to 1e-9 after several steps. In float32 they agree
to 1e-4 over a few steps as long as no drive lies so near the threshold that the other order of summation tips a spike.
"""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from bispike import models, rules
from bispike.nn import ALONE, Group, Network

from ..together import learned, together

CLASSES = 3


def problem(batches: list[int], *, image: bool) -> list[tuple[Tensor, Tensor]]:
    draws = torch.Generator().manual_seed(3)
    shape = (1, 6, 6) if image else (10,)
    return [
        (torch.rand(size, *shape, generator=draws), torch.randint(0, CLASSES, (size,), generator=draws))
        for size in batches
    ]


def build(kind: str, dtype: torch.dtype, **options: Any) -> Network:
    if kind == "cnn":
        return models.cnn((1, 6, 6), [3, 4], CLASSES, pools=[2, 1], dense=[6], gain=1.5, **options).to(dtype)
    return models.mlp(10, [14, 9], CLASSES, gain=1.5, **options).to(dtype)


def trained(
    group: Group,
    name: str,
    kind: str,
    batches: list[int],
    dtype: torch.dtype,
    rule_options: dict[str, Any],
    **options: Any,
) -> tuple[dict[str, Tensor], dict[str, Tensor], list[float]]:
    """Weights, the rule's memory and the losses after a step of SGD on each batch, this process with its share."""
    network = build(kind, dtype, **options).train()
    network.join(group)
    rule = rules.create(name, network, **rule_options)
    batches_of = [(stimuli.to(dtype), labels) for stimuli, labels in problem(batches, image=kind == "cnn")]
    return learned(group, rule, batches_of, lr=0.2)


def assert_one_equals_many(size: int, tolerance: float, *arguments: Any, **options: Any) -> None:
    alone = trained(ALONE, *arguments, **options)
    for found in together(size, lambda group: trained(group, *arguments, **options)):
        torch.testing.assert_close(found, alone, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("kind", ["mlp", "cnn"])
@pytest.mark.parametrize("name", sorted(rules.registry))
@pytest.mark.parametrize("size", [2, 3])
def test_every_rule_with_norms(size: int, name: str, kind: str) -> None:
    assert_one_equals_many(size, 1e-9, name, kind, [40, 37, 41], torch.float64, {})


@pytest.mark.parametrize(
    "options",
    [
        {"contrast": "batch", "centre": "batch"},
        {"contrast": "masked", "centre": "none", "reduction": "mean"},
        {"contrast": "classes", "centre": "running", "reduction": "sum", "strength": 0.01},
        {"loss": "infonce", "contrast": "batch", "slope": "unrolled"},
        {"loss": "mse", "feature": "drive", "centre": "batch"},
        {"top_loss": "reco", "contrast": "batch"},
    ],
)
def test_bsd_under_its_options(options: dict[str, Any]) -> None:
    assert_one_equals_many(2, 1e-9, "bsd", "mlp", [36, 35, 36], torch.float64, options, concept_code="learned")


@pytest.mark.parametrize("code", ["bernoulli", "poisson"])
def test_each_sample_draws_the_same_spikes_wherever_it_is(code: str) -> None:
    for name in ("bsd", "bptt"):
        assert_one_equals_many(3, 1e-9, name, "mlp", [40, 37], torch.float64, {}, stimulus_code=code)


@pytest.mark.parametrize("name", ["bsd", "bptt"])
def test_small_batches_use_running_statistics_of_all_samples(name: str) -> None:
    """7 samples are too few for a norm's own statistics; 40 over 3 processes are enough although 13 are not."""
    assert_one_equals_many(3, 1e-9, name, "mlp", [7, 40, 5], torch.float64, {})


@pytest.mark.parametrize("name", ["bsd", "backprop"])
def test_fewer_samples_than_processes(name: str) -> None:
    assert_one_equals_many(
        3, 1e-9, name, "mlp", [40, 2, 1, 3], torch.float64, {"centre": "batch"} if name == "bsd" else {}
    )


def test_single_precision() -> None:
    assert_one_equals_many(2, 1e-4, "bsd", "mlp", [40] * 3, torch.float32, {})


def test_shares_are_contiguous_and_nearly_equal() -> None:
    for size in (1, 2, 3, 7):
        for samples in (size, 20, 21):
            parts = [Group(rank=rank, size=size).share(samples) for rank in range(size)]
            rows = [row for part in parts for row in range(samples)[part]]
            assert rows == list(range(samples))
            lengths = [part.stop - part.start for part in parts]
            assert max(lengths) - min(lengths) <= 1
