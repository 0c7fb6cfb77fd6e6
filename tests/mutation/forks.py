"""Runs tests in forked processes: the parent has imported torch, a child only the package, from a copy of it.

A copy belongs to one child at a time. A child leads a session of its own, and what it started is killed with it.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PRELOADED = ("numpy", "torch", "hypothesis.strategies", "pytest", "safetensors.torch", "sklearn.datasets")
MEMORY = 16 << 30  # bytes of address space of a child


@dataclass
class Copy:
    """A copy of the repository in a temporary folder; `source` may be changed and put back."""

    root: Path
    package: str  # within the root, as "src/bispike"

    @classmethod
    def make(cls, repository: Path, package: str, folder: Path, cache: Path) -> Copy:
        copied = {package.split("/")[0], "tests"}
        hidden = shutil.ignore_patterns("__pycache__", "mutation")
        for entry in repository.iterdir():
            if entry.name in copied:
                shutil.copytree(entry, folder / entry.name, ignore=hidden)
            elif not entry.name.startswith(".") and entry.name != "runs":
                (folder / entry.name).symlink_to(entry)
        (folder / ".path").mkdir()
        shutil.copy(Path(__file__).with_name("trace.py"), folder / ".path" / "sitecustomize.py")
        made = cls(folder, package)
        made.refresh(cache)
        return made

    def refresh(self, cache: Path) -> None:
        """Empty the temporary folder; the cache is that of the unchanged package."""
        for name in (".tmp", ".cache"):
            shutil.rmtree(self.root / name, ignore_errors=True)
        (self.root / ".tmp").mkdir()
        shutil.copytree(cache, self.root / ".cache")

    @contextlib.contextmanager
    def changed(self, path: str, change: Callable[[str], str]) -> Iterator[None]:
        file = self.root / self.package / path
        before = file.read_text()
        try:
            self._write(file, change(before))
            yield
        finally:
            self._write(file, before)

    @staticmethod
    def _write(file: Path, text: str) -> None:
        file.write_text(text)
        for compiled in (file.parent / "__pycache__").glob(f"{file.stem}.*"):
            compiled.unlink()


@dataclass
class Job:
    """A child at work on a copy, and what is known of it."""

    process: int
    copy: Copy
    limit: float
    began: float = field(default_factory=time.monotonic)
    killed: bool = False
    has_ended: bool = False

    def kill(self) -> None:
        if not (self.killed or self.has_ended):
            self.killed = True
            _kill_tree(self.process)

    def result(self) -> dict[str, Any] | None:
        """What the child returned; None while it runs. A child that died has `crashed`."""
        finished, status = os.waitpid(self.process, os.WNOHANG)
        seconds = time.monotonic() - self.began
        if not finished:
            if seconds > self.limit:
                self.kill()
            return None
        self.has_ended = True
        _kill_tree(self.process, session_only=True)
        file = self.copy.root / ".result"
        if self.killed:
            return {"timeout": True, "seconds": seconds}
        if not file.exists():
            return {"crashed": f"the process ended with status {status}", "seconds": seconds}
        return {**json.loads(file.read_text()), "seconds": seconds}


def preload() -> None:
    """Import what every child needs but the package itself."""
    for name in PRELOADED:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    assert "bispike" not in sys.modules
    gc.collect()
    gc.freeze()


def start(copy: Copy, work: Callable[[Copy], dict[str, Any]], limit: float) -> Job:
    """Fork a child that does `work` in the copy, with its output in `.output` there."""
    (copy.root / ".result").unlink(missing_ok=True)
    process = os.fork()
    if process:
        return Job(process, copy, limit)
    try:
        os.setsid()
        _enter(copy)
        result = work(copy)
        (copy.root / ".written").write_text(json.dumps(result))
        os.replace(copy.root / ".written", copy.root / ".result")
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
        os._exit(70)
    os._exit(0)


def wait(job: Job) -> dict[str, Any]:
    while (result := job.result()) is None:
        time.sleep(0.01)
    return result


def _enter(copy: Copy) -> None:
    output = os.open(copy.root / ".output", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((nothing, 0), (output, 1), (output, 2)):
        os.dup2(source, target)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.chdir(copy.root)
    above = copy.root / Path(copy.package).parent
    os.environ.pop("PYTEST_ADDOPTS", None)
    os.environ |= {"PYTHONPATH": f"{copy.root / '.path'}:{above}", "XDG_CACHE_HOME": str(copy.root / ".cache")}
    os.environ |= {"TMPDIR": str(copy.root / ".tmp"), "OMP_NUM_THREADS": "1"}
    tempfile.tempdir = None
    for name in [name for name in sys.modules if name == "tests" or name.startswith("tests.")]:
        del sys.modules[name]
    here = Path(__file__).parents[2]
    kept = [entry for entry in sys.path if Path(entry or ".").resolve() not in (here, here / "src", copy.root)]
    sys.path[:] = [str(above), str(copy.root), *kept]
    importlib.invalidate_caches()


def _kill_tree(process: int, *, session_only: bool = False) -> None:
    """Kill a child, its session and, unless it has ended already, what its descendants moved to other sessions."""
    doomed = [] if session_only else _descendants(process)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process, signal.SIGKILL)
    for pid in doomed:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _descendants(process: int) -> list[int]:
    parents: dict[int, list[int]] = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            parent = int(status.read_text().rpartition(")")[2].split()[1])
            parents.setdefault(parent, []).append(int(status.parent.name))
    found, pending = [], [process]
    while pending:
        children = parents.get(pending.pop(), [])
        found += children
        pending += children
    return found
