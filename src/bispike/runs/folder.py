"""A run's folder: what lies where, who may write to it, and when an earlier run may be replaced.

Nothing is replaced unless that was asked for, only files that a run writes are ever removed, and two processes
never train into the same folder.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import time
from collections.abc import Iterator
from pathlib import Path

from ..errors import CheckpointError, ConfigurationError, UserError
from . import checkpoint
from ..config.train_config import CONFIG_FILE
from ..files import describe, make_folder, remove_unfinished

try:
    import fcntl
except ImportError:  # systems without POSIX locks
    fcntl = None  # type: ignore[assignment]

CHECKPOINT = "checkpoint"
METRICS = "metrics.jsonl"
MODEL = "model.safetensors"
INITIAL = "initial.safetensors"
SUMMARY = "summary.json"
REPORT = "report.html"
AUDIT = "audit.json"

# In the order of removal: without the first two a run is not taken for finished or resumable any more.
_OWN = (SUMMARY, MODEL, METRICS, INITIAL, REPORT, AUDIT, CONFIG_FILE)


def check_target(out: Path, *, resume: bool, overwrite: bool) -> None:
    """May a run be written to this folder? Changes nothing.

    Raises:
        ConfigurationError: both `resume` and `overwrite`.
        UserError: it is no folder, holds something else, or holds a run and neither was asked for.
    """
    if resume and overwrite:
        raise ConfigurationError("resume and overwrite: expected one of them; one goes on, the other begins again.")
    if out.exists() and not out.is_dir():
        raise UserError(f"{out}: a file stands where the run's folder is expected.")
    if not is_occupied(out):
        return
    if not is_run(out):
        raise UserError(f"{out}: is not empty and is not the folder of a run; choose another folder.")
    if not (resume or overwrite):
        raise UserError(
            f"{out}: holds a finished run. --overwrite (overwrite=True) replaces it; or choose another folder."
            if is_finished(out)
            else f"{out}: holds a run that can be resumed. --resume (resume=True) goes on with it, --overwrite "
            "(overwrite=True) replaces it; or choose another folder."
        )


def is_occupied(out: Path) -> bool:
    """Whether the folder holds anything."""
    try:
        return out.is_dir() and any(out.iterdir())
    except OSError as error:
        raise describe(error, out) from error


def is_run(out: Path) -> bool:
    """Whether the folder holds a run, even one that was killed while it began."""
    names = {path.name for path in out.iterdir() if not path.name.startswith(".writing-")}
    return CONFIG_FILE in names or names <= {INITIAL}


def is_finished(out: Path) -> bool:
    """Whether the run came to its end: the summary is written last."""
    return (out / SUMMARY).is_file()


def clear(out: Path) -> None:
    """Remove an earlier run's files, and nothing else."""
    saved = out / CHECKPOINT
    try:
        for name in (checkpoint.LATEST, checkpoint.PREVIOUS):
            (saved / name).unlink(missing_ok=True)
        if saved.is_dir():
            for path in saved.glob("step-*.safetensors"):
                path.unlink()
            remove_unfinished(saved)
        for name in _OWN:
            (out / name).unlink(missing_ok=True)
        remove_unfinished(out)
    except OSError as error:
        raise describe(error, out) from error


@contextlib.contextmanager
def locked(out: Path, *, patience: float = 0.0) -> Iterator[Path]:
    """Create the folder and keep other processes from training into it meanwhile.

    Args:
        out: the folder.
        patience: seconds to wait for another process to let go of it.

    Raises:
        CheckpointError: another process does.
    """
    folder = make_folder(out)
    if fcntl is None:
        yield folder
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        deadline = time.monotonic() + patience
        while not _locked(descriptor):
            if time.monotonic() >= deadline:
                raise CheckpointError(f"{out}: another process is training into this folder.")
            time.sleep(0.05)
        yield folder
    finally:
        os.close(descriptor)


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        pass  # a file system without locks
    return True


def resume_command(out: Path) -> str:
    """The command that goes on with a run."""
    return f"bispike train --resume --out {shlex.quote(str(out))}"
