"""A training without compiled kernels: it is said once, and the summary holds it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch

from bispike.data import Dataset
from bispike.functional.backends import native
from bispike.functional.backends.native import build
from bispike.nn import Network
from bispike.training import fit
from bispike.training.progress import Progress

from .conftest import FAST


class Notes(Progress):
    """Collects the notes of a training."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, message: str) -> None:
        self.notes.append(message)


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[build.Found], None]]:
    """Replaces what there is of the kernels."""

    def give(found: build.Found) -> None:
        monkeypatch.setattr(build, "_obtain", lambda: found)
        for cached in (build.library, build.kernels):
            cached.cache_clear()

    yield give
    for cached in (build.library, build.kernels):
        cached.cache_clear()


def train(network: Network, dataset: Dataset, out: Path) -> tuple[list[str], object]:
    """The notes about kernels, and what the summary says of them, in memory and in its file."""
    notes = Notes()
    run = fit(network, "bsd", dataset, out=out, **{**FAST, "epochs": 2, "progress": notes})
    assert json.loads((out / "summary.json").read_text())["native"] is run.summary["native"]
    return [note for note in notes.notes if "kernels" in note], run.summary["native"]


def test_without_a_compiler_a_line_says_so_once(
    network: Network, dataset: Dataset, tmp_path: Path, given: Callable[[build.Found], None]
) -> None:
    given(build.Found(None, "no C++ compiler ('c++' is not on the path)"))
    ((note,), kernels) = train(network, dataset, tmp_path / "run")
    assert kernels is False
    assert note.startswith("note: the C++ kernels are not used: no C++ compiler ('c++' is not on the path). Torch ")
    assert "\n" not in note


def test_who_has_chosen_torch_is_not_told(
    network: Network, dataset: Dataset, tmp_path: Path, given: Callable[[build.Found], None]
) -> None:
    given(build.Found(None, build.OFF))
    assert train(network, dataset, tmp_path / "run") == ([], False)


def test_with_kernels_nothing_is_said(network: Network, dataset: Dataset, tmp_path: Path) -> None:
    if native.library() is None:
        pytest.skip(f"no compiled kernels: {native.reason()}")
    assert train(network, dataset, tmp_path / "run") == ([], True)


def test_kernels_in_another_place_are_told(
    network: Network, dataset: Dataset, tmp_path: Path, given: Callable[[build.Found], None]
) -> None:
    if native.library() is None:
        pytest.skip(f"no compiled kernels: {native.reason()}")
    given(build.Found(native.library(), remark="elsewhere: the kernels."))
    ((note,), _) = train(network, dataset, tmp_path / "run")
    assert note == "note: elsewhere: the kernels."


def test_kernels_are_not_used_in_float64(network: Network, dataset: Dataset) -> None:
    notes = Notes()
    run = fit(network.to(torch.float64), "bsd", dataset, **{**FAST, "epochs": 1, "progress": notes})
    assert run.summary["native"] is False
    assert notes.notes == []
