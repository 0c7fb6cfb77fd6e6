"""A child works on a copy: what it returns, what is said of one that hangs or dies, and what it cannot touch."""

from __future__ import annotations

import importlib
import os
import signal
import subprocess
import sys
import time
from operator import methodcaller
from pathlib import Path
from typing import Any

import pytest

from . import forks


@pytest.fixture
def copy(tmp_path: Path) -> forks.Copy:
    """A repository with one package, `some_package.VALUE` being 1, and a copy of it."""
    repository = tmp_path / "repository"
    for name in ("src/some_package", "tests"):
        (repository / name).mkdir(parents=True)
    (repository / "src/some_package/__init__.py").write_text("VALUE = 1\n")
    for name in ("copy", "cache"):
        (tmp_path / name).mkdir()
    return forks.Copy.make(repository, "src/some_package", tmp_path / "copy", tmp_path / "cache")


def value(copy: forks.Copy) -> dict[str, Any]:
    """The value of the package here and in a process that is started here."""
    code = "import some_package; print(some_package.VALUE)"
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    return {"here": importlib.import_module("some_package").VALUE, "started": int(printed)}


def test_a_child_and_what_it_starts_import_the_changed_copy(copy: forks.Copy) -> None:
    found = []
    for number in "123":
        with copy.changed("__init__.py", methodcaller("replace", "1", number)):
            result = forks.wait(forks.start(copy, value, limit=60))
        found.append((result["here"], result["started"]))
    assert found == [(1, 1), (2, 2), (3, 3)]
    assert (copy.root / "src/some_package/__init__.py").read_text() == "VALUE = 1\n"
    assert (copy.root.parent / "repository/src/some_package/__init__.py").read_text() == "VALUE = 1\n"
    assert "some_package" not in sys.modules


def test_a_child_that_hangs_is_killed_with_what_it_started(copy: forks.Copy) -> None:
    def hang(copy: forks.Copy) -> dict[str, Any]:
        child = subprocess.Popen(["sleep", "600"], start_new_session=True)
        (copy.root / "started").write_text(str(child.pid))
        return {"status": child.wait()}

    result = forks.wait(forks.start(copy, hang, limit=0.5))
    assert result["timeout"]
    started = Path("/proc", (copy.root / "started").read_text(), "stat")
    deadline = time.monotonic() + 10
    while started.exists() and started.read_text().rpartition(")")[2].split()[0] != "Z":
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.parametrize("end", [lambda: os.kill(os.getpid(), signal.SIGKILL), sys.exit, lambda: 1 / 0])
def test_a_child_that_dies_has_crashed(copy: forks.Copy, end: Any) -> None:
    result = forks.wait(forks.start(copy, lambda _: end(), limit=60))
    assert "crashed" in result
    assert "timeout" not in result
