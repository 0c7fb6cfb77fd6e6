"""A contract that every learning rule keeps, as checks that anyone can run on a rule of their own.

    from bispike.rules import check_rule
    check_rule(MyRule)          # raises AssertionError with the name of the first check that fails

In the spirit of scikit-learn's estimator checks: a rule is called on small networks and must learn a separable toy
problem, repeat itself under a seed, go on exactly after its state was saved, and touch only what it owns.
"""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load, save
from torch import Tensor, nn

from .. import models
from ..errors import BispikeError
from ..nn import Network
from .rule import Rule

Check = Callable[[type[Rule], dict[str, Any]], None]


def check_rule(rule: type[Rule], **options: Any) -> list[str]:
    """Run every check on a rule class.

    Args:
        rule: subclass of `Rule`.
        **options: options that the rule is created with.

    Returns:
        Names of the checks that passed (all of them).

    Raises:
        AssertionError: the first check that fails, by name.
    """
    for name, check in CHECKS.items():
        try:
            check(rule, options)
        except AssertionError as error:
            raise AssertionError(f"{rule.__name__}: {name}: {error}") from error
        except Exception as error:
            raise AssertionError(f"{rule.__name__}: {name}: raised {type(error).__name__}: {error}") from error
    return list(CHECKS)


def toy_problem(count: int = 96, classes: int = 3, width: int = 12, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Separable classes: Gaussian clouds around distinct corners; stimuli `[N, width]` and labels `[N]`."""
    generator = torch.Generator().manual_seed(seed)
    centres = torch.randn(classes, width, generator=generator)
    labels = torch.arange(count) % classes
    return centres[labels] + 0.15 * torch.randn(count, width, generator=generator), labels


def _network(dtype: torch.dtype = torch.float32, **options: Any) -> Network:
    return models.mlp(12, [32, 24], 3, **options).to(dtype)


def _conv_network() -> Network:
    return models.cnn((1, 8, 8), [4, 6], 3, pools=[2, 1], dense=[10])


def _train(network: Network, rule: Rule, steps: int, *, lr: float = 0.01, batch: int = 24) -> None:
    stimuli, labels = toy_problem()
    stimuli = stimuli.to(network.stimulus_mean.dtype)
    optimizer = _optimizer(rule, lr)
    for step in range(steps):
        rows = torch.arange(step * batch, (step + 1) * batch) % stimuli.shape[0]
        rule.compute_gradients(stimuli[rows], labels[rows])
        optimizer.step()


def _optimizer(rule: Rule, lr: float) -> torch.optim.Optimizer:
    """Adam, or the optimizer that the rule advises, with the learning rate that goes with it."""
    name = rule.recommended.get("optimizer", "adam")
    kinds = {key.lower(): kind for key, kind in vars(torch.optim).items() if isinstance(kind, type)}
    rate = rule.recommended.get("lr", lr) if "optimizer" in rule.recommended else lr
    options = rule.recommended.get("optimizer_options", {})
    made: torch.optim.Optimizer = kinds[name.lower()](rule.parameters(), lr=rate, **options)
    return made


def _weights(network: Network) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in network.state_dict().items()}


def _same(a: dict[str, Tensor], b: dict[str, Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[key], b[key]) for key in a)


def learns(rule: type[Rule], options: dict[str, Any]) -> None:
    """At least 90 % right on a separable problem."""
    network = _network()
    _train(network, rule(network, **options), 150)
    stimuli, labels = toy_problem()
    accuracy = float((network.perceive(stimuli) == labels).float().mean())
    assert accuracy >= 0.9, f"expected at least 0.9 on a separable problem, reached {accuracy:.2f}"


def repeats_itself(rule: type[Rule], options: dict[str, Any]) -> None:
    """Same seed, same weights."""
    results = []
    for _ in range(2):
        network = _network()
        _train(network, rule(network, **options), 10)
        results.append(_weights(network))
    assert _same(*results), "two runs from the same seed differ"


def goes_on_exactly(rule: type[Rule], options: dict[str, Any]) -> None:
    """Saving and loading network and rule changes nothing."""
    network = _network()
    first = rule(network, **options)
    _train(network, first, 6)
    copy = models.build(network.spec)
    copy.load_state_dict(network.state_dict())
    second = rule(copy, **options)
    second.load_state_dict({key: value.clone() for key, value in first.state_dict().items()})
    _train(network, first, 6)
    _train(copy, second, 6)
    assert _same(_weights(network), _weights(copy)), "training after a reload differs from training without one"


def owns_its_parameters(rule: type[Rule], options: dict[str, Any]) -> None:
    """Gradients on exactly the parameters that it names; all others stay."""
    network = _network()
    instance = rule(network, **options)
    owned = {id(parameter) for parameter in instance.parameters()}
    known = {id(parameter) for module in (network, instance.state) for parameter in module.parameters()}
    assert owned <= known, "parameters outside the network and the rule's state"
    before = _weights(network)
    stimuli, labels = toy_problem()
    instance.compute_gradients(stimuli, labels)
    for name, parameter in network.named_parameters():
        assert torch.equal(before[name], parameter), f"a step moved the weights of {name}; only .grad may change"
        has = parameter.grad is not None
        assert has == (id(parameter) in owned), f"{name}: gradient {'written' if has else 'missing'}"


def leaves_inputs_alone(rule: type[Rule], options: dict[str, Any]) -> None:
    """Stimuli and labels stay as they are; read-only memory is fine."""
    network = _network()
    stimuli, labels = toy_problem()
    kept = stimuli.clone(), labels.clone()
    rule(network, **options).compute_gradients(stimuli, labels)
    assert torch.equal(kept[0], stimuli), "stimuli were changed"
    assert torch.equal(kept[1], labels), "labels were changed"


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
                instance = rule(_network(), **options)
                instance.compute_gradients(source, labels)
                gradients.append([parameter.grad for parameter in instance.parameters()])
        del mapped
    assert all(a is not None and b is not None and torch.equal(a, b) for a, b in zip(*gradients, strict=True)), (
        "gradients differ between a memory-mapped array and the same values in memory"
    )


def keeps_its_state_in_a_file(rule: type[Rule], options: dict[str, Any]) -> None:
    """The rule's state goes through safetensors unchanged, and a state that is not its own is refused."""
    network = _network()
    instance = rule(network, **options)
    _train(network, instance, 3)
    state = instance.state_dict()
    read = load(save({key: value.contiguous() for key, value in state.items()}))
    other = rule(_network(), **options)
    other.load_state_dict(read)
    assert _same(dict(other.state_dict()), dict(state)), "the state differs after it was written and read"
    try:
        other.load_state_dict({**read, "no such tensor": torch.zeros(1)})
    except BispikeError:
        return
    raise AssertionError("no error for a state with a tensor that is not the rule's")


def replaces_gradients(rule: type[Rule], options: dict[str, Any]) -> None:
    """A second step writes its own gradients and does not add to the first's."""
    stimuli, labels = toy_problem()
    network = _network()
    instance = rule(network, **options)
    instance.compute_gradients(stimuli, labels)
    once = [parameter.grad.clone() for parameter in instance.parameters() if parameter.grad is not None]
    fresh = _network()
    other = rule(fresh, **options)
    other.load_state_dict(instance.state_dict())
    instance.compute_gradients(stimuli, labels)
    other.compute_gradients(stimuli, labels)
    twice = [parameter.grad for parameter in instance.parameters() if parameter.grad is not None]
    again = [parameter.grad for parameter in other.parameters() if parameter.grad is not None]
    assert len(once) == len(twice), "the set of gradients changed between steps"
    assert all(torch.equal(a, b) for a, b in zip(twice, again, strict=True)), "gradients accumulate over steps"


def announces_its_gradients(rule: type[Rule], options: dict[str, Any]) -> None:
    """`on_gradients_ready` hears of every parameter once a step, when its gradient is final."""
    stimuli, labels = toy_problem()
    instance = rule(_network(norm=True), **options)
    heard: list[nn.Parameter] = []
    gradients: list[Tensor | None] = []

    def hear(parameters: Sequence[nn.Parameter]) -> None:
        heard.extend(parameters)
        gradients.extend(None if parameter.grad is None else parameter.grad.clone() for parameter in parameters)

    instance.on_gradients_ready = hear
    instance.compute_gradients(stimuli, labels)
    owned = sorted(id(parameter) for parameter in instance.parameters())
    assert sorted(id(parameter) for parameter in heard) == owned, "not every owned parameter is announced once"
    for parameter, then in zip(heard, gradients, strict=True):
        now = parameter.grad
        assert then is not None, "a parameter was announced before its gradient was there"
        assert now is not None, "a gradient went away after it was announced"
        assert torch.equal(then, now), "a gradient changed after it was announced"


def bears_updates_in_the_sweep(rule: type[Rule], options: dict[str, Any]) -> None:
    """Weights that are moved as soon as they are announced end with the same bits as weights moved after the step."""

    def move(parameters: Sequence[nn.Parameter]) -> None:
        with torch.no_grad():
            for parameter in parameters:
                if parameter.grad is not None:
                    parameter.sub_(parameter.grad, alpha=0.05)
                    parameter.grad = None

    stimuli, labels = toy_problem()
    results = []
    for at_once in (True, False):
        network = _network(norm=True, concept_code="learned")
        instance = rule(network, **options)
        instance.on_gradients_ready = move if at_once else None
        for _ in range(3):
            instance.compute_gradients(stimuli, labels)
            if not at_once:
                move(instance.parameters())
        results.append(_weights(network))
    assert _same(*results), "the step reads a weight, or writes its gradient, after it announced it"


def takes_any_batch(rule: type[Rule], options: dict[str, Any]) -> None:
    """One sample, one class, both precisions, norm and convolutions: finite gradients."""
    stimuli, labels = toy_problem()
    for dtype in (torch.float32, torch.float64):
        for norm in (False, True):
            for rows in (slice(0, 1), slice(0, 96, 3), slice(0, 7)):
                network = _network(dtype, norm=norm)
                instance = rule(network, **options)
                instance.compute_gradients(stimuli[rows].to(dtype), labels[rows])
                _assert_finite(instance, dtype)
    network = _conv_network()
    instance = rule(network, **options)
    instance.compute_gradients(torch.rand(5, 1, 8, 8, generator=torch.Generator().manual_seed(0)), labels[:5])
    _assert_finite(instance, torch.float32)


def bears_shortcuts_or_refuses_them(rule: type[Rule], options: dict[str, Any]) -> None:
    """On a residual network: finite gradients, or an error that names the rule."""
    network = models.resnet((1, 8, 8), [4, 6], 3, blocks=[1, 1])
    if rule.needs_chain:
        said = ""
        try:
            rule(network, **options)
        except BispikeError as error:
            said = str(error)
        assert rule.name in said, f"no error that names the rule for a network with shortcuts: {said!r}"
        return
    instance = rule(network, **options)
    instance.compute_gradients(torch.rand(5, 1, 8, 8, generator=torch.Generator().manual_seed(0)), torch.arange(5) % 3)
    _assert_finite(instance, torch.float32)


def _assert_finite(instance: Rule, dtype: torch.dtype) -> None:
    for parameter in instance.parameters():
        assert parameter.grad is not None, "a gradient is missing"
        assert parameter.grad.dtype == dtype, f"expected gradients of {dtype}, received {parameter.grad.dtype}"
        assert torch.isfinite(parameter.grad).all(), "a gradient is not finite"
        assert parameter.grad.stride() == parameter.stride(), "a gradient lies otherwise in memory than its parameter"


def refuses_wrong_input(rule: type[Rule], options: dict[str, Any]) -> None:
    """Wrong shapes, labels, values that are not finite and unknown options raise bispike's own errors."""
    stimuli, labels = toy_problem()
    instance = rule(_network(), **options)
    for wrong in ((stimuli[:, :5], labels), (stimuli, labels[:4]), (stimuli, labels + 1), (stimuli[:0], labels[:0])):
        try:
            instance.compute_gradients(*wrong)
        except BispikeError:
            continue
        raise AssertionError(f"no error for {list(wrong[0].shape)} with labels {wrong[1].tolist()[:4]}")
    for value in (float("nan"), float("inf")):
        spoilt = stimuli.clone()
        spoilt[1, 2] = value
        said = ""
        try:
            instance.compute_gradients(spoilt, labels)
        except BispikeError as error:
            said = str(error)
        assert "finite" in said, f"no error that says what is wrong with a stimulus that holds {value}: {said!r}"
    try:
        rule(_network(), no_such_option=1)
    except BispikeError:
        return
    raise AssertionError("no error for an unknown option")


CHECKS: dict[str, Check] = {
    check.__name__.replace("_", " "): check
    for check in (
        owns_its_parameters,
        leaves_inputs_alone,
        reads_memory_maps,
        keeps_its_state_in_a_file,
        refuses_wrong_input,
        replaces_gradients,
        announces_its_gradients,
        bears_updates_in_the_sweep,
        takes_any_batch,
        bears_shortcuts_or_refuses_them,
        repeats_itself,
        goes_on_exactly,
        learns,
    )
}
