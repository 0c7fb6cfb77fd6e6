"""The fork server: its children are bispike processes of one thread, and each ends on its own account."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bispike.stopping import SIGNALS
from bispike.studies.fork_server import LOST, ForkServer
from bispike.studies.processes import NewProcesses, Processes

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="forks with torch are for Linux")


@pytest.fixture
def server() -> Iterator[ForkServer]:
    taken = ForkServer.take()
    yield taken
    taken.give_back()


def start(where: Processes, folder: Path, name: str, *words: str, lock: int | None = None) -> Path:
    where.start(name, words, stdout=folder / f"{name}.json", stderr=folder / f"{name}.log", lock=lock)
    return folder / f"{name}.json"


def ended(where: Processes, count: int) -> dict[str, int | str]:
    found: dict[str, int | str] = {}
    while len(found) < count:
        found |= where.wait(60) or pytest.fail(f"only {found} ended")
    return found


def endless(folder: Path) -> list[str]:
    """A training that does not end by itself."""
    words = "train --dataset digits --model mlp --set widths=[8] --limit 64 --epochs 100000 --json"
    return [*words.split(), "--out", str(folder / "run")]


def wait_for(path: Path, *, size: int = 0) -> None:
    """Wait until the file is there, with at least this many bytes."""
    deadline = time.monotonic() + 60
    while not path.exists() or path.stat().st_size < size:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def children_of(parent: int) -> list[int]:
    return [int(word) for word in Path(f"/proc/{parent}/task/{parent}/children").read_text().split()]


@pytest.mark.parametrize("kind", [ForkServer.take, NewProcesses])
def test_both_ways_to_start_a_process_do_the_same(kind: Any, tmp_path: Path) -> None:
    where: Processes = kind()
    good, bad = start(where, tmp_path, "good", "presets", "--json"), start(where, tmp_path, "bad", "prests", "--json")
    assert ended(where, 2) == {"good": 0, "bad": 2}
    assert json.loads(good.read_text())["presets"]
    assert "presets" in json.loads(bad.read_text())["error"]["message"]
    assert where.wait(0) == {}
    where.give_back()


def test_the_server_has_one_thread_when_it_forks(server: ForkServer, tmp_path: Path) -> None:
    start(server, tmp_path, "any", "presets", "--json")
    assert ended(server, 1) == {"any": 0}
    assert len(os.listdir(f"/proc/{server._process.pid}/task")) == 1


def test_a_child_that_crashes_ends_alone(server: ForkServer, tmp_path: Path) -> None:
    start(server, tmp_path, "crashing", *endless(tmp_path))
    wait_for(tmp_path / "run" / "config.toml")
    (child,) = children_of(server._process.pid)
    start(server, tmp_path, "other", "presets", "--json")
    assert ended(server, 1) == {"other": 0}
    os.kill(child, signal.SIGSEGV)
    assert ended(server, 1) == {"crashing": -signal.SIGSEGV}


def test_an_interrupted_training_saves_a_checkpoint(server: ForkServer, tmp_path: Path) -> None:
    answer = start(server, tmp_path, "long", *endless(tmp_path))
    wait_for(tmp_path / "run" / "metrics.jsonl", size=1)  # an epoch has ended, so the training runs
    server.interrupt(signal.SIGINT)
    assert ended(server, 1) == {"long": 1}
    assert json.loads(answer.read_text())["error"]["kind"] == "TrainingInterrupted"
    assert list((tmp_path / "run" / "checkpoint").iterdir())


def test_signals_for_all_processes_of_a_job_end_no_server_with_children(server: ForkServer, tmp_path: Path) -> None:
    answer = start(server, tmp_path, "long", *endless(tmp_path))
    wait_for(tmp_path / "run" / "metrics.jsonl", size=1)
    (child,) = children_of(server._process.pid)
    for number in SIGNALS:
        os.kill(server._process.pid, number)
    os.kill(child, signal.SIGUSR1)
    assert ended(server, 1) == {"long": 1}
    assert server._process.poll() is None
    assert "saved in" in json.loads(answer.read_text())["error"]["message"]


def test_children_work_in_the_folder_and_the_environment_of_now(
    server: ForkServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "data").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BISPIKE_DATA", "data")
    answer = start(server, tmp_path, "info", "data", "info", "mnist", "--json")
    assert ended(server, 1) == {"info": 0}
    searched = json.loads(answer.read_text())["searched"]
    assert any((tmp_path / place).is_relative_to(tmp_path / "data") for place in searched)


def test_a_lost_server_is_reported_for_each_child(tmp_path: Path) -> None:
    server = ForkServer()
    start(server, tmp_path, "one", *endless(tmp_path))
    wait_for(tmp_path / "run" / "config.toml")
    (child,) = children_of(server._process.pid)
    os.kill(server._process.pid, signal.SIGKILL)
    assert ended(server, 1) == {"one": LOST}
    deadline = time.monotonic() + 60
    while Path(f"/proc/{child}").exists() and _state(child) != "Z" and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not Path(f"/proc/{child}").exists() or _state(child) == "Z"
    server.give_back()
    other = ForkServer.take()
    assert other._process.poll() is None
    other.give_back()


def _state(process: int) -> str:
    try:
        return Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return "Z"


def test_two_studies_at_a_time_have_a_server_each() -> None:
    first, second = ForkServer.take(), ForkServer.take()
    assert first._process.pid != second._process.pid
    first.give_back()
    assert ForkServer.take() is first
    first.give_back()
    second.close()
