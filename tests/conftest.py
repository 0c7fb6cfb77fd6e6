"""What every test may rely on: interrupts, seeded randomness, and runs that repeat."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import numpy as np
import pytest
import torch

HERE = Path(__file__).parent
STRICT = ("functional", "mutation")
"""Folders whose tests may not draw from a global generator that they did not seed; those beside this file neither."""

hypothesis.settings.register_profile("ci", derandomize=True, deadline=None, print_blob=True)


def pytest_configure() -> None:
    """Ctrl-C can be tested although a shell that starts jobs in the background lets them ignore it."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if os.environ.get("CI") and hypothesis.settings.get_current_profile_name() == "default":
        hypothesis.settings.load_profile("ci")


@pytest.fixture(scope="session", autouse=True)
def _own_state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The key by which runs are known as one's own lies in a folder of the tests, not in that of the user."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        yield


@pytest.fixture(autouse=True)
def _seeded(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Global generators start every test in the same state; in strict folders they must not be used without a seed."""
    torch.manual_seed(0)
    np.random.seed(0)  # noqa: NPY002
    folder = request.path.relative_to(HERE).parts[0]
    if folder not in STRICT and folder != request.path.name:
        yield
        return
    seeded: list[str] = []
    for module, name in ((torch, "manual_seed"), (np.random, "seed")):
        monkeypatch.setattr(module, name, _noting(getattr(module, name), seeded))
    before = _states()
    yield
    used = [name for name, state in _states().items() if state != before[name]]
    if used and not seeded:
        pytest.fail(f"the test drew from the global generator of {' and '.join(used)}: pass a seeded generator")


def _noting(seed, noted: list[str]):  # type: ignore[no-untyped-def]
    """The function, and a note when it is called."""

    def call(*arguments: object) -> object:
        noted.append("seeded")
        return seed(*arguments)

    return call


def _states() -> dict[str, bytes]:
    state = np.random.get_state(legacy=False)  # noqa: NPY002
    return {"torch": torch.get_rng_state().numpy().tobytes(), "numpy": repr(state).encode()}
