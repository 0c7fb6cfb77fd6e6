"""One case: a copy of a target's files, one damage, what a user does with it, and whether that went well.

A case is named by its target, the seed of the run and a number, and is the same each time. It runs in a process of its
own or in one that has run other cases before it, never in the process that starts them.
"""

from __future__ import annotations

import hashlib
import random
import resource
import shutil
import tempfile
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bispike.errors import BispikeError

from .damage import any_damage
from .target import Target

LARGE = 2 << 30
"""Bytes that a file of less than SMALL may make a process allocate."""
SMALL = 4 << 20
ROOM = 12 << 30
"""Bytes beyond those in use that the system grants a case; it keeps a mistake from taking the whole machine."""
GUESTS = ("notes.txt", ".writing-1-mine.txt", "step-00000009-mine.txt", "table.txt.bak")


@dataclass
class Outcome:
    """What became of a case.

    Args:
        target, number: of the case.
        kind: "fine", "refused", or what is wrong: "foreign", "silent", "memory", "touched", "abort", "hang".
        done: the damage.
        detail: the error, and where it was raised.
        seconds: duration.
    """

    target: str
    number: int
    kind: str
    done: str = ""
    detail: str = ""
    seconds: float = 0.0

    @property
    def is_finding(self) -> bool:
        """Whether something is wrong."""
        return self.kind not in ("fine", "refused")


def run_case(
    target: Target,
    number: int,
    *,
    seed: int,
    seeds: Path,
    scratch: Path,
    begins: Callable[[], object] = lambda: None,
) -> Outcome:
    """Run one case.

    Args:
        target: whose case.
        number: of the case.
        seed: of the run.
        seeds: folder with the valid files of the target.
        scratch: an existing folder for the copy.
        begins: called when the files are damaged, before they are used.
    """
    rng = random.Random(f"{seed}:{target.name}:{number}")
    place = Path(tempfile.mkdtemp(dir=scratch))
    folder = place / "folder"
    shutil.copytree(seeds, folder, symlinks=True)
    guests = _plant([place, folder] if target.guests else [place])
    outcome = Outcome(target.name, number, "fine")
    try:
        files = sorted({path for pattern in target.files for path in folder.glob(pattern) if path.is_file()})
        path = rng.choice([path for path in files if path not in guests])
        damage = rng.choice(target.damages) if target.damages else any_damage
        outcome.done = f"{path.relative_to(folder)}: {damage(path, rng)}"
        small = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) < SMALL
        begins()
        _use(target, folder, outcome, small=small)
        lost = [str(path.relative_to(place)) for path, content in guests.items() if _digest(path) != content]
        if lost:
            outcome.kind, outcome.detail = "touched", f"files of others were changed: {', '.join(lost)}"
        return outcome
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _use(target: Target, folder: Path, outcome: Outcome, *, small: bool) -> None:
    size, peak = _memory()
    resource.setrlimit(resource.RLIMIT_AS, (size + ROOM, resource.RLIM_INFINITY))
    started = time.monotonic()
    try:
        target.use(folder)
    except BispikeError as error:
        outcome.kind, outcome.detail = "refused", str(error)
        if not str(error).strip():
            outcome.kind, outcome.detail = "silent", f"{type(error).__name__} without a message"
    except BaseException as error:
        outcome.kind, outcome.detail = "foreign", f"{where(error)}: {type(error).__name__}: {str(error)[:200]}"
    finally:
        outcome.seconds = time.monotonic() - started
        resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    after = _memory()[1]
    if small and after > peak and after - size > LARGE:
        outcome.kind, outcome.detail = "memory", f"allocated {(after - size) / 2**30:.1f} GiB; {outcome.detail}"


def where(error: BaseException) -> str:
    """The innermost line of bispike in a traceback; the innermost of all if there is none."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if "/bispike/" in frame.filename and "/tests/" not in frame.filename]
    last = (own or frames)[-1]
    return f"{'/'.join(Path(last.filename).parts[-2:])}:{last.lineno}"


def _plant(folders: list[Path]) -> dict[Path, str]:
    """Put files of somebody else into folders; returns their digests."""
    planted = {}
    for folder in folders:
        for name in GUESTS:
            (folder / name).write_text(f"somebody's own {name}")
            planted[folder / name] = _digest(folder / name)
    return planted


def _digest(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return "missing"


def _memory() -> tuple[int, int]:
    """Size of the address space now, and its largest so far, in bytes; zeros where the system does not tell."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return 0, 0
    values = {line.split(":")[0]: line.split()[1] for line in lines if line.startswith(("VmSize:", "VmPeak:"))}
    return int(values["VmSize"]) << 10, int(values["VmPeak"]) << 10
