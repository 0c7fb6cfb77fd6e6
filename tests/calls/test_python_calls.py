"""Bad calls of the Python interface: each gives an error of bispike that names the argument, or is listed as right."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from bispike.errors import BispikeError

from .building import model_calls, network_calls, rule_calls, training_calls
from .measuring import analysis_calls, data_calls, functional_calls, memory_calls, online_calls
from .things import Call, autoencoder, labels, network, rule, stimuli
from .values import BAD_LABELS, BAD_STIMULI, WRONG

GROUPS = (
    model_calls,
    training_calls,
    rule_calls,
    network_calls,
    memory_calls,
    online_calls,
    data_calls,
    analysis_calls,
    functional_calls,
)
CALLS = [call for group in GROUPS for call in group()]
ARGUMENTS = [(call, argument) for call in CALLS for argument in call.kinds]

ACCEPTED = {
    ("models.cnn", "strides", "3"): "one stride for all layers",
    ("models.cnn", "pools", "3"): "one pool for all layers",
}
"""Values of a pool that are right for this argument, with the reason."""
OTHER_NAMES = {"names": "concept", "label": "class", "stream": "consolidate", "shape": "stimulus"}
"""What messages call an argument, besides its name."""


def bad_values(call: Call, argument: str) -> Iterator[Any]:
    kind = call.kinds[argument]
    for value in WRONG[kind.rstrip("?")]:
        accepted = (call.name, argument, repr(value)) in ACCEPTED
        if not accepted and not (value is None and kind.endswith("?")):
            yield value


def verdict(call: Call, argument: str, value: Any) -> str:
    """What is wrong with the answer to a bad value; empty if it is one clear message."""
    what = f"{call.name}({argument}={str(value)[:40]!r})"
    try:
        call.function(**{**call.good, argument: value})
    except BispikeError as error:
        text = str(error)
        named = argument in text or OTHER_NAMES.get(argument, argument) in text
        told = "expected" in text or "unknown" in text or "no such" in text or "is not" in text or "already" in text
        return "" if named and told and len(text) < 1500 else f"{what}: unclear: {text}"
    except Exception as error:
        return f"{what}: {type(error).__name__}: {error}"
    return f"{what}: accepted"


def test_there_are_many_bad_calls() -> None:
    assert sum(1 for call, argument in ARGUMENTS for _ in bad_values(call, argument)) >= 2000


@pytest.mark.parametrize(("call", "argument"), ARGUMENTS, ids=[f"{call.name}-{name}" for call, name in ARGUMENTS])
def test_bad_values_are_named(call: Call, argument: str, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    wrong = [verdict(call, argument, value) for value in bad_values(call, argument)]
    assert [text for text in wrong if text] == []
    assert list(tmp_path.iterdir()) == []


TAKE_STIMULI = {
    "network": network(),
    "perceive": network().perceive,
    "logits": network().logits,
    "observe": network().observe,
    "compress": autoencoder().compress,
    "reconstruct": autoencoder().reconstruct,
    "compute_gradients": lambda values: rule().compute_gradients(values, labels()),
}
CONVERTED = ("another precision", "booleans", "numpy")
CONVERTED_LABELS = ("bytes", "numpy")
"""What networks bring to their precision, while a step of a rule takes nothing but what a data set gives."""
TAKE_LABELS = {
    "recall": network().recall,
    "imagine": network().imagine,
    "compute_gradients": lambda values: rule().compute_gradients(stimuli(), values),
}


@pytest.mark.parametrize("bad", BAD_STIMULI)
@pytest.mark.parametrize("name", TAKE_STIMULI)
def test_what_is_no_batch_of_stimuli_is_named(name: str, bad: str) -> None:
    if bad in CONVERTED and name != "compute_gradients":
        return  # a network converts them: situations of the Python door
    with pytest.raises(BispikeError, match=r"stimulus: expected .*received"):
        TAKE_STIMULI[name](BAD_STIMULI[bad](stimuli()))


@pytest.mark.parametrize("bad", BAD_LABELS)
@pytest.mark.parametrize("name", TAKE_LABELS)
def test_what_are_no_labels_is_named(name: str, bad: str) -> None:
    if bad in CONVERTED_LABELS and name != "compute_gradients":
        return
    with pytest.raises(BispikeError, match=r"labels: expected .*received"):
        TAKE_LABELS[name](BAD_LABELS[bad](labels()))


def test_a_network_takes_what_carries_a_gradient() -> None:
    """For adversarial examples the tape runs down to the stimulus; this is no mistake."""
    values = stimuli().requires_grad_()
    network()(values).sum().backward()
    assert values.grad is not None
