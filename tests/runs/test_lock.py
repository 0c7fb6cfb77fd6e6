"""Two processes never work in one folder: with locks of the system, without them, and on several machines."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from bispike.errors import CheckpointError, UserError, WorkError
from bispike.files import final_name
from bispike.runs import lock
from bispike.runs.lock import LOCK, STALE_SECONDS, locked

HOLD = (
    "import sys\nfrom pathlib import Path\nfrom bispike.runs import lock\n"
    "if sys.argv[2] == 'without':\n    lock._try_system_lock = lambda descriptor: None\n"
    "with lock.locked(Path(sys.argv[1])):\n    print('held', flush=True)\n    sys.stdin.read()\n"
)


@pytest.fixture(params=["with", "without"])
def system_locks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """With `flock`, and on a file system that refuses it."""
    if request.param == "without":

        def refuse(*arguments: object) -> None:
            raise OSError(errno.ENOLCK, "No locks available")

        monkeypatch.setattr("fcntl.flock", refuse)
    return request.param


def holding(folder: Path, system_locks: str) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder), system_locks],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_another_process_waits_for_its_end_however_it_ends(tmp_path: Path, system_locks: str) -> None:
    out = tmp_path / "run"
    with holding(out, system_locks) as other:
        who = rf"another process \(process {other.pid} on .*\) is training"
        with pytest.raises(CheckpointError, match=who), locked(out):
            pass
        assert (out / LOCK).exists()
        other.kill()
        other.wait()
    assert (out / LOCK).exists()
    with locked(out):
        assert json.loads((out / LOCK).read_text())["process"] == os.getpid()
    assert not any(out.iterdir())


def test_a_thread_of_this_process_waits_too(tmp_path: Path, system_locks: str) -> None:
    notes: list[str] = []
    with locked(tmp_path):
        with pytest.raises(CheckpointError, match="another process"), locked(tmp_path):
            pass
        thread = threading.Thread(target=lambda: _enter(tmp_path, notes.append))
        thread.start()
        time.sleep(0.1)
        assert notes == [f"waiting for another process in {tmp_path} to end"]
    thread.join(10)
    assert not thread.is_alive()


def _enter(folder: Path, note: Callable[[str], None]) -> None:
    with locked(folder, patience=10, note=note):
        pass


def left_by(folder: Path, *, age: float = 0.0, **values: object) -> Path:
    """The lock file of a process that never gave it back."""
    folder.mkdir(exist_ok=True)
    holder = replace(lock._this_process(), token="another", **values)  # type: ignore[arg-type]
    (folder / LOCK).write_text(json.dumps(asdict(holder)))
    now = time.time()
    os.utime(folder / LOCK, (now - age, now - age))
    return folder


@pytest.mark.parametrize(
    ("age", "stale"),
    [(0, False), (STALE_SECONDS - 20, False), (STALE_SECONDS + 20, True), (-STALE_SECONDS - 20, True)],
)
def test_the_lock_of_another_machine_is_stale_if_it_was_not_renewed(
    tmp_path: Path, system_locks: str, age: float, stale: bool
) -> None:
    left_by(tmp_path / "run", host="elsewhere", system="another boot", age=age)
    notes: list[str] = []
    if not stale:
        with pytest.raises(CheckpointError, match=r"on elsewhere.*5 minutes after its end"), locked(tmp_path / "run"):
            pass
        assert "another" in (tmp_path / "run" / LOCK).read_text()
        return
    with locked(tmp_path / "run", note=notes.append):
        assert "another boot" not in (tmp_path / "run" / LOCK).read_text()
    assert len(notes) == 1
    assert "elsewhere" in notes[0]


def test_the_lock_of_a_process_that_is_gone_is_taken_over_at_once(tmp_path: Path, system_locks: str) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    with locked(left_by(tmp_path / "gone", process=ended.pid)):
        pass
    with locked(left_by(tmp_path / "number used again", began="12")):
        pass


def test_the_lock_of_a_process_that_is_not_collected_yet_is_taken_over(tmp_path: Path, system_locks: str) -> None:
    killed = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)
    began = lock._began(killed.pid)
    killed.kill()
    deadline = time.monotonic() + 10
    while lock._began(killed.pid) != "ended" and time.monotonic() < deadline:
        time.sleep(0.01)
    with locked(left_by(tmp_path / "run", process=killed.pid, began=began)):
        pass
    killed.communicate()


def test_a_process_in_another_container_is_judged_by_its_renewals(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lock, "_try_system_lock", lambda descriptor: None)
    with pytest.raises(CheckpointError), locked(left_by(tmp_path / "new", space="pid:[1]", process=2**22)):
        pass
    with locked(left_by(tmp_path / "old", space="pid:[1]", process=2**22, age=STALE_SECONDS + 20)):
        pass


def test_a_lock_is_renewed_while_it_is_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock, "RENEW_SECONDS", 0.01)
    with locked(tmp_path):
        os.utime(tmp_path / LOCK, (0, 0))
        deadline = time.monotonic() + 10
        while (tmp_path / LOCK).stat().st_mtime < time.time() - 60:
            assert time.monotonic() < deadline
            time.sleep(0.01)


def test_a_process_whose_lock_was_taken_over_notices(tmp_path: Path) -> None:
    with locked(tmp_path) as held:
        held.check()
        (tmp_path / LOCK).unlink()
        held.check()
        assert (tmp_path / LOCK).exists()
        left_by(tmp_path, host="elsewhere")
        with pytest.raises(CheckpointError, match=r"on elsewhere works in this folder now.*writes nothing more"):
            held.check()
    assert "elsewhere" in (tmp_path / LOCK).read_text()


def test_a_stale_lock_that_another_process_renewed_meanwhile_stays(tmp_path: Path) -> None:
    left_by(tmp_path, host="elsewhere")
    judged = lock._this_process()
    lock._remove_stale(tmp_path / LOCK, judged)
    assert "elsewhere" in (tmp_path / LOCK).read_text()


@pytest.mark.parametrize("content", ["mine", "[]", '{"host": 1}', "x" * 5000, "[" * 4000])
def test_a_file_of_somebody_else_is_no_lock(tmp_path: Path, content: str) -> None:
    (tmp_path / LOCK).write_text(content)
    with pytest.raises(UserError, match="received another file"), locked(tmp_path):
        pass
    assert (tmp_path / LOCK).read_text() == content


def test_an_empty_lock_file_is_one_of_an_unknown_process(tmp_path: Path) -> None:
    (tmp_path / LOCK).write_text("")
    with pytest.raises(CheckpointError, match="unknown machine"), locked(tmp_path):
        pass
    os.utime(tmp_path / LOCK, (0, 0))
    with locked(tmp_path):
        pass


def test_file_systems_without_hard_links_have_locks_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object, **options: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    with locked(tmp_path):
        assert json.loads((tmp_path / LOCK).read_text())["process"] == os.getpid()
        with pytest.raises(CheckpointError), locked(tmp_path):
            pass
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize(("number", "kind"), [(errno.ENOSPC, WorkError), (errno.EROFS, WorkError), (13, UserError)])
def test_a_lock_that_cannot_be_written_is_an_own_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, kind: type[Exception]
) -> None:
    def fail(*arguments: object, **options: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "link", fail)
    with pytest.raises(kind, match=r"\.bispike\.lock"), locked(tmp_path):
        pass
    assert not [path for path in tmp_path.iterdir() if final_name(path.name)]


def test_without_another_thread_the_lock_is_given_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", fail)
    with pytest.raises(WorkError, match="allows no more threads"), locked(tmp_path):
        pass
    monkeypatch.undo()
    assert list(tmp_path.iterdir()) == []
    with locked(tmp_path):
        pass
