"""A process that dies, and a disk that fails, at any call: the training resumes to the same bits, with own errors."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from bispike.data import Dataset
from bispike.errors import BispikeError, WorkError
from bispike.runs import folder
from bispike.runs.folder import CHECKPOINT, MODEL
from bispike.runs.lock import LOCK
from bispike.runs.marker import MARKER
from bispike.training import fit

from ..faults import Died, FaultyDisk
from .conftest import FAST, Remembering, tiny_network

SETTINGS: dict[str, Any] = {**FAST, "epochs": 2, "batch_size": 96, "checkpoint_steps": 1, "keep": "best"}
CALLS = 100
"""More than the calls of the training, so that its end is among them; each case takes every thirtieth."""
ALL = "BISPIKE_EVERY_FAULT" in os.environ  # half a minute; otherwise a sample
CASES = pytest.mark.parametrize("first", range(0, 30, 1 if ALL else 17))


def train(dataset: Dataset, out: Path, *, resume: bool = False) -> None:
    fit(tiny_network(dataset), "bsd", dataset, out=out, resume=resume, **SETTINGS)


@pytest.fixture
def whole(dataset: Dataset, tmp_path: Path) -> bytes:
    train(dataset, tmp_path / "before")  # what the first training of a process writes elsewhere is not counted
    with FaultyDisk() as disk:
        train(dataset, tmp_path / "whole")
    assert len(disk.calls) < CALLS
    assert {call.split()[0] for call in disk.calls} >= {"open", "write", "fsync", "replace", "unlink", "mkdir", "link"}
    return (tmp_path / "whole" / MODEL).read_bytes()


def unfinished(out: Path) -> list[Path]:
    """Unfinished files; a lock that could not be removed at the very end is removed by the next one."""
    return [path for path in out.rglob(".bispike*") if path.name != LOCK]


@CASES
def test_a_death_at_any_call_leaves_no_trace(first: int, dataset: Dataset, whole: bytes, tmp_path: Path) -> None:
    for at in range(first, CALLS, 30):
        out = tmp_path / str(at)
        with FaultyDisk(at=at) as disk, contextlib.suppress(Died):
            train(dataset, out)
        train(dataset, out, resume=True)
        assert (out / MODEL).read_bytes() == whole, disk.calls[at]
        assert unfinished(out) == [], disk.calls[at]
        assert len(list((out / CHECKPOINT).glob("step-*"))) <= 2


@CASES
@pytest.mark.parametrize("lasting", [False, True])
def test_an_error_at_any_call_is_an_own_one(
    first: int, lasting: bool, dataset: Dataset, whole: bytes, tmp_path: Path
) -> None:
    for at in range(first, CALLS, 30):
        out = tmp_path / str(at)
        number = (errno.ENOSPC, errno.EIO)[at % 2]
        with FaultyDisk(at=at, error=number, lasting=lasting) as disk, contextlib.suppress(WorkError):
            train(dataset, out)
        train(dataset, out, resume=True)
        assert (out / MODEL).read_bytes() == whole, disk.calls[at]
        assert unfinished(out) == [], disk.calls[at]


def test_a_full_disk_states_what_is_left_and_how_to_resume(dataset: Dataset, tmp_path: Path) -> None:
    class FillingUp(Remembering):
        def step(self, loss: float) -> None:
            super().step(loss)
            if self.steps == 2:
                disk.at = len(disk.calls)

    disk = FaultyDisk(error=errno.ENOSPC, lasting=True)
    with disk, pytest.raises(WorkError) as caught:
        fit(tiny_network(dataset), "bsd", dataset, out=tmp_path, **{**SETTINGS, "progress": FillingUp()})
    assert "No space left on device" in str(caught.value)
    assert f"The last checkpoint is in {tmp_path / CHECKPOINT}. Resume with:" in str(caught.value)
    assert f"bispike train --resume --out {tmp_path}" in str(caught.value)


@pytest.mark.parametrize("error", [None, errno.EIO], ids=["death", "error"])
def test_an_overwriting_that_fails_at_any_call_touches_nothing_of_others(
    error: int | None, whole: bytes, tmp_path: Path
) -> None:
    run, foreign = tmp_path / "whole", {"notes.md": b"mine", f"{CHECKPOINT}/step-best.safetensors": b"mine"}
    for name, content in foreign.items():
        (run / name).write_bytes(content)
    with FaultyDisk() as counted:
        folder.prepare(shutil.copytree(run, tmp_path / "counted"), resume=False, overwrite=True)
    assert len(counted.calls) > 8
    for at in range(len(counted.calls)):
        out = shutil.copytree(run, tmp_path / str(at))
        with FaultyDisk(at=at, error=error) as disk, contextlib.suppress(Died, BispikeError):
            folder.prepare(out, resume=False, overwrite=True)
        assert folder.is_run(out), disk.calls[at]
        folder.prepare(out, resume=False, overwrite=True)
        left = {str(path.relative_to(out)): path.read_bytes() for path in out.rglob("*") if path.is_file()}
        assert left.pop(MARKER), disk.calls[at]
        assert left == foreign, disk.calls[at]
