"""Tracers and transforms of torch give the scores of a network, or are refused; none crashes the process."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from bispike import models
from bispike.functional.backends import operators, reference
from bispike.functional.backends.tracing import is_traced
from tests.nn.traced import TRACERS

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def traced() -> dict[str, Any]:
    """What `tests.nn.traced` prints, from a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.nn.traced"], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize("name", TRACERS)
def test_tracers_give_the_scores_of_the_network(name: str, traced: dict[str, Any]) -> None:
    assert traced[name] < 1e-5


def test_gradients_of_transforms_are_those_of_a_backward(traced: dict[str, Any]) -> None:
    assert traced["grad"] < 1e-4


def test_what_cannot_be_traced_is_refused(traced: dict[str, Any]) -> None:
    assert traced["refused"] == ["symbolic_trace", "jvp", "training mode", "fake tensor", "meta tensor"]


@torch.no_grad()
@pytest.mark.parametrize("constant", [True, False])
@pytest.mark.parametrize("normed", [True, False])
def test_operators_compute_what_the_reference_does(*, constant: bool, normed: bool) -> None:
    pathway = models.mlp((7,), [9, 5], 3).double().layers[1].up
    shape = (6, 9) if constant else (4, 6, 9)
    source = torch.rand(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    source = source if constant else source.round()
    affine = (torch.linspace(1, 2, 5).double(), torch.linspace(-1, 1, 5).double()) if normed else None
    found = [
        backend.fire(backend.drive(pathway.synapse, source, 4, constant=constant), pathway.neuron, affine=affine)
        for backend in (operators, reference)
    ]
    assert torch.equal(found[0].spikes, found[1].spikes.double())
    torch.testing.assert_close(found[0].rate, found[1].rate)


def test_a_default_device_is_no_tracer() -> None:
    with torch.device("cpu"):
        assert not is_traced()
