"""A fast sample of the fuzzing cases; `make fuzz` runs many more."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
SLOW = ("run [!b]*", "tensors of run [!b]*", "data bombs", "finished run", "study begun again")
"""Targets that take seconds to make, beside one of their kind."""
COMMAND = [sys.executable, "-m", "tests.fuzz.run", "--files", "170", "--tensors", "30", "--block", "6"]
COMMAND += [word for pattern in SLOW for word in ("--without", pattern)]


def test_a_sample_of_the_targets_has_no_finding() -> None:
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run(COMMAND, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-3000:]
