"""The folder of a training: begun or resumed, and saved on the way.

The checkpointer knows the folder and the checkpoint format; what is saved is the snapshot of a `Training`. A training
resumes only from a checkpoint with the same `Identity`. Where several processes train together, process 0 reads and
writes for all of them.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import torch

from ..config.differences import differences
from ..config.train_config import CONFIG_FILE, OPTIONS, TrainConfig, config_problem, read_config, write_config
from ..data import Dataset
from ..errors import CheckpointError
from ..files import write_atomic
from ..json_values import is_table, is_text, record, whole
from ..nn import Group, Network
from ..rules import Rule
from ..runs import checkpoint
from ..runs.checkpoint import load_weights
from ..runs.folder import CHECKPOINT, INITIAL, METRICS, SCHEMA, sweep
from ..runs.lock import FolderLock
from ..runs.origin import sign
from ..runs.saved_schema import write_schema
from . import distributed
from .progress import Progress
from .state import Training

expect_identity = record(
    {
        "settings": record({}, dict.fromkeys((*OPTIONS, "extra"), is_table)),
        "network": is_table,
        "rule": is_table,
        "data": is_text,
    }
)
"""Check of an identity in a checkpoint."""


class Identity:
    """What a training must share with a checkpoint from which it resumes.

    Args:
        config: the settings.
        network, rule, dataset: what they describe.
    """

    def __init__(self, config: TrainConfig, network: Network, rule: Rule, dataset: Dataset) -> None:
        self.config, self.network, self.rule, self.dataset = config, network, rule, dataset

    def values(self) -> dict[str, Any]:
        """As plain values, for a checkpoint."""
        return {
            "settings": self.config.to_dict(),
            "network": self.network.spec,
            "rule": self.rule.options,
            "data": self.dataset.fingerprint,
        }

    def differences(self, saved: dict[str, Any]) -> list[str]:
        """What differs from the identity in a checkpoint, as "name: saved -> now"; settings that do not matter may."""
        now = json.loads(json.dumps(self.values()))
        found = differences(saved["settings"], self.config)
        if not found:  # the settings describe network and rule, so that their differences would say the same again
            found += [
                f"{part}: {saved[part].get(key)!r} -> {now[part].get(key)!r}"
                for part in ("network", "rule")
                for key in sorted(saved[part].keys() | now[part].keys())
                if saved[part].get(key) != now[part].get(key)
            ]
        if saved["data"] != now["data"]:
            found.append(f"content of the data set: {saved['data']} -> {now['data']}")
        return found


class Checkpointer:
    """Opens the folder of a run and saves checkpoints in it.

    Args:
        folder: an existing folder that process 0 has locked; None keeps the run in memory.
        training: what is saved and restored.
        identity: of that training.
        config: how often checkpoints are saved, and what `config.toml` holds.
        group: processes that train together.
        progress: receives notes for people.
    """

    def __init__(
        self,
        folder: Path | None,
        training: Training,
        identity: Identity,
        *,
        config: TrainConfig,
        group: Group,
        progress: Progress,
    ) -> None:
        self.folder, self.training, self.identity = folder, training, identity
        self.config, self.group, self.progress = config, group, progress
        self.own_folder = folder if group.rank == 0 else None  # where this process writes
        self.lock: FolderLock | None = None  # of that folder, if this process holds it
        self.saved_at = time.monotonic()

    # ------------------------------------------------------------------ begin or resume

    def begin(self) -> None:
        """Begin the run, or resume it; all processes get the weights and the position of process 0.

        Raises:
            CheckpointError: the folder holds another training, no checkpoint is intact, or the processes were started
                with different trainings.
        """
        if self.group.size == 1:
            self._open()
            return
        saved = checkpoint.from_bytes(distributed.from_first(self.group, self._opened))
        problems = self.identity.differences(saved.identity)
        if int(self.group.add_(torch.tensor([len(problems)], device=self.training.device))):
            raise CheckpointError(
                f"the processes were not given the same training; process 0 and process {self.group.rank} of "
                f"{self.group.size}: {'; '.join(problems) or 'no difference'}. Start all of them with the same "
                "settings and data."
            )
        if self.group.rank > 0:
            self.training.restore(saved)

    def _opened(self) -> bytes:
        self._open()
        return checkpoint.to_bytes(self._snapshot())

    def _open(self) -> None:
        folder = self.own_folder
        if folder is None:
            return
        sweep(folder)
        saved = checkpoint.restore(folder / CHECKPOINT, self._resume_from, note=self.progress.note)
        if saved is None:
            self._begin_in(folder)
        else:
            checkpoint.keep_only(folder / CHECKPOINT, saved)
            problem = config_problem(folder)
            if problem:
                self.progress.note(problem)
            if problem or not (folder / SCHEMA).exists() or read_config(folder).dataset != self.config.dataset:
                self._write_config(folder)
            self.progress.note(f"resuming at {self.training.position}")
        unsigned = sign(folder, self.config.to_dict())
        if unsigned:
            self.progress.note(
                f"note: {unsigned}, so that this run will not be known as yours: evaluate it with --trust (trust=True)."
            )
        rows = [json.dumps(row) + "\n" for row in self.training.state.metrics]
        write_atomic(folder / METRICS, "".join(rows))  # without the rows of steps after the checkpoint

    def _resume_from(self, saved: checkpoint.Checkpoint) -> checkpoint.Checkpoint:
        """Restore a checkpoint of this training."""
        expect_identity(saved.identity, "checkpoint")
        self._expect_same(self.identity.differences(saved.identity))
        whole(0, self.config.epochs)(saved.epoch, "checkpoint: epoch")
        self.training.restore(saved)
        return saved

    def _begin_in(self, folder: Path) -> None:
        """Write the initial weights and the settings; if a kill prevented the first checkpoint, take them again."""
        network = self.training.network
        if (folder / CONFIG_FILE).exists():
            self._expect_same(differences(read_config(folder).to_dict(), self.config))
        self._write_config(folder)  # first: with it alone the run can be resumed
        initial = folder / INITIAL
        if initial.exists():
            load_weights(network, checkpoint.read_tensors(initial), initial)
            self.training.reset_rule()
        else:
            write_atomic(initial, checkpoint.serialise(network.state_dict()))

    def _write_config(self, folder: Path) -> None:
        training = self.training
        write_config(folder, self.config, network=training.network.spec, rule=training.rule.options)
        write_schema(folder, self.identity.dataset.schema)

    def _expect_same(self, problems: list[str]) -> None:
        if problems:
            raise CheckpointError(
                f"{self.folder}: holds a training with other settings: {'; '.join(problems)}. "
                "Resume it with its own settings, or choose another folder."
            )

    # ------------------------------------------------------------------ save

    def save_if_due(self, *, by_steps: bool = True) -> None:
        """Save a checkpoint if the settings ask for one now.

        Args:
            by_steps: whether the number of steps counts too, not only the time since the last checkpoint.
        """
        if self.own_folder is None:
            return
        config, updates = self.config, self.training.state.updates
        seconds = time.monotonic() - self.saved_at
        if (by_steps and config.checkpoint_steps and updates % config.checkpoint_steps == 0) or (
            0 < config.checkpoint_seconds <= seconds
        ):
            self.save()

    def save(self) -> None:
        """Save a checkpoint now.

        Raises:
            DivergenceError: a weight is not finite; the last checkpoint stays.
            CheckpointError: another process has taken over the folder.
        """
        assert self.folder is not None
        self.training.check_weights()
        self.check_lock()
        checkpoint.save(self.folder / CHECKPOINT, self._snapshot())
        self.saved_at = time.monotonic()

    def check_lock(self) -> None:
        """Check that the folder is still this process's.

        Raises:
            CheckpointError: another process has taken it over.
        """
        if self.lock is not None:
            self.lock.check()

    def has_saved(self) -> bool:
        """Whether the folder holds a checkpoint, from this process or an earlier one."""
        return self.folder is not None and (self.folder / CHECKPOINT / checkpoint.LATEST).exists()

    def _snapshot(self) -> checkpoint.Checkpoint:
        return self.training.snapshot(self.identity.values())
