"""The harness finds what it is there to find, each fault planted in a target of its own."""

from __future__ import annotations

import os
import random
import time
from pathlib import Path

import numpy as np
import pytest

from bispike.errors import DataError

from .case import Outcome
from .target import Target
from .workers import Job, run_jobs


def _write(folder: Path) -> None:
    (folder / "file.txt").write_text("1 2 3\n")


class _Once:
    """Does nothing with the undamaged file and something wrong with a damaged one."""

    def __init__(self, wrong: object) -> None:
        self.wrong = wrong

    def __call__(self, folder: Path) -> None:
        if (folder / "file.txt").read_text() != "1 2 3\n" and callable(self.wrong):
            self.wrong(folder)


def _damage(path: Path, rng: random.Random) -> str:
    path.write_text("damaged")
    return "wrote 'damaged'"


def _refuse(folder: Path) -> None:
    raise DataError(f"{folder}: expected numbers.")


def _silent(folder: Path) -> None:
    raise DataError("")


def _allocate(folder: Path) -> None:
    np.empty(3 << 30, dtype=np.uint8)


def _touch_beside(folder: Path) -> None:
    (folder.parent / "notes.txt").unlink()


def _touch_inside(folder: Path) -> None:
    (folder / ".writing-1-mine.txt").write_text("swept")


def _outcomes(wrong: object, tmp_path: Path, *, cpu: float = 10.0, cases: int = 2) -> list[Outcome]:
    target = Target("planted", _write, _Once(wrong), files=("file.txt",), damages=(_damage,))
    job = Job(target, range(cases), tmp_path / "seeds", tmp_path / "scratch", seed=0)
    return list(run_jobs(iter([job]), jobs_at_a_time=1, cpu=cpu, until=time.monotonic() + 100))


@pytest.mark.parametrize(
    ("wrong", "kind"),
    [
        (lambda folder: None, "fine"),
        (_refuse, "refused"),
        (_silent, "silent"),
        (lambda folder: int("x"), "foreign"),
        (lambda folder: os.abort(), "abort"),
        (lambda folder: os._exit(0), "abort"),
        (lambda folder: time.sleep(60), "hang"),
        (_allocate, "memory"),
        (_touch_beside, "touched"),
        (_touch_inside, "touched"),
    ],
)
def test_each_kind_of_fault_is_found_and_the_next_case_runs(wrong: object, kind: str, tmp_path: Path) -> None:
    found = _outcomes(wrong, tmp_path, cpu=0.2 if kind == "hang" else 10.0)
    assert [(outcome.number, outcome.kind) for outcome in found] == [(0, kind), (1, kind)]


def test_a_case_is_the_same_each_time(tmp_path: Path) -> None:
    target = Target("same", _write, lambda folder: None)
    runs = []
    for name in ("a", "b"):
        job = Job(target, range(20), tmp_path / name / "seeds", tmp_path / name / "scratch", seed=3)
        runs.append([one.done for one in run_jobs(iter([job]), jobs_at_a_time=1, cpu=10, until=time.monotonic() + 100)])
    assert runs[0] == runs[1]
    assert len(set(runs[0])) > 10
