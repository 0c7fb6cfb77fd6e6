"""Checks of a single step: its gradients, its report, unchanged inputs, and its errors."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ... import models
from ...errors import BispikeError
from ..rule import Rule
from .problems import assert_finite, conv_network, network_of, toy_problem, weights_of


def owns_its_parameters(rule: type[Rule], options: dict[str, Any]) -> None:
    """A step writes gradients of exactly the parameters of the rule; all others are unchanged."""
    network = network_of()
    instance = rule(network, **options)
    owned = {id(parameter) for parameter in instance.parameters()}
    known = {id(parameter) for module in (network, instance.state) for parameter in module.parameters()}
    assert owned <= known, "parameters outside the network and the rule's own"
    before = weights_of(network)
    stimuli, labels = toy_problem()
    instance.compute_gradients(stimuli, labels)
    for name, parameter in network.named_parameters():
        assert torch.equal(before[name], parameter), f"a step moved the weights of {name}; only .grad may change"
        has = parameter.grad is not None
        assert has == (id(parameter) in owned), f"{name}: gradient {'written' if has else 'missing'}"


def leaves_inputs_unchanged(rule: type[Rule], options: dict[str, Any]) -> None:
    """Stimuli and labels are unchanged."""
    network = network_of()
    stimuli, labels = toy_problem()
    before = stimuli.clone(), labels.clone()
    rule(network, **options).compute_gradients(stimuli, labels)
    assert torch.equal(before[0], stimuli), "stimuli were changed"
    assert torch.equal(before[1], labels), "labels were changed"


def reads_memory_maps(rule: type[Rule], options: dict[str, Any]) -> None:
    """A step on a read-only memory-mapped array gives what a step on a copy in memory gives."""
    stimuli, labels = toy_problem()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "stimuli.npy"
        np.save(path, stimuli.numpy())
        mapped = np.load(path, mmap_mode="r")
        gradients = []
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*not writable.*")  # which is the point
            for source in (torch.from_numpy(mapped), stimuli):
                instance = rule(network_of(), **options)
                instance.compute_gradients(source, labels)
                gradients.append([parameter.grad for parameter in instance.parameters()])
        del mapped
    assert all(a is not None and b is not None and torch.equal(a, b) for a, b in zip(*gradients, strict=True)), (
        "gradients differ between a memory-mapped array and the same values in memory"
    )


def announces_its_gradients(rule: type[Rule], options: dict[str, Any]) -> None:
    """`on_gradients_ready` is called with every parameter once per step, when its gradient is final."""
    stimuli, labels = toy_problem()
    instance = rule(network_of(norm=True), **options)
    announced: list[nn.Parameter] = []
    gradients: list[Tensor | None] = []

    def record(parameters: Sequence[nn.Parameter]) -> None:
        announced.extend(parameters)
        gradients.extend(None if parameter.grad is None else parameter.grad.clone() for parameter in parameters)

    instance.on_gradients_ready = record
    instance.compute_gradients(stimuli, labels)
    owned = sorted(id(parameter) for parameter in instance.parameters())
    assert sorted(id(parameter) for parameter in announced) == owned, "not every owned parameter is announced once"
    for parameter, then in zip(announced, gradients, strict=True):
        now = parameter.grad
        assert then is not None, "a parameter was announced before its gradient was there"
        assert now is not None, "a gradient went away after it was announced"
        assert torch.equal(then, now), "a gradient changed after it was announced"


def takes_any_batch(rule: type[Rule], options: dict[str, Any]) -> None:
    """One sample, one class, both precisions, norm and convolutions: finite gradients."""
    stimuli, labels = toy_problem()
    for dtype in (torch.float32, torch.float64):
        for norm in (False, True):
            for rows in (slice(0, 1), slice(0, 96, 3), slice(0, 7)):
                network = network_of(dtype, norm=norm)
                instance = rule(network, **options)
                instance.compute_gradients(stimuli[rows].to(dtype), labels[rows])
                assert_finite(instance, dtype)
    network = conv_network()
    instance = rule(network, **options)
    instance.compute_gradients(torch.rand(5, 1, 8, 8, generator=torch.Generator().manual_seed(0)), labels[:5])
    assert_finite(instance, torch.float32)


def accepts_shortcuts_or_refuses_them(rule: type[Rule], options: dict[str, Any]) -> None:
    """On a residual network: finite gradients, or an error that names the rule."""
    network = models.resnet((1, 8, 8), [4, 6], 3, blocks=[1, 1])
    if rule.needs_chain:
        message = ""
        try:
            rule(network, **options)
        except BispikeError as error:
            message = str(error)
        assert rule.name in message, f"no error that names the rule for a network with shortcuts: {message!r}"
        return
    instance = rule(network, **options)
    instance.compute_gradients(torch.rand(5, 1, 8, 8, generator=torch.Generator().manual_seed(0)), torch.arange(5) % 3)
    assert_finite(instance, torch.float32)


def refuses_wrong_input(rule: type[Rule], options: dict[str, Any]) -> None:
    """Wrong shapes, labels, values that are not finite and unknown options raise bispike's own errors."""
    stimuli, labels = toy_problem()
    instance = rule(network_of(), **options)
    for wrong in ((stimuli[:, :5], labels), (stimuli, labels[:4]), (stimuli, labels + 1), (stimuli[:0], labels[:0])):
        try:
            instance.compute_gradients(*wrong)
        except BispikeError:
            continue
        raise AssertionError(f"no error for {list(wrong[0].shape)} with labels {wrong[1].tolist()[:4]}")
    for value in (float("nan"), float("inf")):
        spoilt = stimuli.clone()
        spoilt[1, 2] = value
        message = ""
        try:
            instance.compute_gradients(spoilt, labels)
        except BispikeError as error:
            message = str(error)
        assert "finite" in message, f"no error that says what is wrong with a stimulus that holds {value}: {message!r}"
    try:
        rule(network_of(), no_such_option=1)
    except BispikeError:
        return
    raise AssertionError("no error for an unknown option")
