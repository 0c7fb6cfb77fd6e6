"""The folder of a run: its files, its lock, and when an earlier run may be replaced.

Nothing is replaced unless the caller requests it. Only files of a run are removed. Two processes never train into the
same folder.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import time
from collections.abc import Iterator
from pathlib import Path

from ..config.train_config import CONFIG_FILE
from ..errors import CheckpointError, ConfigurationError, UserError
from ..files import describe, make_folder, remove_unfinished
from . import checkpoint

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

# In the order of removal: without the first two files a folder is no finished run.
_FILES_OF_A_RUN = (SUMMARY, MODEL, METRICS, INITIAL, REPORT, AUDIT, CONFIG_FILE)


def check_target(out: Path, *, resume: bool, overwrite: bool) -> None:
    """Check that a run may be written to this folder. Nothing is changed.

    Args:
        out: the folder, which need not exist.
        resume, overwrite: whether a run in it may be resumed, or replaced.

    Raises:
        ConfigurationError: both `resume` and `overwrite`.
        UserError: a file of this name, a folder with something else, or one with a run and neither option.
    """
    if resume and overwrite:
        raise ConfigurationError(
            "resume and overwrite: expected at most one of them, received both. Resume continues a run, overwrite "
            "begins again."
        )
    if out.exists() and not out.is_dir():
        raise UserError(f"{out}: expected a folder for the run, received a file. Choose another folder.")
    if not is_occupied(out):
        return
    if not is_run(out):
        raise UserError(
            f"{out}: expected an empty folder or one of a run; it is not empty and is not the folder of a run. "
            "Choose another folder."
        )
    if not (resume or overwrite):
        raise UserError(
            f"{out}: holds a finished run. Replace it with --overwrite (overwrite=True), or choose another folder."
            if is_finished(out)
            else f"{out}: holds a run that can be resumed. Resume it with --resume (resume=True), replace it with "
            "--overwrite (overwrite=True), or choose another folder."
        )


def is_occupied(out: Path) -> bool:
    """Whether the folder contains anything."""
    try:
        return out.is_dir() and any(out.iterdir())
    except OSError as error:
        raise describe(error, out) from error


def is_run(out: Path) -> bool:
    """Whether the folder holds a run, even one that was killed while it began."""
    names = {path.name for path in out.iterdir() if not path.name.startswith(".writing-")}
    return CONFIG_FILE in names or names <= {INITIAL}


def is_finished(out: Path) -> bool:
    """Whether the run has ended: the summary is its last file."""
    return (out / SUMMARY).is_file()


def clear(out: Path) -> None:
    """Remove the files of an earlier run, and nothing else."""
    saved = out / CHECKPOINT
    try:
        for name in (checkpoint.LATEST, checkpoint.PREVIOUS):
            (saved / name).unlink(missing_ok=True)
        if saved.is_dir():
            for path in saved.glob("step-*.safetensors"):
                path.unlink()
            remove_unfinished(saved)
        for name in _FILES_OF_A_RUN:
            (out / name).unlink(missing_ok=True)
        remove_unfinished(out)
    except OSError as error:
        raise describe(error, out) from error


@contextlib.contextmanager
def locked(out: Path, *, patience: float = 0.0) -> Iterator[Path]:
    """Create the folder and lock it; while entered, no other process can train into it.

    Args:
        out: the folder.
        patience: seconds to wait while another process holds the lock.

    Raises:
        CheckpointError: another process still holds the lock.
    """
    folder = make_folder(out)
    if fcntl is None:
        yield folder
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        deadline = time.monotonic() + patience
        while not _try_lock(descriptor):
            if time.monotonic() >= deadline:
                raise CheckpointError(
                    f"{out}: another process is training into this folder. Wait for its end, or choose another folder."
                )
            time.sleep(0.05)
        yield folder
    finally:
        os.close(descriptor)


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        pass  # a file system without locks
    return True


def resume_command(out: Path) -> str:
    """The command that resumes a run."""
    return f"bispike train --resume --out {shlex.quote(str(out))}"
