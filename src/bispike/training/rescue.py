"""A training that is cut short: interrupted, diverged, or left by another process.

An interrupted training saves its current step. If a process is lost, the remaining ones undo the broken step and save
the last complete one. Each message states what was saved and how to resume.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from ..errors import CheckpointError
from ..runs import checkpoint
from ..runs.folder import CHECKPOINT, resume_command
from ..runs.lock import locked
from . import distributed
from .checkpointer import Checkpointer
from .distributed import ProcessLost
from .interrupt import Interrupt, TrainingInterrupted

LOCK_SECONDS = 20.0  # for which the survivor of a lost process waits for the lock of the run's folder


class Rescue:
    """Saves what can be saved, and states it.

    Args:
        checkpointer: of the training.
        in_pass: whether weights move during a step, so that a broken step cannot be undone.
    """

    def __init__(self, checkpointer: Checkpointer, *, in_pass: bool) -> None:
        self.checkpointer, self.in_pass = checkpointer, in_pass
        self.folder, self.training = checkpointer.folder, checkpointer.training

    def interrupted(self) -> TrainingInterrupted:
        """Save the current step; the error to raise for an interruption."""
        position = self.training.position
        if self.folder is None:
            return TrainingInterrupted(
                f"interrupted at {position}; the network in memory has the weights of that step. "
                "Nothing was saved: the training had no folder (out)."
            )
        distributed.from_first(self.checkpointer.group, self._saved)  # no process leaves before process 0 has saved
        return TrainingInterrupted(f"interrupted at {position}; {self._resumable()}")

    @contextlib.contextmanager
    def when_a_process_is_lost(self) -> Iterator[None]:
        """While entered, the loss of any other process saves the last complete step."""
        try:
            yield
        except ProcessLost as lost:
            with Interrupt():  # the launcher ends the remaining processes, but must not do so while they save
                raise ProcessLost(f"{lost} {self._save_last_step()}") from lost

    def last_checkpoint(self) -> str:
        """What is left of a training that diverged, as sentences that follow the error."""
        moved = " The weights in memory were moved by that step (update in-pass)." if self.in_pass else ""
        if self.folder is None or not self.checkpointer.has_saved():
            return moved
        return f"{moved} The last checkpoint before that is in {self.folder / CHECKPOINT}."

    def after_failure(self) -> str:
        """What is left of a training whose folder could not be written, as sentences that follow the error."""
        if self.folder is None:
            return ""
        if not self.checkpointer.has_saved():
            return f" There is no checkpoint yet. Resume with:\n  {resume_command(self.folder)}"
        return f" The last checkpoint is in {self.folder / CHECKPOINT}. Resume with:\n  {resume_command(self.folder)}"

    def _save_last_step(self) -> str:
        last = f"The last complete step was {self.training.position}"
        if self.folder is None:
            return f"{last}; the network in memory has its weights. Nothing was saved: there was no folder (out)."
        if self.in_pass:
            return (
                "Weights were moving in the pass (update in-pass), so this step cannot be saved."
                f"{self.last_checkpoint()}"
            )
        if self.checkpointer.group.rank == 0:
            self.checkpointer.save()
            return f"{last}; {self._resumable()}"
        try:
            with locked(self.folder, patience=LOCK_SECONDS):
                saved = checkpoint.load(self.folder / CHECKPOINT)
                if saved is None or saved.updates < self.training.state.updates:
                    self.checkpointer.save()
        except CheckpointError as error:
            return f"{last}; not saved by this process: {error}"
        return f"{last}; {self._resumable()}"

    def _saved(self) -> bytes:
        self.checkpointer.save()
        return b""

    def _resumable(self) -> str:
        assert self.folder is not None
        return f"saved in {self.folder / CHECKPOINT}. Resume with:\n  {resume_command(self.folder)}"
