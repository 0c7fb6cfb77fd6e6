"""Scalars of numpy are as good as plain numbers wherever a public function takes one, also for what is saved later."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy
import pytest
import torch

from bispike import data, fit, models
from bispike.arguments import LONGEST, checked, shown
from bispike.errors import ConfigurationError
from bispike.memory import AssociativeMemory
from bispike.online import Learner

np: Any = numpy  # its scalars are no int and no float for type checkers, which is the point


@checked
def kinds(a: int, b: float | None = None, *, c: bool = False, d: str = "") -> list[type]:
    return [type(value) for value in (a, b, c, d)]


@checked
def takes(values: torch.Tensor | None = None, sizes: list[int] | None = None) -> None:
    """A function of a tensor and a list."""


def test_functions_receive_plain_values() -> None:
    assert kinds(np.int64(3), np.float32(0.5), c=np.bool_(True), d=np.str_("x")) == [int, float, bool, str]


@pytest.mark.parametrize("wrong", [np.float64(3), np.bool_(True), np.array([3])])
def test_no_whole_number(wrong: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"^kinds: a: expected a whole number, received "):
        kinds(wrong)


def test_a_learner_with_settings_of_numpy_is_saved(tmp_path: Path) -> None:
    network = models.mlp(4, [8], 3, time_steps=2)
    moments = {"betas": (np.float32(0.5), np.float32(0.75))}
    learner = Learner(
        network,
        lr=np.float32(0.25),
        seed=np.int64(3),
        rule_options={"strength": np.float32(0.5)},
        optimizer_options=moments,
    )
    learner.save(tmp_path)
    saved = Learner.load(tmp_path).settings
    assert (saved["lr"], saved["seed"], saved["rule_options"]) == (0.25, 3, {"strength": 0.5})
    assert saved["optimizer_options"] == {"betas": [0.5, 0.75]}


def test_a_memory_with_a_seed_of_numpy_is_saved(tmp_path: Path) -> None:
    AssociativeMemory(6, np.int64(4), seed=np.int64(3)).save(tmp_path)
    assert AssociativeMemory.load(tmp_path)


def test_fit_takes_truth_values_of_numpy(tmp_path: Path) -> None:
    digits = data.load("digits")
    network = models.mlp(digits.stimulus, [8], digits.concept, time_steps=1)
    again: dict[str, Any] = {"epochs": 1, "limit": 300, "out": tmp_path, "progress": "none"}
    fit(network, "bsd", digits, **again)
    assert fit(network, "bsd", digits, overwrite=np.bool_(True), resume=np.bool_(False), **again).summary


@pytest.mark.parametrize(
    ("call", "hint"),
    [
        (lambda: takes(np.zeros(3)), r"received an ndarray of float64 and shape \[3\]\. torch\.from_numpy\(\.\.\.\)"),
        (
            lambda: takes(None, np.array([1])),
            r"an ndarray of int64 and shape \[1\]\. \.tolist\(\) makes one\.",
        ),
        (lambda: models.mlp(4, [8], np.array(["a", "b"])), r"\.tolist\(\) makes one\."),
    ],
)
def test_the_message_about_an_array_says_how_to_convert_it(call: Callable[[], object], hint: str) -> None:
    with pytest.raises(ConfigurationError, match=hint):
        call()


def test_a_list_of_lists_is_cut_in_messages() -> None:
    assert len(shown([[[0.123456789] * 28] * 28] * 28)) <= 2 * LONGEST + 3
