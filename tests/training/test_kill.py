"""A training that is killed again and again ends with the bits of one that never was."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from bispike.config.train_config import TrainConfig
from bispike.runs.folder import CHECKPOINT, METRICS, MODEL, SUMMARY
from bispike.training import load_run, run_config

KILLS = 10

CONFIG = TrainConfig(
    dataset="digits",
    model="mlp",
    model_options={"widths": [32, 16], "time_steps": 2, "stimulus_code": "bernoulli", "norm": True},
    epochs=14,
    batch_size=32,
    lr=3e-3,
    validation=0.1,
    keep="best",
    augment="crop-flip",
    clip_norm=5.0,
    warmup_steps=10,
    threads=1,
    checkpoint_steps=7,
)

# One process that is forked for each attempt: all is imported once, so that the kills hit the training itself.
# Prints the training steps that were saved at each kill.
DRIVER = """
import dataclasses, json, os, pathlib, random, signal, sys, time
import torch
torch.set_num_threads(1)
from bispike.runs import checkpoint
from bispike.training import TrainConfig, run_config
from bispike.runs.folder import CHECKPOINT
config = TrainConfig(**json.loads(sys.argv[1]))
run_config(dataclasses.replace(config, epochs=1), progress="none")
out, kills, total = sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
moments = random.Random(int(sys.argv[5]))
latest = pathlib.Path(out, CHECKPOINT, checkpoint.LATEST)
def reached():
    return json.loads(latest.read_text())["updates"] if latest.exists() else 0
saved = []
for target in sorted(moments.randrange(int(0.8 * total)) for _ in range(kills)):
    child = os.fork()
    if child == 0:
        run_config(config, out=out, resume=True, progress="none")
        os._exit(0)
    while reached() < target and os.waitpid(child, os.WNOHANG) == (0, 0):
        time.sleep(0.002)
    time.sleep(moments.uniform(0.0, 0.05))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    saved.append(reached())
run_config(config, out=out, resume=True, progress="none")
print(json.dumps(saved))
"""


@pytest.mark.slow
def test_ten_kills_leave_no_trace(tmp_path: Path) -> None:
    run_config(replace(CONFIG, epochs=1), progress="none")
    whole = run_config(CONFIG, out=tmp_path / "whole", progress="none")
    total = whole.summary["updates"]
    killed = tmp_path / "killed"
    seed = random.Random().randrange(2**31)
    found = subprocess.run(
        [sys.executable, "-c", DRIVER, json.dumps(CONFIG.to_dict()), str(killed), str(KILLS), str(total), str(seed)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert found.returncode == 0, f"seed {seed}: {found.stderr}"
    saved = json.loads(found.stdout)
    assert len(saved) == KILLS
    assert max(saved) < total, f"seed {seed}: a kill came after the end, at steps {saved}"
    assert len(set(saved)) > 2, f"seed {seed}: the kills hit no training, but steps {saved}"
    assert (killed / MODEL).read_bytes() == (tmp_path / "whole" / MODEL).read_bytes(), f"seed {seed}"
    assert not list(killed.rglob(".bispike*"))
    assert len(list((killed / CHECKPOINT).glob("step-*"))) <= 2
    again = load_run(killed)
    for row, expected in zip(again.metrics, whole.metrics, strict=True):
        timeless = {"seconds", "step_ms"}
        assert {k: v for k, v in row.items() if k not in timeless} == {
            k: v for k, v in expected.items() if k not in timeless
        }
    assert len((killed / METRICS).read_text().splitlines()) == CONFIG.epochs
    assert json.loads((killed / SUMMARY).read_text())["test"] == whole.summary["test"]
