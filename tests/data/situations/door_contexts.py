"""Situations of the Python door: threads, modes and precisions around a call."""

from __future__ import annotations

import copy
import threading
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

import bispike
from bispike.errors import ConfigurationError

from . import Situation
from .door import B, digits, network_of_the_run, stimuli_and_pixels, trained


def _one_in_training_mode(tmp_path: Path) -> None:
    network = network_of_the_run().train()
    stimuli = stimuli_and_pixels()[0]
    before = copy.deepcopy(network.state_dict())
    together = network.perceive(stimuli)
    assert torch.equal(torch.cat([network.perceive(stimuli[i : i + 1]) for i in range(B)]), together)
    assert network.training
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


def _threads(tmp_path: Path) -> None:
    network = bispike.models.mlp(digits().stimulus, [32, 24], digits().concept)  # new, in training mode
    stimuli = stimuli_and_pixels()[0]
    expected, before = network.logits(stimuli), copy.deepcopy(network.state_dict())
    equal: list[bool] = []

    def work() -> None:
        equal.extend(torch.equal(network.logits(stimuli), expected) for _ in range(20))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert equal == [True] * 160
    assert network.training
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


def _trains_while_another_perceives(tmp_path: Path) -> None:
    alone, watched = network_of_the_run(), network_of_the_run()
    done = threading.Event()

    def watch() -> None:
        while not done.is_set():
            watched.perceive(stimuli_and_pixels()[0])

    settings: dict[str, Any] = {"epochs": 1, "limit": 200, "progress": None}
    bispike.fit(alone, "bsd", digits(), **settings)
    thread = threading.Thread(target=watch)
    thread.start()
    try:
        bispike.fit(watched, "bsd", digits(), **settings)
    finally:
        done.set()
        thread.join()
    for name, value in watched.state_dict().items():
        assert torch.equal(value, alone.state_dict()[name]), name


def _within(context: Callable[[], Any]) -> Callable[[Path], None]:
    """Everything is as without the context."""

    def results() -> list[Tensor]:
        with torch.inference_mode(mode=False):
            network = network_of_the_run()
        stimuli, pixels = stimuli_and_pixels()
        found = [network.logits(stimuli), network(pixels).detach(), network.recall(torch.tensor([1]))]
        found += [record.rate for record in network.observe(stimuli)]
        learner = bispike.online.Learner(network)
        learner.run([(stimuli[:4], digits().test.labels[:4])])
        learner.consolidate([(stimuli, digits().test.labels[:B])] * 2)
        found.append(learner.observe(stimuli).scores)
        memory = bispike.memory.AssociativeMemory((1, 8, 8), 10, passes=2)
        memory.store(stimuli[:2].round(), torch.eye(10, dtype=torch.float32)[:2])
        found.append(memory.complete(stimuli[:2].round(), known=torch.ones(8) > 0, passes=1).stimulus)
        for rule in ("bsd", "bptt", "dfa"):
            with torch.inference_mode(mode=False):
                trained = network_of_the_run()
            bispike.fit(trained, rule, digits(), epochs=1, limit=64, progress=None)
            found.append(trained.logits(stimuli))
        return found

    def check(tmp_path: Path) -> None:
        expected = results()
        with context():
            received = results()
        assert all(torch.equal(one, other) for one, other in zip(received, expected, strict=True))

    return check


def _default_double(tmp_path: Path) -> None:
    stimuli = stimuli_and_pixels()[0]
    expected = trained().logits(stimuli)
    torch.set_default_dtype(torch.float64)
    try:
        assert torch.equal(trained().logits(stimuli), expected)
        network = bispike.models.mlp(digits().stimulus, [16], digits().concept)
        bispike.fit(network, "bsd", digits(), epochs=1, limit=64, progress=None)
        assert network.logits(stimuli).dtype == torch.float64
    finally:
        torch.set_default_dtype(torch.float32)


def _other_precisions(tmp_path: Path) -> None:
    stimuli, pixels = stimuli_and_pixels()
    for dtype in (torch.float64, torch.float16, torch.bfloat16):
        network = network_of_the_run().to(dtype)
        assert network.logits(stimuli).dtype == network.recall(torch.tensor([0])).dtype == dtype
        assert torch.equal(network.logits(pixels), network.logits(stimuli))
        agree = (network.perceive(stimuli) == trained().perceive(stimuli)).float().mean()
        assert agree >= (1 if dtype == torch.float64 else 0.7)
    for dtype in (torch.float16, torch.bfloat16):
        with pytest.raises(ConfigurationError, match=r"network\.float\(\)"):
            bispike.fit(network_of_the_run().to(dtype), "bsd", digits(), epochs=1, progress=None)


def _made_in_inference_mode(tmp_path: Path) -> None:
    with torch.inference_mode():
        network = bispike.models.mlp(digits().stimulus, [16], digits().concept)
    assert network.perceive(stimuli_and_pixels()[0]).shape == (B,)
    with pytest.raises(ConfigurationError, match="inference_mode"):
        bispike.fit(network, "bsd", digits(), epochs=1, progress=None)


def _memory_of_the_readme(tmp_path: Path) -> None:
    memory = bispike.memory.AssociativeMemory((1, 28, 28), 100, passes=2)
    draws = np.random.default_rng(0)
    stimuli, concepts = draws.integers(0, 2, (2, 1, 28, 28), np.uint8), draws.random((2, 100)) < 0.5
    memory.store(stimuli, concepts)
    expected = memory.recall_stimulus(torch.from_numpy(concepts).float())
    assert torch.equal(memory.recall_stimulus(concepts), expected)
    known = np.arange(28)[:, None] < np.full(28, 14)
    assert memory.complete(stimuli[:1], known=known, passes=3).stimulus.shape == (1, 1, 28, 28)
    with pytest.raises(ConfigurationError, match=r"\[0, 1\]"):
        memory.recall_concept(stimuli * 255)


def _jit(tmp_path: Path) -> None:
    network, stimuli = network_of_the_run(), stimuli_and_pixels()[0]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch speaks of what it keeps as constants, and of its successor
        torch.jit.trace(network, stimuli[:2]).save(tmp_path / "traced.pt")
        traced = torch.jit.load(tmp_path / "traced.pt")
    torch.testing.assert_close(traced(stimuli), network.logits(stimuli))


def _vmap(tmp_path: Path) -> None:
    network, stimuli = network_of_the_run(), stimuli_and_pixels()[0]
    torch.testing.assert_close(torch.func.vmap(lambda one: network(one[None])[0])(stimuli), network(stimuli))
    with pytest.raises(ConfigurationError, match=r"network\.eval\(\)"):
        torch.func.vmap(lambda one: network.train()(one[None])[0])(stimuli)


def _loaded(tmp_path: Path) -> None:
    stimuli, pixels = stimuli_and_pixels()
    for rule in ("r-stdp", "sym-stdp", "forward-forward", "dfa"):
        network = bispike.models.mlp(digits().stimulus, [24, 20], digits().concept)
        bispike.fit(network, rule, digits(), epochs=1, limit=64, out=tmp_path / rule, progress=None)
        loaded = bispike.load_run(tmp_path / rule).network
        assert torch.equal(loaded.logits(pixels.numpy()), network.logits(stimuli))


SITUATIONS: list[Situation] = [
    Situation("`AssociativeMemory((1, 28, 28), 100)` with bool and uint8", "as with float32", _memory_of_the_readme),
    Situation("`torch.jit.trace(net, x)`, saved and loaded", "the scores of the network", _jit),
    Situation("`torch.func.vmap` over a network", "its scores; refused in training mode", _vmap),
    Situation("runs of rules that decide by themselves, loaded", "the decisions of the trained network", _loaded),
    Situation(
        "single stimuli on a network in training mode", "as in one batch; nothing changes", _one_in_training_mode
    ),
    Situation("8 threads perceive with a new network", "each as one thread alone; nothing changes", _threads),
    Situation(
        "a thread perceives while another trains", "the training is that of one alone", _trains_while_another_perceives
    ),
    Situation(
        "everything under `torch.autocast` of bfloat16",
        "as without it",
        _within(lambda: torch.autocast("cpu", dtype=torch.bfloat16)),
    ),
    Situation(
        "everything under `torch.autocast` of float16",
        "as without it",
        _within(lambda: torch.autocast("cpu", dtype=torch.float16)),
    ),
    Situation("everything under `torch.inference_mode()`", "as without it", _within(torch.inference_mode)),
    Situation("everything under `torch.no_grad()`", "as without it", _within(torch.no_grad)),
    Situation("`torch.set_default_dtype(torch.float64)`", "a float32 network decides as before", _default_double),
    Situation(
        "`net.double()`, `.half()`, `.bfloat16()`", "decide in that precision; half does not train", _other_precisions
    ),
    Situation(
        "a network made under `torch.inference_mode()`", "perceives; training is refused", _made_in_inference_mode
    ),
]
