"""`bispike bench`: one true measurement of a tiny piece of work, and the rest with made-up ones."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from bispike.bench import Case, run
from bispike.bench.peers.environment import PeersError
from bispike.bench.run import Result

from ..bench.made_up import made_up_rows
from .conftest import bispike

KEYS = {"case", "rule", "library", "step_ms", "peak_memory_mb", "ratio_time", "ratio_memory"}


def test_measures_in_processes_of_its_own(tmp_path: Path) -> None:
    words = ["--suite", "card3-mlp", "--case", "mlp-T1", "--batch-size", "2", "--repeats", "2", "--warmup", "0"]
    called = bispike("bench", *words, "--out", tmp_path / "out", "--json")
    assert called.status == 0, called.err
    assert [row["rule"] for row in called.json["rows"]] == ["bsd", "bptt"]
    assert all(row.keys() >= KEYS and row["step_ms"] > 0 and row["peak_memory_mb"] > 0 for row in called.json["rows"])
    assert called.json["rows"][1]["ratio_time"] == 1
    assert json.loads((tmp_path / "out/bench.json").read_text())["rows"] == called.json["rows"]
    assert (tmp_path / "out/bench.png").stat().st_size > 1000


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Replaces the measurement; the value under `bsd_ms` is the time of a bsd step."""
    found: dict[str, Any] = {"bsd_ms": 10.0, "problems": []}

    def run_suite(cases: Sequence[Case], **options: Any) -> Result:
        rows = [row for case in cases for row in made_up_rows(case.name, bsd_ms=found["bsd_ms"])]
        return Result(rows, found["problems"])

    monkeypatch.setattr(run, "run_suite", run_suite)
    return found


def test_the_table_fits_a_terminal(measured: dict[str, Any], tmp_path: Path) -> None:
    called = bispike("bench", "--out", tmp_path / "out")
    assert called.status == 0
    assert "norse" in called.out
    lines = [line for line in called.out.splitlines() if str(tmp_path) not in line]
    assert max(map(len, lines)) <= 100


def test_check_fails_when_a_ratio_got_worse(measured: dict[str, Any], tmp_path: Path) -> None:
    words = ["bench", "--out", tmp_path / "out", "--history", tmp_path / "history.jsonl"]
    unknown = bispike(*words, "--check")
    assert unknown.status == 2
    assert "record one first" in unknown.err
    assert bispike(*words, "--record").status == 0
    assert bispike(*words, "--check").status == 0
    measured["bsd_ms"] = 13.0
    called = bispike(*words, "--check", "--json")
    assert called.status == 1
    assert "mlp-T4-d60 bsd: time against bptt" in called.err
    assert called.json["worse"]


def test_what_could_not_be_measured_is_status_1(measured: dict[str, Any], tmp_path: Path) -> None:
    measured["problems"] = ["mlp-T4-d60, norse bptt: out of memory"]
    called = bispike("bench", "--out", tmp_path / "out", "--json")
    assert called.status == 1
    assert called.json["problems"] == measured["problems"]
    assert "out of memory" in (tmp_path / "out/bench.md").read_text()


def test_without_a_folder_the_results_go_below_runs(
    measured: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    called = bispike("bench")
    assert called.status == 0
    assert "| mlp-T4-d60 | bsd | 10.0 | 0.25 |" in (tmp_path / "runs" / "bench" / "bench.md").read_text()


def test_wrong_requests_have_status_2(tmp_path: Path) -> None:
    assert bispike("bench", "--suite", "quik", "--out", tmp_path).status == 2
    assert "did you mean 'quick'" in bispike("bench", "--suite", "quik", "--out", tmp_path).err
    assert bispike("bench", "--repeats", "0", "--out", tmp_path).status == 2


def test_without_peers_ours_are_measured_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_network(**options: Any) -> Path:
        raise PeersError("peers: installing norse==1.1.0 failed")

    asked: list[dict[str, Any]] = []

    def broken_worker(request: dict[str, Any], python: Path) -> dict[str, Any]:
        asked.append(request)
        raise run.WorkerError("the measuring process was ended by signal 9 (out of memory?).")

    monkeypatch.setattr(run, "peers_python", no_network)
    monkeypatch.setattr(run, "ask_worker", broken_worker)
    case = Case("tiny", "mlp", (4,), (3,), time_steps=1, batch_size=1)
    result = run.run_suite([case, case], with_peers=True)
    assert [request["contenders"] for request in asked] == [[("bispike", "bsd"), ("bispike", "bptt")]] * 2
    assert "norse" in result.problems[0]
    assert "signal 9" in result.problems[1]
    assert result.rows == []
