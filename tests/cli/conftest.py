"""One small trained run for all tests of the command line, and the way to call it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from bispike.cli._app import app

TINY = ["--dataset", "digits", "--model", "mlp", "--set", "widths=[12]", "--limit", "120", "--epochs", "1"]
TINY += ["--time-steps", "2", "--batch-size", "32"]


@dataclass
class Called:
    """What a call left behind."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """Standard output, which must be one JSON object."""
        value = json.loads(self.out)
        assert isinstance(value, dict)
        return value


def bispike(*words: object) -> Called:
    """Call the command line in this process."""
    result = CliRunner().invoke(app, [str(word) for word in words])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Called(result.exit_code, result.stdout, result.stderr)


def fingerprint(folder: Path) -> dict[str, str]:
    """Every file below a folder with a hash of its content."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run; tests must leave it as it is."""
    out = tmp_path_factory.mktemp("runs") / "trained"
    called = bispike("train", *TINY, "--out", out, "--json")
    assert called.status == 0, called.err
    return out


@pytest.fixture
def copy_of(trained: Path, tmp_path: Path) -> Callable[[], Path]:
    """Makes a copy of the finished run that a test may damage."""
    import shutil

    def make() -> Path:
        return Path(shutil.copytree(trained, tmp_path / "copy"))

    return make
