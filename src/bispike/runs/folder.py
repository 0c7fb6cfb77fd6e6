"""The folder of a run: its files, and when an earlier run may be replaced.

A folder is the one of a run if its marker says so (`marker`). Nothing is replaced unless the caller requests it, and
only files that the marker names are removed.
"""

from __future__ import annotations

import os
import shlex
import stat
from pathlib import Path

from ..config.train_config import CONFIG_FILE
from ..errors import ConfigurationError, UserError
from ..files import describe, final_name, is_link, remove_file, remove_unfinished, status_of
from . import checkpoint
from .lock import LOCK
from .marker import MARKER, RUN, mark, read_marker

CHECKPOINT = "checkpoint"
METRICS = "metrics.jsonl"
MODEL = "model.safetensors"
INITIAL = "initial.safetensors"
SUMMARY = "summary.json"
SCHEMA = "schema.json"
REPORT = "report.html"
AUDIT = "audit.json"

OWN = (SUMMARY, MODEL, METRICS, INITIAL, SCHEMA, CONFIG_FILE)
"""The files of a training, in the order of their removal: without the first two a folder is no finished run."""
_RESULTS = (REPORT, AUDIT)  # of other verbs about the run; removed with it if the marker names them


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
    if not is_occupied(out):
        return
    if not is_run(out):
        raise UserError(
            f"{out}: expected an empty folder or one of a run; it is not empty and is not the folder of a run (a run "
            f"has a file {MARKER} that says so). Choose another folder."
        )
    for name in (CHECKPOINT, *OWN):
        if is_link(out / name):
            raise UserError(
                f"{out / name}: expected what a run wrote, received a link to another place. Nothing behind a link is "
                "changed: replace it with what it leads to, or choose another folder."
            )
    if not (resume or overwrite) and _has_begun(out):
        raise UserError(
            f"{out}: holds a finished run. Replace it with --overwrite (overwrite=True), or choose another folder."
            if is_finished(out)
            else f"{out}: holds a run that can be resumed. Resume it with --resume (resume=True), replace it with "
            "--overwrite (overwrite=True), or choose another folder."
        )


def prepare(out: Path, *, resume: bool, overwrite: bool) -> None:
    """Make a locked folder the one of this run: check it again, remove an earlier run if asked, mark it.

    Raises:
        UserError: as `check_target`; meanwhile another process may have used the folder.
        WorkError: a file cannot be removed or written.
    """
    check_target(out, resume=resume, overwrite=overwrite)
    if overwrite and is_run(out):
        clear(out)
    if overwrite or not is_run(out):
        mark(out, RUN, (CHECKPOINT, *OWN))


def is_occupied(out: Path) -> bool:
    """Whether the folder contains anything beside a lock and unfinished files of a run that was killed as it began.

    Raises:
        UserError: it is no folder, or cannot be read.
    """
    try:
        if not stat.S_ISDIR(os.stat(out).st_mode):
            raise UserError(f"{out}: expected a folder for the run, received a file. Choose another folder.")
        return any(name != LOCK and final_name(name) not in (MARKER, LOCK) for name in os.listdir(out))
    except FileNotFoundError:
        if is_link(out):
            raise UserError(f"{out}: is a link to a folder that does not exist. Choose another folder.") from None
        return False
    except OSError as error:
        raise describe(error, out) from error
    except ValueError as error:
        raise UserError(f"{str(out)!r}: expected a path ({error}).") from error


def is_run(out: Path) -> bool:
    """Whether the folder is marked as that of a run, even of one that was killed while it began."""
    marker = read_marker(out)
    return marker is not None and marker.kind == RUN


def is_finished(out: Path) -> bool:
    """Whether the run has ended: the summary is its last file."""
    return (out / SUMMARY).is_file()


def clear(out: Path) -> None:
    """Remove the files of an earlier run, and nothing else.

    Raises:
        UserError: the folder is not marked as that of a run.
        BispikeError: a file cannot be removed; the rest is still there.
    """
    marker = read_marker(out)
    if marker is None or marker.kind != RUN:
        raise UserError(f"{out}: is not the folder of a run; nothing was removed.")
    saved = out / CHECKPOINT
    if CHECKPOINT in marker.files and not is_link(saved):
        pointers = (checkpoint.LATEST, checkpoint.PREVIOUS)  # first: without them no tensors are looked for
        for name in sorted(checkpoint.own_files(saved), key=lambda name: name not in pointers):
            remove_file(saved / name)
        remove_unfinished(saved, checkpoint.is_own)
    for name in (*OWN[:-1], *_RESULTS, OWN[-1]):
        if name in marker.files:
            remove_file(out / name)
    sweep(out)


def sweep(out: Path) -> None:
    """Remove what killed writes left of the files of a training."""
    remove_unfinished(out, lambda name: name in (*OWN, MARKER, LOCK))


def resume_command(out: Path) -> str:
    """The command that resumes a run."""
    return f"bispike train --resume --out {shlex.quote(str(out))}"


def _has_begun(out: Path) -> bool:
    """Whether a run wrote more than its marker."""
    return any(status_of(out / name) for name in (CHECKPOINT, *OWN))
